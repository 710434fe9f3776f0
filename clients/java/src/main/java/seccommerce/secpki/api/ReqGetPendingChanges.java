// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for the changes that wait for a second pair of eyes. Lists changes that wait for a second pair of eyes. */
public final class ReqGetPendingChanges extends Message {
    private static final List<Field> FIELDS = List.of();

    @Override
    List<Field> fields() {
        return FIELDS;
    }
}
