// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** The profiles. */
public final class ResGetProfiles extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Profiles", Kind.RECORD, false, true, ProfileEntry::new));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Each that the caller may use. At most 10000 of them. */
    public List<ProfileEntry> getProfiles() {
        return list("Profiles");
    }

    /** Each that the caller may use. At most 10000 of them. */
    public ResGetProfiles addProfiles(ProfileEntry value) {
        list("Profiles").add(value);
        return this;
    }
}
