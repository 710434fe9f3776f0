// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for a certificate to be believed no more. Believes a certificate no more. */
public final class ReqRevokeCertificate extends Message {
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
    public ReqRevokeCertificate setFingerprint(String value) {
        set("fingerprint", value);
        return this;
    }
}
