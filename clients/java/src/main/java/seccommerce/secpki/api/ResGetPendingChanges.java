// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** The changes that wait. */
public final class ResGetPendingChanges extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Changes", Kind.RECORD, false, true, ChangeEntry::new));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Each. At most 10000 of them. */
    public List<ChangeEntry> getChanges() {
        return list("Changes");
    }

    /** Each. At most 10000 of them. */
    public ResGetPendingChanges addChanges(ChangeEntry value) {
        list("Changes").add(value);
        return this;
    }
}
