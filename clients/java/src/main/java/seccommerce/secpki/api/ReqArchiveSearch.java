// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for kept documents by what is known of them. Searches an archive. */
public final class ReqArchiveSearch extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("archive", Kind.TEXT, true, false, null),
            new Field("metadata", Kind.RECORD, false, true, Setting::new),
            new Field("firstIndex", Kind.INT, false, false, null),
            new Field("count", Kind.INT, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Name of the archive. At most 200 characters. */
    public String getArchive() {
        return (String) get("archive");
    }

    /** Name of the archive. At most 200 characters. */
    public ReqArchiveSearch setArchive(String value) {
        set("archive", value);
        return this;
    }

    /** What all of them have. At most 64 of them. */
    public List<Setting> getMetadata() {
        return list("metadata");
    }

    /** What all of them have. At most 64 of them. */
    public ReqArchiveSearch addMetadata(Setting value) {
        list("metadata").add(value);
        return this;
    }

    /** The first to be listed, counted from 0. From 0 to 1000000000. */
    public Integer getFirstIndex() {
        return (Integer) get("firstIndex");
    }

    /** The first to be listed, counted from 0. From 0 to 1000000000. */
    public ReqArchiveSearch setFirstIndex(Integer value) {
        set("firstIndex", value);
        return this;
    }

    /** How many are listed at most. From 1 to 1000. */
    public Integer getCount() {
        return (Integer) get("count");
    }

    /** How many are listed at most. From 1 to 1000. */
    public ReqArchiveSearch setCount(Integer value) {
        set("count", value);
        return this;
    }
}
