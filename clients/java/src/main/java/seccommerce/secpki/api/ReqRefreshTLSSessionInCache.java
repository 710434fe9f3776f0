// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for a TLS session to be kept for a router. Keeps a TLS session for a router. */
public final class ReqRefreshTLSSessionInCache extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("sessionID", Kind.TEXT, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Names the TLS session. At most 1000 characters. */
    public String getSessionID() {
        return (String) get("sessionID");
    }

    /** Names the TLS session. At most 1000 characters. */
    public ReqRefreshTLSSessionInCache setSessionID(String value) {
        set("sessionID", value);
        return this;
    }
}
