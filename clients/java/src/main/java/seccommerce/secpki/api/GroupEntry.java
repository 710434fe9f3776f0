// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** A group. */
public final class GroupEntry extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("GroupName", Kind.TEXT, true, false, null),
            new Field("Members", Kind.TEXT, false, true, null),
            new Field("Rights", Kind.RECORD, false, true, RightEntry::new));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The group's name. At most 128 characters. */
    public String getGroupName() {
        return (String) get("GroupName");
    }

    /** The group's name. At most 128 characters. */
    public GroupEntry setGroupName(String value) {
        set("GroupName", value);
        return this;
    }

    /** Its members. At most 128 characters. At most 10000 of them. */
    public List<String> getMembers() {
        return list("Members");
    }

    /** Its members. At most 128 characters. At most 10000 of them. */
    public GroupEntry addMembers(String value) {
        list("Members").add(value);
        return this;
    }

    /** Its rights. At most 10000 of them. */
    public List<RightEntry> getRights() {
        return list("Rights");
    }

    /** Its rights. At most 10000 of them. */
    public GroupEntry addRights(RightEntry value) {
        list("Rights").add(value);
        return this;
    }
}
