// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.time.Instant;
import java.util.List;

/** How far a batch is. */
public final class ResGetBatchState extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("BatchId", Kind.TEXT, true, false, null),
            new Field("State", Kind.TEXT, true, false, null),
            new Field("Profile", Kind.TEXT, true, false, null),
            new Field("Total", Kind.INT, true, false, null),
            new Field("Signed", Kind.INT, true, false, null),
            new Field("Failed", Kind.INT, true, false, null),
            new Field("Waiting", Kind.INT, true, false, null),
            new Field("Submitted", Kind.TIME, true, false, null),
            new Field("Ended", Kind.TIME, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The batch. At most 100 characters. */
    public String getBatchId() {
        return (String) get("BatchId");
    }

    /** The batch. At most 100 characters. */
    public ResGetBatchState setBatchId(String value) {
        set("BatchId", value);
        return this;
    }

    /** {@code waiting}, {@code running}, {@code complete} or {@code cancelled}. At most 50 characters. */
    public String getState() {
        return (String) get("State");
    }

    /** {@code waiting}, {@code running}, {@code complete} or {@code cancelled}. At most 50 characters. */
    public ResGetBatchState setState(String value) {
        set("State", value);
        return this;
    }

    /** The profile it is signed with. At most 200 characters. */
    public String getProfile() {
        return (String) get("Profile");
    }

    /** The profile it is signed with. At most 200 characters. */
    public ResGetBatchState setProfile(String value) {
        set("Profile", value);
        return this;
    }

    /** How many documents it has. From 0 to 10000000. */
    public Integer getTotal() {
        return (Integer) get("Total");
    }

    /** How many documents it has. From 0 to 10000000. */
    public ResGetBatchState setTotal(Integer value) {
        set("Total", value);
        return this;
    }

    /** How many are signed. From 0 to 10000000. */
    public Integer getSigned() {
        return (Integer) get("Signed");
    }

    /** How many are signed. From 0 to 10000000. */
    public ResGetBatchState setSigned(Integer value) {
        set("Signed", value);
        return this;
    }

    /** How many were refused. From 0 to 10000000. */
    public Integer getFailed() {
        return (Integer) get("Failed");
    }

    /** How many were refused. From 0 to 10000000. */
    public ResGetBatchState setFailed(Integer value) {
        set("Failed", value);
        return this;
    }

    /** How many are still to be worked on. From 0 to 10000000. */
    public Integer getWaiting() {
        return (Integer) get("Waiting");
    }

    /** How many are still to be worked on. From 0 to 10000000. */
    public ResGetBatchState setWaiting(Integer value) {
        set("Waiting", value);
        return this;
    }

    /** When it was submitted. */
    public Instant getSubmitted() {
        return (Instant) get("Submitted");
    }

    /** When it was submitted. */
    public ResGetBatchState setSubmitted(Instant value) {
        set("Submitted", value);
        return this;
    }

    /** When the last of its documents was done. */
    public Instant getEnded() {
        return (Instant) get("Ended");
    }

    /** When the last of its documents was done. */
    public ResGetBatchState setEnded(Instant value) {
        set("Ended", value);
        return this;
    }
}
