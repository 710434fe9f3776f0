// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** A digest to be signed, of a document that stays where it is. Signs a digest whose document stays with the caller. */
public final class ReqSignHash extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("digest", Kind.BINARY, true, false, null),
            new Field("digestAlgorithm", Kind.TEXT, true, false, null),
            new Field("profile", Kind.TEXT, true, false, null),
            new Field("documentName", Kind.TEXT, false, false, null),
            new Field("mimeType", Kind.TEXT, false, false, null),
            new Field("signers", Kind.TEXT, false, true, null),
            new Field("idempotencyKey", Kind.TEXT, false, false, null),
            new Field("settings", Kind.RECORD, false, true, Setting::new));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The digest. */
    public Content getDigest() {
        return (Content) get("digest");
    }

    /** The digest. */
    public ReqSignHash setDigest(Content value) {
        set("digest", value);
        return this;
    }

    /** What made it. */
    public String getDigestAlgorithm() {
        return (String) get("digestAlgorithm");
    }

    /** What made it. */
    public ReqSignHash setDigestAlgorithm(String value) {
        set("digestAlgorithm", value);
        return this;
    }

    /** Name of the profile that says how to sign; its form has to be a detached one. At most 200 characters. */
    public String getProfile() {
        return (String) get("profile");
    }

    /** Name of the profile that says how to sign; its form has to be a detached one. At most 200 characters. */
    public ReqSignHash setProfile(String value) {
        set("profile", value);
        return this;
    }

    /** File name of the document. At most 255 characters. */
    public String getDocumentName() {
        return (String) get("documentName");
    }

    /** File name of the document. At most 255 characters. */
    public ReqSignHash setDocumentName(String value) {
        set("documentName", value);
        return this;
    }

    /** Media type of the document. At most 255 characters. */
    public String getMimeType() {
        return (String) get("mimeType");
    }

    /** Media type of the document. At most 255 characters. */
    public ReqSignHash setMimeType(String value) {
        set("mimeType", value);
        return this;
    }

    /** Signers that may sign, instead of any of the profile's pool. At most 200 characters. At most 64 of them. */
    public List<String> getSigners() {
        return list("signers");
    }

    /** Signers that may sign, instead of any of the profile's pool. At most 200 characters. At most 64 of them. */
    public ReqSignHash addSigners(String value) {
        list("signers").add(value);
        return this;
    }

    /** The same key with the same request gives the same answer again, without a second signature. At most 128 characters. */
    public String getIdempotencyKey() {
        return (String) get("idempotencyKey");
    }

    /** The same key with the same request gives the same answer again, without a second signature. At most 128 characters. */
    public ReqSignHash setIdempotencyKey(String value) {
        set("idempotencyKey", value);
        return this;
    }

    /** Further choices. At most 64 of them. */
    public List<Setting> getSettings() {
        return list("settings");
    }

    /** Further choices. At most 64 of them. */
    public ReqSignHash addSettings(Setting value) {
        list("settings").add(value);
        return this;
    }
}
