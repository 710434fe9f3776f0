// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for groups. Lists groups and their rights. */
public final class ReqGetGroups extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("groupName", Kind.TEXT, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Only this one. At most 128 characters. */
    public String getGroupName() {
        return (String) get("groupName");
    }

    /** Only this one. At most 128 characters. */
    public ReqGetGroups setGroupName(String value) {
        set("groupName", value);
        return this;
    }
}
