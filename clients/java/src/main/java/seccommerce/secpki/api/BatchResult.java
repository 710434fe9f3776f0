// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.time.Instant;
import java.util.List;

/** What became of one of the documents of a batch. */
public final class BatchResult extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Index", Kind.INT, true, false, null),
            new Field("Reference", Kind.TEXT, false, false, null),
            new Field("Status", Kind.INT, true, false, null),
            new Field("Code", Kind.TEXT, false, false, null),
            new Field("Reason", Kind.TEXT, false, false, null),
            new Field("Signature", Kind.BINARY, false, false, null),
            new Field("SignatureName", Kind.TEXT, false, false, null),
            new Field("MimeType", Kind.TEXT, false, false, null),
            new Field("Format", Kind.TEXT, false, false, null),
            new Field("Level", Kind.TEXT, false, false, null),
            new Field("Signer", Kind.TEXT, false, false, null),
            new Field("SigningTime", Kind.TIME, false, false, null),
            new Field("DocumentId", Kind.TEXT, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Its place in the request, counted from 0. From 0 to 10000000. */
    public Integer getIndex() {
        return (Integer) get("Index");
    }

    /** Its place in the request, counted from 0. From 0 to 10000000. */
    public BatchResult setIndex(Integer value) {
        set("Index", value);
        return this;
    }

    /** The caller's own name for it. At most 200 characters. */
    public String getReference() {
        return (String) get("Reference");
    }

    /** The caller's own name for it. At most 200 characters. */
    public BatchResult setReference(String value) {
        set("Reference", value);
        return this;
    }

    /** 0: signed; 1: not yet; negative: why not. From -1000000 to 1000000. */
    public Integer getStatus() {
        return (Integer) get("Status");
    }

    /** 0: signed; 1: not yet; negative: why not. From -1000000 to 1000000. */
    public BatchResult setStatus(Integer value) {
        set("Status", value);
        return this;
    }

    /** Why it was not signed, as a word for programs. At most 100 characters. */
    public String getCode() {
        return (String) get("Code");
    }

    /** Why it was not signed, as a word for programs. At most 100 characters. */
    public BatchResult setCode(String value) {
        set("Code", value);
        return this;
    }

    /** Why it was not signed, as a sentence for people. At most 2000 characters. */
    public String getReason() {
        return (String) get("Reason");
    }

    /** Why it was not signed, as a sentence for people. At most 2000 characters. */
    public BatchResult setReason(String value) {
        set("Reason", value);
        return this;
    }

    /** The result of the profile: a signature, or the document with the signature in it. */
    public Content getSignature() {
        return (Content) get("Signature");
    }

    /** The result of the profile: a signature, or the document with the signature in it. */
    public BatchResult setSignature(Content value) {
        set("Signature", value);
        return this;
    }

    /** File name of the result. At most 300 characters. */
    public String getSignatureName() {
        return (String) get("SignatureName");
    }

    /** File name of the result. At most 300 characters. */
    public BatchResult setSignatureName(String value) {
        set("SignatureName", value);
        return this;
    }

    /** Media type of the result. At most 255 characters. */
    public String getMimeType() {
        return (String) get("MimeType");
    }

    /** Media type of the result. At most 255 characters. */
    public BatchResult setMimeType(String value) {
        set("MimeType", value);
        return this;
    }

    /** The form of the result. At most 50 characters. */
    public String getFormat() {
        return (String) get("Format");
    }

    /** The form of the result. At most 50 characters. */
    public BatchResult setFormat(String value) {
        set("Format", value);
        return this;
    }

    /** The level of the result: B, T, LT, LTA. At most 10 characters. */
    public String getLevel() {
        return (String) get("Level");
    }

    /** The level of the result: B, T, LT, LTA. At most 10 characters. */
    public BatchResult setLevel(String value) {
        set("Level", value);
        return this;
    }

    /** Name of the signer. At most 200 characters. */
    public String getSigner() {
        return (String) get("Signer");
    }

    /** Name of the signer. At most 200 characters. */
    public BatchResult setSigner(String value) {
        set("Signer", value);
        return this;
    }

    /** When it was signed. */
    public Instant getSigningTime() {
        return (Instant) get("SigningTime");
    }

    /** When it was signed. */
    public BatchResult setSigningTime(Instant value) {
        set("SigningTime", value);
        return this;
    }

    /** Names this document in the server's log. At most 100 characters. */
    public String getDocumentId() {
        return (String) get("DocumentId");
    }

    /** Names this document in the server's log. At most 100 characters. */
    public BatchResult setDocumentId(String value) {
        set("DocumentId", value);
        return this;
    }
}
