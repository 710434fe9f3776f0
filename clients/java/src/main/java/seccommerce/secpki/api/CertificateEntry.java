// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.time.Instant;
import java.util.List;

/** A certificate of a user. */
public final class CertificateEntry extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Fingerprint", Kind.TEXT, true, false, null),
            new Field("Subject", Kind.TEXT, false, false, null),
            new Field("NotAfter", Kind.TIME, false, false, null),
            new Field("State", Kind.TEXT, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** SHA-256 of the certificate in hexadecimal digits. At most 64 characters. */
    public String getFingerprint() {
        return (String) get("Fingerprint");
    }

    /** SHA-256 of the certificate in hexadecimal digits. At most 64 characters. */
    public CertificateEntry setFingerprint(String value) {
        set("Fingerprint", value);
        return this;
    }

    /** Whom it names. At most 2000 characters. */
    public String getSubject() {
        return (String) get("Subject");
    }

    /** Whom it names. At most 2000 characters. */
    public CertificateEntry setSubject(String value) {
        set("Subject", value);
        return this;
    }

    /** When it ends. */
    public Instant getNotAfter() {
        return (Instant) get("NotAfter");
    }

    /** When it ends. */
    public CertificateEntry setNotAfter(Instant value) {
        set("NotAfter", value);
        return this;
    }

    /** {@code registered}, {@code active} or {@code revoked}. At most 50 characters. */
    public String getState() {
        return (String) get("State");
    }

    /** {@code registered}, {@code active} or {@code revoked}. At most 50 characters. */
    public CertificateEntry setState(String value) {
        set("State", value);
        return this;
    }
}
