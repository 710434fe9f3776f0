// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for results of a batch, a page at a time. Gives results of a batch. */
public final class ReqGetBatchResult extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("batchId", Kind.TEXT, true, false, null),
            new Field("firstIndex", Kind.INT, false, false, null),
            new Field("count", Kind.INT, false, false, null),
            new Field("withSignatures", Kind.FLAG, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The batch. At most 100 characters. */
    public String getBatchId() {
        return (String) get("batchId");
    }

    /** The batch. At most 100 characters. */
    public ReqGetBatchResult setBatchId(String value) {
        set("batchId", value);
        return this;
    }

    /** The first document of the page, counted from 0. From 0 to 10000000. */
    public Integer getFirstIndex() {
        return (Integer) get("firstIndex");
    }

    /** The first document of the page, counted from 0. From 0 to 10000000. */
    public ReqGetBatchResult setFirstIndex(Integer value) {
        set("firstIndex", value);
        return this;
    }

    /** How many documents at most; the server may give fewer. From 1 to 1000. */
    public Integer getCount() {
        return (Integer) get("count");
    }

    /** How many documents at most; the server may give fewer. From 1 to 1000. */
    public ReqGetBatchResult setCount(Integer value) {
        set("count", value);
        return this;
    }

    /** False: without the signatures themselves. */
    public Boolean getWithSignatures() {
        return (Boolean) get("withSignatures");
    }

    /** False: without the signatures themselves. */
    public ReqGetBatchResult setWithSignatures(Boolean value) {
        set("withSignatures", value);
        return this;
    }
}
