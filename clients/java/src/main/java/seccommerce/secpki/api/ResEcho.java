// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** The echo. */
public final class ResEcho extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Text", Kind.TEXT, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** What was sent. At most 4000 characters. */
    public String getText() {
        return (String) get("Text");
    }

    /** What was sent. At most 4000 characters. */
    public ResEcho setText(String value) {
        set("Text", value);
        return this;
    }
}
