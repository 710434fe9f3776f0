// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.time.Instant;
import java.util.List;

/** A kept document. */
public final class ArchiveEntry extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("ArchiveId", Kind.TEXT, true, false, null),
            new Field("DocumentName", Kind.TEXT, true, false, null),
            new Field("Submitted", Kind.TIME, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Names it in the archive. At most 100 characters. */
    public String getArchiveId() {
        return (String) get("ArchiveId");
    }

    /** Names it in the archive. At most 100 characters. */
    public ArchiveEntry setArchiveId(String value) {
        set("ArchiveId", value);
        return this;
    }

    /** Its file name. At most 255 characters. */
    public String getDocumentName() {
        return (String) get("DocumentName");
    }

    /** Its file name. At most 255 characters. */
    public ArchiveEntry setDocumentName(String value) {
        set("DocumentName", value);
        return this;
    }

    /** Since when it is kept. */
    public Instant getSubmitted() {
        return (Instant) get("Submitted");
    }

    /** Since when it is kept. */
    public ArchiveEntry setSubmitted(Instant value) {
        set("Submitted", value);
        return this;
    }
}
