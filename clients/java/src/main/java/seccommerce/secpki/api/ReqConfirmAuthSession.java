// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Confirms or denies a session of a user. Confirms or denies a log-in session, one's own with a certificate or that of another user. */
public final class ReqConfirmAuthSession extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("authSessionID", Kind.TEXT, true, false, null),
            new Field("deny", Kind.FLAG, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Names it. At most 200 characters. */
    public String getAuthSessionID() {
        return (String) get("authSessionID");
    }

    /** Names it. At most 200 characters. */
    public ReqConfirmAuthSession setAuthSessionID(String value) {
        set("authSessionID", value);
        return this;
    }

    /** True: the user does not want it. */
    public Boolean getDeny() {
        return (Boolean) get("deny");
    }

    /** True: the user does not want it. */
    public ReqConfirmAuthSession setDeny(Boolean value) {
        set("deny", value);
        return this;
    }
}
