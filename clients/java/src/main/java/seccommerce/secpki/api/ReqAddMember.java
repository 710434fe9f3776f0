// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for a user to be made a member of a group. Makes a user a member of a group. */
public final class ReqAddMember extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("groupName", Kind.TEXT, true, false, null),
            new Field("userName", Kind.TEXT, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The group's name. At most 128 characters. */
    public String getGroupName() {
        return (String) get("groupName");
    }

    /** The group's name. At most 128 characters. */
    public ReqAddMember setGroupName(String value) {
        set("groupName", value);
        return this;
    }

    /** The user's name. At most 128 characters. */
    public String getUserName() {
        return (String) get("userName");
    }

    /** The user's name. At most 128 characters. */
    public ReqAddMember setUserName(String value) {
        set("userName", value);
        return this;
    }
}
