// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for an echo. Sends back what it is sent. */
public final class ReqEcho extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("text", Kind.TEXT, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** What is to be sent back. At most 4000 characters. */
    public String getText() {
        return (String) get("text");
    }

    /** What is to be sent back. At most 4000 characters. */
    public ReqEcho setText(String value) {
        set("text", value);
        return this;
    }
}
