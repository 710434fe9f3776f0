// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for a registered certificate to be believed. Believes a certificate. */
public final class ReqActivateCertificate extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("fingerprint", Kind.TEXT, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** SHA-256 of the certificate in hexadecimal digits. At most 64 characters. */
    public String getFingerprint() {
        return (String) get("fingerprint");
    }

    /** SHA-256 of the certificate in hexadecimal digits. At most 64 characters. */
    public ReqActivateCertificate setFingerprint(String value) {
        set("fingerprint", value);
        return this;
    }
}
