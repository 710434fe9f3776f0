// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** The batch was cancelled. */
public final class ResCancelBatch extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("BatchId", Kind.TEXT, true, false, null),
            new Field("State", Kind.TEXT, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The batch. At most 100 characters. */
    public String getBatchId() {
        return (String) get("BatchId");
    }

    /** The batch. At most 100 characters. */
    public ResCancelBatch setBatchId(String value) {
        set("BatchId", value);
        return this;
    }

    /** {@code cancelled}, or {@code complete} if nothing was left to cancel. At most 50 characters. */
    public String getState() {
        return (String) get("State");
    }

    /** {@code cancelled}, or {@code complete} if nothing was left to cancel. At most 50 characters. */
    public ResCancelBatch setState(String value) {
        set("State", value);
        return this;
    }
}
