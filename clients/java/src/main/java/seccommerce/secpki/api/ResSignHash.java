// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.time.Instant;
import java.util.List;

/** The signature over the digest. */
public final class ResSignHash extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Signature", Kind.BINARY, true, false, null),
            new Field("SignatureName", Kind.TEXT, true, false, null),
            new Field("MimeType", Kind.TEXT, true, false, null),
            new Field("Format", Kind.TEXT, true, false, null),
            new Field("Level", Kind.TEXT, false, false, null),
            new Field("Signer", Kind.TEXT, false, false, null),
            new Field("SigningTime", Kind.TIME, false, false, null),
            new Field("DocumentId", Kind.TEXT, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The signature. */
    public Content getSignature() {
        return (Content) get("Signature");
    }

    /** The signature. */
    public ResSignHash setSignature(Content value) {
        set("Signature", value);
        return this;
    }

    /** File name of the signature. At most 300 characters. */
    public String getSignatureName() {
        return (String) get("SignatureName");
    }

    /** File name of the signature. At most 300 characters. */
    public ResSignHash setSignatureName(String value) {
        set("SignatureName", value);
        return this;
    }

    /** Media type of the signature. At most 255 characters. */
    public String getMimeType() {
        return (String) get("MimeType");
    }

    /** Media type of the signature. At most 255 characters. */
    public ResSignHash setMimeType(String value) {
        set("MimeType", value);
        return this;
    }

    /** The form of the signature. At most 50 characters. */
    public String getFormat() {
        return (String) get("Format");
    }

    /** The form of the signature. At most 50 characters. */
    public ResSignHash setFormat(String value) {
        set("Format", value);
        return this;
    }

    /** The level of the signature: B, T, LT, LTA. At most 10 characters. */
    public String getLevel() {
        return (String) get("Level");
    }

    /** The level of the signature: B, T, LT, LTA. At most 10 characters. */
    public ResSignHash setLevel(String value) {
        set("Level", value);
        return this;
    }

    /** Name of the signer. At most 200 characters. */
    public String getSigner() {
        return (String) get("Signer");
    }

    /** Name of the signer. At most 200 characters. */
    public ResSignHash setSigner(String value) {
        set("Signer", value);
        return this;
    }

    /** When it was signed. */
    public Instant getSigningTime() {
        return (Instant) get("SigningTime");
    }

    /** When it was signed. */
    public ResSignHash setSigningTime(Instant value) {
        set("SigningTime", value);
        return this;
    }

    /** Names this document in the server's log. At most 100 characters. */
    public String getDocumentId() {
        return (String) get("DocumentId");
    }

    /** Names this document in the server's log. At most 100 characters. */
    public ResSignHash setDocumentId(String value) {
        set("DocumentId", value);
        return this;
    }
}
