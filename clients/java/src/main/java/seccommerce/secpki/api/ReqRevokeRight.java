// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for a right of a group to be taken away. Takes a right from a group. */
public final class ReqRevokeRight extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("groupName", Kind.TEXT, true, false, null),
            new Field("function", Kind.TEXT, true, false, null),
            new Field("objectName", Kind.TEXT, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The group's name. At most 128 characters. */
    public String getGroupName() {
        return (String) get("groupName");
    }

    /** The group's name. At most 128 characters. */
    public ReqRevokeRight setGroupName(String value) {
        set("groupName", value);
        return this;
    }

    /** What was permitted. At most 50 characters. */
    public String getFunction() {
        return (String) get("function");
    }

    /** What was permitted. At most 50 characters. */
    public ReqRevokeRight setFunction(String value) {
        set("function", value);
        return this;
    }

    /** With which profile, signer, directory or archive only. At most 200 characters. */
    public String getObjectName() {
        return (String) get("objectName");
    }

    /** With which profile, signer, directory or archive only. At most 200 characters. */
    public ReqRevokeRight setObjectName(String value) {
        set("objectName", value);
        return this;
    }
}
