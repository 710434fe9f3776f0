// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.time.Instant;
import java.util.List;

/** A signer. */
public final class SignerEntry extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Name", Kind.TEXT, true, false, null),
            new Field("Pools", Kind.TEXT, false, true, null),
            new Field("State", Kind.TEXT, true, false, null),
            new Field("Reason", Kind.TEXT, false, false, null),
            new Field("Subject", Kind.TEXT, false, false, null),
            new Field("KeyKind", Kind.TEXT, false, false, null),
            new Field("NotAfter", Kind.TIME, false, false, null),
            new Field("Certificate", Kind.BINARY, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Its name. At most 200 characters. */
    public String getName() {
        return (String) get("Name");
    }

    /** Its name. At most 200 characters. */
    public SignerEntry setName(String value) {
        set("Name", value);
        return this;
    }

    /** The pools it belongs to. At most 200 characters. At most 10000 of them. */
    public List<String> getPools() {
        return list("Pools");
    }

    /** The pools it belongs to. At most 200 characters. At most 10000 of them. */
    public SignerEntry addPools(String value) {
        list("Pools").add(value);
        return this;
    }

    /** {@code ready}, {@code busy}, {@code down}, {@code blocked} or {@code waiting}. At most 50 characters. */
    public String getState() {
        return (String) get("State");
    }

    /** {@code ready}, {@code busy}, {@code down}, {@code blocked} or {@code waiting}. At most 50 characters. */
    public SignerEntry setState(String value) {
        set("State", value);
        return this;
    }

    /** Why it is not ready. At most 2000 characters. */
    public String getReason() {
        return (String) get("Reason");
    }

    /** Why it is not ready. At most 2000 characters. */
    public SignerEntry setReason(String value) {
        set("Reason", value);
        return this;
    }

    /** Whom its certificate names. At most 2000 characters. */
    public String getSubject() {
        return (String) get("Subject");
    }

    /** Whom its certificate names. At most 2000 characters. */
    public SignerEntry setSubject(String value) {
        set("Subject", value);
        return this;
    }

    /** Kind of its key. At most 50 characters. */
    public String getKeyKind() {
        return (String) get("KeyKind");
    }

    /** Kind of its key. At most 50 characters. */
    public SignerEntry setKeyKind(String value) {
        set("KeyKind", value);
        return this;
    }

    /** When its certificate ends. */
    public Instant getNotAfter() {
        return (Instant) get("NotAfter");
    }

    /** When its certificate ends. */
    public SignerEntry setNotAfter(Instant value) {
        set("NotAfter", value);
        return this;
    }

    /** Its certificate, DER. */
    public Content getCertificate() {
        return (Content) get("Certificate");
    }

    /** Its certificate, DER. */
    public SignerEntry setCertificate(Content value) {
        set("Certificate", value);
        return this;
    }
}
