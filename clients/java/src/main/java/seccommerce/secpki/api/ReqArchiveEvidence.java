// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for the evidence of a kept document. Gets the evidence record of a document in an archive. */
public final class ReqArchiveEvidence extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("archive", Kind.TEXT, true, false, null),
            new Field("archiveId", Kind.TEXT, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Name of the archive. At most 200 characters. */
    public String getArchive() {
        return (String) get("archive");
    }

    /** Name of the archive. At most 200 characters. */
    public ReqArchiveEvidence setArchive(String value) {
        set("archive", value);
        return this;
    }

    /** Names the document in the archive. At most 100 characters. */
    public String getArchiveId() {
        return (String) get("archiveId");
    }

    /** Names the document in the archive. At most 100 characters. */
    public ReqArchiveEvidence setArchiveId(String value) {
        set("archiveId", value);
        return this;
    }
}
