// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** A certificate that is to let a user in. Registers a certificate that is to let a user in. */
public final class ReqRegisterCertificate extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("certificate", Kind.BINARY, true, false, null),
            new Field("userName", Kind.TEXT, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The certificate, DER or PEM. */
    public Content getCertificate() {
        return (Content) get("certificate");
    }

    /** The certificate, DER or PEM. */
    public ReqRegisterCertificate setCertificate(Content value) {
        set("certificate", value);
        return this;
    }

    /** The user; absent for the caller. At most 128 characters. */
    public String getUserName() {
        return (String) get("userName");
    }

    /** The user; absent for the caller. At most 128 characters. */
    public ReqRegisterCertificate setUserName(String value) {
        set("userName", value);
        return this;
    }
}
