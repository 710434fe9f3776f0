// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for the end of a user. Removes a user. */
public final class ReqDeleteUser extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("userName", Kind.TEXT, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The user's name. At most 128 characters. */
    public String getUserName() {
        return (String) get("userName");
    }

    /** The user's name. At most 128 characters. */
    public ReqDeleteUser setUserName(String value) {
        set("userName", value);
        return this;
    }
}
