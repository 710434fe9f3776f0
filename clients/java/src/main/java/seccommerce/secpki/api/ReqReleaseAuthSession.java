// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for a session to be forgotten. Forgets a log-in session. */
public final class ReqReleaseAuthSession extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("authSessionID", Kind.TEXT, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Names it. At most 200 characters. */
    public String getAuthSessionID() {
        return (String) get("authSessionID");
    }

    /** Names it. At most 200 characters. */
    public ReqReleaseAuthSession setAuthSessionID(String value) {
        set("authSessionID", value);
        return this;
    }
}
