// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for signers and their state. Lists signers. */
public final class ReqGetSigners extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("profile", Kind.TEXT, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Only those of this profile's pool. At most 200 characters. */
    public String getProfile() {
        return (String) get("profile");
    }

    /** Only those of this profile's pool. At most 200 characters. */
    public ReqGetSigners setProfile(String value) {
        set("profile", value);
        return this;
    }
}
