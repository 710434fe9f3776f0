// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for a kept document. Gets a document out of an archive. */
public final class ReqArchiveRetrieve extends Message {
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
    public ReqArchiveRetrieve setArchive(String value) {
        set("archive", value);
        return this;
    }

    /** Names the document in the archive. At most 100 characters. */
    public String getArchiveId() {
        return (String) get("archiveId");
    }

    /** Names the document in the archive. At most 100 characters. */
    public ReqArchiveRetrieve setArchiveId(String value) {
        set("archiveId", value);
        return this;
    }
}
