// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** A page of the results of a batch. */
public final class ResGetBatchResult extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("BatchId", Kind.TEXT, true, false, null),
            new Field("State", Kind.TEXT, true, false, null),
            new Field("Total", Kind.INT, true, false, null),
            new Field("NextIndex", Kind.INT, false, false, null),
            new Field("Results", Kind.RECORD, false, true, BatchResult::new));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The batch. At most 100 characters. */
    public String getBatchId() {
        return (String) get("BatchId");
    }

    /** The batch. At most 100 characters. */
    public ResGetBatchResult setBatchId(String value) {
        set("BatchId", value);
        return this;
    }

    /** {@code waiting}, {@code running}, {@code complete} or {@code cancelled}. At most 50 characters. */
    public String getState() {
        return (String) get("State");
    }

    /** {@code waiting}, {@code running}, {@code complete} or {@code cancelled}. At most 50 characters. */
    public ResGetBatchResult setState(String value) {
        set("State", value);
        return this;
    }

    /** How many documents it has. From 0 to 10000000. */
    public Integer getTotal() {
        return (Integer) get("Total");
    }

    /** How many documents it has. From 0 to 10000000. */
    public ResGetBatchResult setTotal(Integer value) {
        set("Total", value);
        return this;
    }

    /** Where the next page begins; absent after the last. From 0 to 10000000. */
    public Integer getNextIndex() {
        return (Integer) get("NextIndex");
    }

    /** Where the next page begins; absent after the last. From 0 to 10000000. */
    public ResGetBatchResult setNextIndex(Integer value) {
        set("NextIndex", value);
        return this;
    }

    /** What became of each document of the page, in the order of the request. At most 1000 of them. */
    public List<BatchResult> getResults() {
        return list("Results");
    }

    /** What became of each document of the page, in the order of the request. At most 1000 of them. */
    public ResGetBatchResult addResults(BatchResult value) {
        list("Results").add(value);
        return this;
    }
}
