// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** A right of a group. */
public final class RightEntry extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Function", Kind.TEXT, true, false, null),
            new Field("ObjectName", Kind.TEXT, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** What may be done. At most 50 characters. */
    public String getFunction() {
        return (String) get("Function");
    }

    /** What may be done. At most 50 characters. */
    public RightEntry setFunction(String value) {
        set("Function", value);
        return this;
    }

    /** With which profile, signer, directory or archive only. At most 200 characters. */
    public String getObjectName() {
        return (String) get("ObjectName");
    }

    /** With which profile, signer, directory or archive only. At most 200 characters. */
    public RightEntry setObjectName(String value) {
        set("ObjectName", value);
        return this;
    }
}
