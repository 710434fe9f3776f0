// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for a new user. Makes a user. */
public final class ReqCreateUser extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("userName", Kind.TEXT, true, false, null),
            new Field("password", Kind.TEXT, false, false, null),
            new Field("displayName", Kind.TEXT, false, false, null),
            new Field("groups", Kind.TEXT, false, true, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The user's name. At most 128 characters. */
    public String getUserName() {
        return (String) get("userName");
    }

    /** The user's name. At most 128 characters. */
    public ReqCreateUser setUserName(String value) {
        set("userName", value);
        return this;
    }

    /** A password; without one only a certificate lets the user in. At most 1024 characters. */
    public String getPassword() {
        return (String) get("password");
    }

    /** A password; without one only a certificate lets the user in. At most 1024 characters. */
    public ReqCreateUser setPassword(String value) {
        set("password", value);
        return this;
    }

    /** The name that people read. At most 200 characters. */
    public String getDisplayName() {
        return (String) get("displayName");
    }

    /** The name that people read. At most 200 characters. */
    public ReqCreateUser setDisplayName(String value) {
        set("displayName", value);
        return this;
    }

    /** Groups that the user is to be a member of. At most 128 characters. At most 10000 of them. */
    public List<String> getGroups() {
        return list("groups");
    }

    /** Groups that the user is to be a member of. At most 128 characters. At most 10000 of them. */
    public ReqCreateUser addGroups(String value) {
        list("groups").add(value);
        return this;
    }
}
