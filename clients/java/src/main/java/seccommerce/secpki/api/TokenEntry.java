// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** A token. */
public final class TokenEntry extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Name", Kind.TEXT, true, false, null),
            new Field("State", Kind.TEXT, true, false, null),
            new Field("Reason", Kind.TEXT, false, false, null),
            new Field("Sessions", Kind.INT, true, false, null),
            new Field("SessionsWanted", Kind.INT, true, false, null),
            new Field("Weight", Kind.INT, true, false, null),
            new Field("Waiting", Kind.INT, true, false, null),
            new Field("Signed", Kind.LONG, true, false, null),
            new Field("PerMinute", Kind.INT, true, false, null),
            new Field("Failed", Kind.LONG, true, false, null),
            new Field("MedianMicros", Kind.LONG, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Its name. At most 200 characters. */
    public String getName() {
        return (String) get("Name");
    }

    /** Its name. At most 200 characters. */
    public TokenEntry setName(String value) {
        set("Name", value);
        return this;
    }

    /** {@code ready}, {@code down}, {@code blocked} or {@code waiting}. At most 50 characters. */
    public String getState() {
        return (String) get("State");
    }

    /** {@code ready}, {@code down}, {@code blocked} or {@code waiting}. At most 50 characters. */
    public TokenEntry setState(String value) {
        set("State", value);
        return this;
    }

    /** Why it is not ready. At most 2000 characters. */
    public String getReason() {
        return (String) get("Reason");
    }

    /** Why it is not ready. At most 2000 characters. */
    public TokenEntry setReason(String value) {
        set("Reason", value);
        return this;
    }

    /** Sessions that work. From 0 to 100000. */
    public Integer getSessions() {
        return (Integer) get("Sessions");
    }

    /** Sessions that work. From 0 to 100000. */
    public TokenEntry setSessions(Integer value) {
        set("Sessions", value);
        return this;
    }

    /** Sessions that it should have. From 0 to 100000. */
    public Integer getSessionsWanted() {
        return (Integer) get("SessionsWanted");
    }

    /** Sessions that it should have. From 0 to 100000. */
    public TokenEntry setSessionsWanted(Integer value) {
        set("SessionsWanted", value);
        return this;
    }

    /** Its weight among the tokens of a pool. From 0 to 1000000. */
    public Integer getWeight() {
        return (Integer) get("Weight");
    }

    /** Its weight among the tokens of a pool. From 0 to 1000000. */
    public TokenEntry setWeight(Integer value) {
        set("Weight", value);
        return this;
    }

    /** Documents that hold or wait for a place. From 0 to 1000000. */
    public Integer getWaiting() {
        return (Integer) get("Waiting");
    }

    /** Documents that hold or wait for a place. From 0 to 1000000. */
    public TokenEntry setWaiting(Integer value) {
        set("Waiting", value);
        return this;
    }

    /** Signatures since the start. From 0 to 1000000000000. */
    public Long getSigned() {
        return (Long) get("Signed");
    }

    /** Signatures since the start. From 0 to 1000000000000. */
    public TokenEntry setSigned(Long value) {
        set("Signed", value);
        return this;
    }

    /** Signatures in the last minute. From 0 to 1000000000. */
    public Integer getPerMinute() {
        return (Integer) get("PerMinute");
    }

    /** Signatures in the last minute. From 0 to 1000000000. */
    public TokenEntry setPerMinute(Integer value) {
        set("PerMinute", value);
        return this;
    }

    /** Failed attempts since the start. From 0 to 1000000000000. */
    public Long getFailed() {
        return (Long) get("Failed");
    }

    /** Failed attempts since the start. From 0 to 1000000000000. */
    public TokenEntry setFailed(Long value) {
        set("Failed", value);
        return this;
    }

    /** Half of the signatures of the last minute took at most so many microseconds. From 0 to 1000000000000. */
    public Long getMedianMicros() {
        return (Long) get("MedianMicros");
    }

    /** Half of the signatures of the last minute took at most so many microseconds. From 0 to 1000000000000. */
    public TokenEntry setMedianMicros(Long value) {
        set("MedianMicros", value);
        return this;
    }
}
