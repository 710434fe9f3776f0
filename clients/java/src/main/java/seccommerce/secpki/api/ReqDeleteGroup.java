// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for the end of a group. Removes a group. */
public final class ReqDeleteGroup extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("groupName", Kind.TEXT, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The group's name. At most 128 characters. */
    public String getGroupName() {
        return (String) get("groupName");
    }

    /** The group's name. At most 128 characters. */
    public ReqDeleteGroup setGroupName(String value) {
        set("groupName", value);
        return this;
    }
}
