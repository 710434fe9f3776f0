// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** The evidence. */
public final class ResArchiveEvidence extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("EvidenceRecord", Kind.BINARY, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The evidence record (RFC 4998). */
    public Content getEvidenceRecord() {
        return (Content) get("EvidenceRecord");
    }

    /** The evidence record (RFC 4998). */
    public ResArchiveEvidence setEvidenceRecord(Content value) {
        set("EvidenceRecord", value);
        return this;
    }
}
