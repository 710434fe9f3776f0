// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** The TLS session is kept. */
public final class ResRefreshTLSSessionInCache extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Status", Kind.INT, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** 0. From -1000000 to 1000000. */
    public Integer getStatus() {
        return (Integer) get("Status");
    }

    /** 0. From -1000000 to 1000000. */
    public ResRefreshTLSSessionInCache setStatus(Integer value) {
        set("Status", value);
        return this;
    }
}
