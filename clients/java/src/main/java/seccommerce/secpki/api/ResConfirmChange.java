// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** What became of the change. */
public final class ResConfirmChange extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("ChangeId", Kind.TEXT, true, false, null),
            new Field("State", Kind.TEXT, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Names the change. At most 100 characters. */
    public String getChangeId() {
        return (String) get("ChangeId");
    }

    /** Names the change. At most 100 characters. */
    public ResConfirmChange setChangeId(String value) {
        set("ChangeId", value);
        return this;
    }

    /** {@code done} or {@code refused}. At most 50 characters. */
    public String getState() {
        return (String) get("State");
    }

    /** {@code done} or {@code refused}. At most 50 characters. */
    public ResConfirmChange setState(String value) {
        set("State", value);
        return this;
    }
}
