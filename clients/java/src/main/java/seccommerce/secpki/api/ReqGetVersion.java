// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks what answers. Says which version answers. */
public final class ReqGetVersion extends Message {
    private static final List<Field> FIELDS = List.of();

    @Override
    List<Field> fields() {
        return FIELDS;
    }
}
