// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks that no further document of a batch is signed. Signs no further document of a batch. */
public final class ReqCancelBatch extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("batchId", Kind.TEXT, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The batch. At most 100 characters. */
    public String getBatchId() {
        return (String) get("batchId");
    }

    /** The batch. At most 100 characters. */
    public ReqCancelBatch setBatchId(String value) {
        set("batchId", value);
        return this;
    }
}
