// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** A further choice, by name: what a later version adds without a new schema. */
public final class Setting extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("name", Kind.TEXT, true, false, null),
            new Field("value", Kind.TEXT, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Its name. A name that the operation does not know is an error. At most 64 characters. */
    public String getName() {
        return (String) get("name");
    }

    /** Its name. A name that the operation does not know is an error. At most 64 characters. */
    public Setting setName(String value) {
        set("name", value);
        return this;
    }

    /** Its value. At most 4000 characters. */
    public String getValue() {
        return (String) get("value");
    }

    /** Its value. At most 4000 characters. */
    public Setting setValue(String value) {
        set("value", value);
        return this;
    }
}
