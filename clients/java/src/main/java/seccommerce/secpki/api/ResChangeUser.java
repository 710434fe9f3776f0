// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** What became of a change of users, groups or rights. */
public final class ResChangeUser extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("State", Kind.TEXT, true, false, null),
            new Field("ChangeId", Kind.TEXT, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** {@code done}, or {@code pending} until another user confirms it. At most 50 characters. */
    public String getState() {
        return (String) get("State");
    }

    /** {@code done}, or {@code pending} until another user confirms it. At most 50 characters. */
    public ResChangeUser setState(String value) {
        set("State", value);
        return this;
    }

    /** Names the pending change. At most 100 characters. */
    public String getChangeId() {
        return (String) get("ChangeId");
    }

    /** Names the pending change. At most 100 characters. */
    public ResChangeUser setChangeId(String value) {
        set("ChangeId", value);
        return this;
    }
}
