// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.time.Instant;
import java.util.List;

/** The verdict on one signature or time stamp. */
public final class SignatureVerdict extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("What", Kind.TEXT, true, false, null),
            new Field("Signer", Kind.TEXT, false, false, null),
            new Field("SigningTime", Kind.TIME, false, false, null),
            new Field("ProvenTime", Kind.TIME, false, false, null),
            new Field("Format", Kind.TEXT, false, false, null),
            new Field("Level", Kind.TEXT, false, false, null),
            new Field("Indication", Kind.TEXT, true, false, null),
            new Field("SubIndication", Kind.TEXT, false, false, null),
            new Field("Outcome", Kind.TEXT, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** {@code signature}, {@code time-stamp} or {@code evidence-record}. At most 50 characters. */
    public String getWhat() {
        return (String) get("What");
    }

    /** {@code signature}, {@code time-stamp} or {@code evidence-record}. At most 50 characters. */
    public SignatureVerdict setWhat(String value) {
        set("What", value);
        return this;
    }

    /** Whose it is. At most 2000 characters. */
    public String getSigner() {
        return (String) get("Signer");
    }

    /** Whose it is. At most 2000 characters. */
    public SignatureVerdict setSigner(String value) {
        set("Signer", value);
        return this;
    }

    /** When it was signed, as the signer says. */
    public Instant getSigningTime() {
        return (Instant) get("SigningTime");
    }

    /** When it was signed, as the signer says. */
    public SignatureVerdict setSigningTime(Instant value) {
        set("SigningTime", value);
        return this;
    }

    /** When it is proven to have existed. */
    public Instant getProvenTime() {
        return (Instant) get("ProvenTime");
    }

    /** When it is proven to have existed. */
    public SignatureVerdict setProvenTime(Instant value) {
        set("ProvenTime", value);
        return this;
    }

    /** The form of the signature. At most 50 characters. */
    public String getFormat() {
        return (String) get("Format");
    }

    /** The form of the signature. At most 50 characters. */
    public SignatureVerdict setFormat(String value) {
        set("Format", value);
        return this;
    }

    /** The level of the signature. At most 10 characters. */
    public String getLevel() {
        return (String) get("Level");
    }

    /** The level of the signature. At most 10 characters. */
    public SignatureVerdict setLevel(String value) {
        set("Level", value);
        return this;
    }

    /** TOTAL-PASSED, INDETERMINATE or TOTAL-FAILED. At most 50 characters. */
    public String getIndication() {
        return (String) get("Indication");
    }

    /** TOTAL-PASSED, INDETERMINATE or TOTAL-FAILED. At most 50 characters. */
    public SignatureVerdict setIndication(String value) {
        set("Indication", value);
        return this;
    }

    /** Why it did not pass (EN 319 102-1). At most 100 characters. */
    public String getSubIndication() {
        return (String) get("SubIndication");
    }

    /** Why it did not pass (EN 319 102-1). At most 100 characters. */
    public SignatureVerdict setSubIndication(String value) {
        set("SubIndication", value);
        return this;
    }

    /** The outcome as one word. At most 50 characters. */
    public String getOutcome() {
        return (String) get("Outcome");
    }

    /** The outcome as one word. At most 50 characters. */
    public SignatureVerdict setOutcome(String value) {
        set("Outcome", value);
        return this;
    }
}
