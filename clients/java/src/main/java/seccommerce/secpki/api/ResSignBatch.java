// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** The results, in the order of the request. */
public final class ResSignBatch extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Signed", Kind.INT, true, false, null),
            new Field("Failed", Kind.INT, true, false, null),
            new Field("Results", Kind.RECORD, false, true, BatchResult::new));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** How many were signed. From 0 to 10000000. */
    public Integer getSigned() {
        return (Integer) get("Signed");
    }

    /** How many were signed. From 0 to 10000000. */
    public ResSignBatch setSigned(Integer value) {
        set("Signed", value);
        return this;
    }

    /** How many were not. From 0 to 10000000. */
    public Integer getFailed() {
        return (Integer) get("Failed");
    }

    /** How many were not. From 0 to 10000000. */
    public ResSignBatch setFailed(Integer value) {
        set("Failed", value);
        return this;
    }

    /** What became of each. At most 1000 of them. */
    public List<BatchResult> getResults() {
        return list("Results");
    }

    /** What became of each. At most 1000 of them. */
    public ResSignBatch addResults(BatchResult value) {
        list("Results").add(value);
        return this;
    }
}
