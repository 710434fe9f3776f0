// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** The document is kept. */
public final class ResArchiveSubmit extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("ArchiveId", Kind.TEXT, true, false, null),
            new Field("Status", Kind.INT, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Names it in the archive. At most 100 characters. */
    public String getArchiveId() {
        return (String) get("ArchiveId");
    }

    /** Names it in the archive. At most 100 characters. */
    public ResArchiveSubmit setArchiveId(String value) {
        set("ArchiveId", value);
        return this;
    }

    /** Status number of the archive interface. From -1000000 to 1000000. */
    public Integer getStatus() {
        return (Integer) get("Status");
    }

    /** Status number of the archive interface. From -1000000 to 1000000. */
    public ResArchiveSubmit setStatus(Integer value) {
        set("Status", value);
        return this;
    }
}
