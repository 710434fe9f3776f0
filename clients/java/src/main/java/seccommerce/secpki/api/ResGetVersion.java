// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.time.Instant;
import java.util.List;

/** What answers. */
public final class ResGetVersion extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Product", Kind.TEXT, true, false, null),
            new Field("Version", Kind.TEXT, true, false, null),
            new Field("Interface", Kind.INT, true, false, null),
            new Field("Time", Kind.TIME, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Name of the product. At most 100 characters. */
    public String getProduct() {
        return (String) get("Product");
    }

    /** Name of the product. At most 100 characters. */
    public ResGetVersion setProduct(String value) {
        set("Product", value);
        return this;
    }

    /** Its version. At most 100 characters. */
    public String getVersion() {
        return (String) get("Version");
    }

    /** Its version. At most 100 characters. */
    public ResGetVersion setVersion(String value) {
        set("Version", value);
        return this;
    }

    /** Number of the interface: higher means more. From 1 to 1000000. */
    public Integer getInterface() {
        return (Integer) get("Interface");
    }

    /** Number of the interface: higher means more. From 1 to 1000000. */
    public ResGetVersion setInterface(Integer value) {
        set("Interface", value);
        return this;
    }

    /** The server's time. */
    public Instant getTime() {
        return (Instant) get("Time");
    }

    /** The server's time. */
    public ResGetVersion setTime(Instant value) {
        set("Time", value);
        return this;
    }
}
