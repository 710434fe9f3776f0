// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for the tokens, their queues and rates. Shows tokens, their queues and rates. */
public final class ReqGetTokenPool extends Message {
    private static final List<Field> FIELDS = List.of();

    @Override
    List<Field> fields() {
        return FIELDS;
    }
}
