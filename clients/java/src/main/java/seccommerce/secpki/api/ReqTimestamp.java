// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** A document, or its digest, that is to get a time stamp. Has a time stamp made. */
public final class ReqTimestamp extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("document", Kind.BINARY, false, false, null),
            new Field("documentName", Kind.TEXT, false, false, null),
            new Field("digest", Kind.BINARY, false, false, null),
            new Field("digestAlgorithm", Kind.TEXT, false, false, null),
            new Field("profile", Kind.TEXT, true, false, null),
            new Field("idempotencyKey", Kind.TEXT, false, false, null),
            new Field("settings", Kind.RECORD, false, true, Setting::new));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The document. */
    public Content getDocument() {
        return (Content) get("document");
    }

    /** The document. */
    public ReqTimestamp setDocument(Content value) {
        set("document", value);
        return this;
    }

    /** File name of the document. At most 255 characters. */
    public String getDocumentName() {
        return (String) get("documentName");
    }

    /** File name of the document. At most 255 characters. */
    public ReqTimestamp setDocumentName(String value) {
        set("documentName", value);
        return this;
    }

    /** Digest of the document, instead of the document. */
    public Content getDigest() {
        return (Content) get("digest");
    }

    /** Digest of the document, instead of the document. */
    public ReqTimestamp setDigest(Content value) {
        set("digest", value);
        return this;
    }

    /** What made the digest. */
    public String getDigestAlgorithm() {
        return (String) get("digestAlgorithm");
    }

    /** What made the digest. */
    public ReqTimestamp setDigestAlgorithm(String value) {
        set("digestAlgorithm", value);
        return this;
    }

    /** Name of the profile that says which authority is asked. At most 200 characters. */
    public String getProfile() {
        return (String) get("profile");
    }

    /** Name of the profile that says which authority is asked. At most 200 characters. */
    public ReqTimestamp setProfile(String value) {
        set("profile", value);
        return this;
    }

    /** The same key with the same request gives the same answer again. At most 128 characters. */
    public String getIdempotencyKey() {
        return (String) get("idempotencyKey");
    }

    /** The same key with the same request gives the same answer again. At most 128 characters. */
    public ReqTimestamp setIdempotencyKey(String value) {
        set("idempotencyKey", value);
        return this;
    }

    /** Further choices. At most 64 of them. */
    public List<Setting> getSettings() {
        return list("settings");
    }

    /** Further choices. At most 64 of them. */
    public ReqTimestamp addSettings(Setting value) {
        list("settings").add(value);
        return this;
    }
}
