// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for a new group. Makes a group. */
public final class ReqCreateGroup extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("groupName", Kind.TEXT, true, false, null),
            new Field("role", Kind.TEXT, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The group's name. At most 128 characters. */
    public String getGroupName() {
        return (String) get("groupName");
    }

    /** The group's name. At most 128 characters. */
    public ReqCreateGroup setGroupName(String value) {
        set("groupName", value);
        return this;
    }

    /** A ready-made role whose rights the group is to have. At most 128 characters. */
    public String getRole() {
        return (String) get("role");
    }

    /** A ready-made role whose rights the group is to have. At most 128 characters. */
    public ReqCreateGroup setRole(String value) {
        set("role", value);
        return this;
    }
}
