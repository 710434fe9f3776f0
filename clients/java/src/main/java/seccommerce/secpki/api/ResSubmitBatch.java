// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** The batch was taken and will be worked on, also after a restart. */
public final class ResSubmitBatch extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("BatchId", Kind.TEXT, true, false, null),
            new Field("Documents", Kind.INT, true, false, null),
            new Field("State", Kind.TEXT, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Names the batch. At most 100 characters. */
    public String getBatchId() {
        return (String) get("BatchId");
    }

    /** Names the batch. At most 100 characters. */
    public ResSubmitBatch setBatchId(String value) {
        set("BatchId", value);
        return this;
    }

    /** How many documents it has. From 0 to 10000000. */
    public Integer getDocuments() {
        return (Integer) get("Documents");
    }

    /** How many documents it has. From 0 to 10000000. */
    public ResSubmitBatch setDocuments(Integer value) {
        set("Documents", value);
        return this;
    }

    /** {@code waiting}, {@code running}, {@code complete} or {@code cancelled}. At most 50 characters. */
    public String getState() {
        return (String) get("State");
    }

    /** {@code waiting}, {@code running}, {@code complete} or {@code cancelled}. At most 50 characters. */
    public ResSubmitBatch setState(String value) {
        set("State", value);
        return this;
    }
}
