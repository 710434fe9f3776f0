// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for a right of a group. Gives a right to a group. */
public final class ReqGrantRight extends Message {
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
    public ReqGrantRight setGroupName(String value) {
        set("groupName", value);
        return this;
    }

    /** What may be done: {@code sign}, {@code verify}, {@code users}, and so on. At most 50 characters. */
    public String getFunction() {
        return (String) get("function");
    }

    /** What may be done: {@code sign}, {@code verify}, {@code users}, and so on. At most 50 characters. */
    public ReqGrantRight setFunction(String value) {
        set("function", value);
        return this;
    }

    /** With which profile, signer, directory or archive only. At most 200 characters. */
    public String getObjectName() {
        return (String) get("objectName");
    }

    /** With which profile, signer, directory or archive only. At most 200 characters. */
    public ReqGrantRight setObjectName(String value) {
        set("objectName", value);
        return this;
    }
}
