// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** The users. */
public final class ResGetUsers extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Total", Kind.INT, true, false, null),
            new Field("Users", Kind.RECORD, false, true, UserEntry::new));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** How many there are. From 0 to 10000000. */
    public Integer getTotal() {
        return (Integer) get("Total");
    }

    /** How many there are. From 0 to 10000000. */
    public ResGetUsers setTotal(Integer value) {
        set("Total", value);
        return this;
    }

    /** Those of this page. At most 1000 of them. */
    public List<UserEntry> getUsers() {
        return list("Users");
    }

    /** Those of this page. At most 1000 of them. */
    public ResGetUsers addUsers(UserEntry value) {
        list("Users").add(value);
        return this;
    }
}
