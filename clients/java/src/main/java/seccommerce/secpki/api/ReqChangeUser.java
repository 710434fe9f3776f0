// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for a change of a user. What is absent stays as it is. Changes a user. */
public final class ReqChangeUser extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("userName", Kind.TEXT, true, false, null),
            new Field("password", Kind.TEXT, false, false, null),
            new Field("displayName", Kind.TEXT, false, false, null),
            new Field("locked", Kind.FLAG, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The user's name. At most 128 characters. */
    public String getUserName() {
        return (String) get("userName");
    }

    /** The user's name. At most 128 characters. */
    public ReqChangeUser setUserName(String value) {
        set("userName", value);
        return this;
    }

    /** A new password. At most 1024 characters. */
    public String getPassword() {
        return (String) get("password");
    }

    /** A new password. At most 1024 characters. */
    public ReqChangeUser setPassword(String value) {
        set("password", value);
        return this;
    }

    /** The name that people read. At most 200 characters. */
    public String getDisplayName() {
        return (String) get("displayName");
    }

    /** The name that people read. At most 200 characters. */
    public ReqChangeUser setDisplayName(String value) {
        set("displayName", value);
        return this;
    }

    /** True: the user cannot log in any more. False: the user can again. */
    public Boolean getLocked() {
        return (Boolean) get("locked");
    }

    /** True: the user cannot log in any more. False: the user can again. */
    public ReqChangeUser setLocked(Boolean value) {
        set("locked", value);
        return this;
    }
}
