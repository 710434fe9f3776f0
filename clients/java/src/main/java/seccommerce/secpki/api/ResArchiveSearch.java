// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** The kept documents. */
public final class ResArchiveSearch extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Total", Kind.INT, true, false, null),
            new Field("Entries", Kind.RECORD, false, true, ArchiveEntry::new));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** How many there are. From 0 to 1000000000. */
    public Integer getTotal() {
        return (Integer) get("Total");
    }

    /** How many there are. From 0 to 1000000000. */
    public ResArchiveSearch setTotal(Integer value) {
        set("Total", value);
        return this;
    }

    /** Those of this page. At most 1000 of them. */
    public List<ArchiveEntry> getEntries() {
        return list("Entries");
    }

    /** Those of this page. At most 1000 of them. */
    public ResArchiveSearch addEntries(ArchiveEntry value) {
        list("Entries").add(value);
        return this;
    }
}
