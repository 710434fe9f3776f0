// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** The state of a session. */
public final class ResGetAuthSessionState extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("AuthSessionState", Kind.INT, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** 0 none, 1 pending, 2 expired, 3 authenticated, 4 denied, 5 suspended, 6 cancelled, 7 fetched, 8 invalid. From 0 to 8. */
    public Integer getAuthSessionState() {
        return (Integer) get("AuthSessionState");
    }

    /** 0 none, 1 pending, 2 expired, 3 authenticated, 4 denied, 5 suspended, 6 cancelled, 7 fetched, 8 invalid. From 0 to 8. */
    public ResGetAuthSessionState setAuthSessionState(Integer value) {
        set("AuthSessionState", value);
        return this;
    }
}
