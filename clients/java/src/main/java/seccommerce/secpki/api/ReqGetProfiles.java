// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for the profiles that the caller may use. Lists profiles. */
public final class ReqGetProfiles extends Message {
    private static final List<Field> FIELDS = List.of();

    @Override
    List<Field> fields() {
        return FIELDS;
    }
}
