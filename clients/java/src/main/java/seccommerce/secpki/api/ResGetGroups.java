// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** The groups. */
public final class ResGetGroups extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Groups", Kind.RECORD, false, true, GroupEntry::new));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Each. At most 10000 of them. */
    public List<GroupEntry> getGroups() {
        return list("Groups");
    }

    /** Each. At most 10000 of them. */
    public ResGetGroups addGroups(GroupEntry value) {
        list("Groups").add(value);
        return this;
    }
}
