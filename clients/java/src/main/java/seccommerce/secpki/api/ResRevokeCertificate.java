// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** What became of a certificate of a user. */
public final class ResRevokeCertificate extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Fingerprint", Kind.TEXT, true, false, null),
            new Field("CertificateState", Kind.TEXT, true, false, null),
            new Field("State", Kind.TEXT, true, false, null),
            new Field("ChangeId", Kind.TEXT, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** SHA-256 of the certificate in hexadecimal digits. At most 64 characters. */
    public String getFingerprint() {
        return (String) get("Fingerprint");
    }

    /** SHA-256 of the certificate in hexadecimal digits. At most 64 characters. */
    public ResRevokeCertificate setFingerprint(String value) {
        set("Fingerprint", value);
        return this;
    }

    /** {@code registered}, {@code active} or {@code revoked}. At most 50 characters. */
    public String getCertificateState() {
        return (String) get("CertificateState");
    }

    /** {@code registered}, {@code active} or {@code revoked}. At most 50 characters. */
    public ResRevokeCertificate setCertificateState(String value) {
        set("CertificateState", value);
        return this;
    }

    /** {@code done}, or {@code pending} until another user confirms it. At most 50 characters. */
    public String getState() {
        return (String) get("State");
    }

    /** {@code done}, or {@code pending} until another user confirms it. At most 50 characters. */
    public ResRevokeCertificate setState(String value) {
        set("State", value);
        return this;
    }

    /** Names the pending change. At most 100 characters. */
    public String getChangeId() {
        return (String) get("ChangeId");
    }

    /** Names the pending change. At most 100 characters. */
    public ResRevokeCertificate setChangeId(String value) {
        set("ChangeId", value);
        return this;
    }
}
