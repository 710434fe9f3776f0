// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for a session that a user is to confirm. Opens a log-in session that a user is to confirm. */
public final class ReqRequestAuthSession extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("userID", Kind.TEXT, true, false, null),
            new Field("serviceName", Kind.TEXT, false, false, null),
            new Field("serviceAddress", Kind.TEXT, false, false, null),
            new Field("browserIpAddr", Kind.TEXT, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The user. At most 128 characters. */
    public String getUserID() {
        return (String) get("userID");
    }

    /** The user. At most 128 characters. */
    public ReqRequestAuthSession setUserID(String value) {
        set("userID", value);
        return this;
    }

    /** What the user is to log in to. At most 1000 characters. */
    public String getServiceName() {
        return (String) get("serviceName");
    }

    /** What the user is to log in to. At most 1000 characters. */
    public ReqRequestAuthSession setServiceName(String value) {
        set("serviceName", value);
        return this;
    }

    /** Where that is. At most 2000 characters. */
    public String getServiceAddress() {
        return (String) get("serviceAddress");
    }

    /** Where that is. At most 2000 characters. */
    public ReqRequestAuthSession setServiceAddress(String value) {
        set("serviceAddress", value);
        return this;
    }

    /** Address of the user's browser. At most 200 characters. */
    public String getBrowserIpAddr() {
        return (String) get("browserIpAddr");
    }

    /** Address of the user's browser. At most 200 characters. */
    public ReqRequestAuthSession setBrowserIpAddr(String value) {
        set("browserIpAddr", value);
        return this;
    }
}
