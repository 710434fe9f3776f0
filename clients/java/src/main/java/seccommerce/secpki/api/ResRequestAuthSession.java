// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** The session. */
public final class ResRequestAuthSession extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("AuthSessionID", Kind.TEXT, true, false, null),
            new Field("PassIconData", Kind.BINARY, false, false, null),
            new Field("AuthSessionState", Kind.INT, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Names it. At most 200 characters. */
    public String getAuthSessionID() {
        return (String) get("AuthSessionID");
    }

    /** Names it. At most 200 characters. */
    public ResRequestAuthSession setAuthSessionID(String value) {
        set("AuthSessionID", value);
        return this;
    }

    /** A picture that the user compares. */
    public Content getPassIconData() {
        return (Content) get("PassIconData");
    }

    /** A picture that the user compares. */
    public ResRequestAuthSession setPassIconData(Content value) {
        set("PassIconData", value);
        return this;
    }

    /** 0 none, 1 pending, 2 expired, 3 authenticated, 4 denied, 5 suspended, 6 cancelled, 7 fetched, 8 invalid. From 0 to 8. */
    public Integer getAuthSessionState() {
        return (Integer) get("AuthSessionState");
    }

    /** 0 none, 1 pending, 2 expired, 3 authenticated, 4 denied, 5 suspended, 6 cancelled, 7 fetched, 8 invalid. From 0 to 8. */
    public ResRequestAuthSession setAuthSessionState(Integer value) {
        set("AuthSessionState", value);
        return this;
    }
}
