// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** One document to be signed in this call. Signs one document with a profile. */
public final class ReqSign extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("document", Kind.BINARY, true, false, null),
            new Field("documentName", Kind.TEXT, false, false, null),
            new Field("mimeType", Kind.TEXT, false, false, null),
            new Field("profile", Kind.TEXT, true, false, null),
            new Field("signers", Kind.TEXT, false, true, null),
            new Field("original", Kind.BINARY, false, false, null),
            new Field("idempotencyKey", Kind.TEXT, false, false, null),
            new Field("settings", Kind.RECORD, false, true, Setting::new));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The document. For a further signature on a detached one: the signature. */
    public Content getDocument() {
        return (Content) get("document");
    }

    /** The document. For a further signature on a detached one: the signature. */
    public ReqSign setDocument(Content value) {
        set("document", value);
        return this;
    }

    /** File name of the document; the name of the result follows from it. At most 255 characters. */
    public String getDocumentName() {
        return (String) get("documentName");
    }

    /** File name of the document; the name of the result follows from it. At most 255 characters. */
    public ReqSign setDocumentName(String value) {
        set("documentName", value);
        return this;
    }

    /** Media type of the document. At most 255 characters. */
    public String getMimeType() {
        return (String) get("mimeType");
    }

    /** Media type of the document. At most 255 characters. */
    public ReqSign setMimeType(String value) {
        set("mimeType", value);
        return this;
    }

    /** Name of the profile that says how to sign. At most 200 characters. */
    public String getProfile() {
        return (String) get("profile");
    }

    /** Name of the profile that says how to sign. At most 200 characters. */
    public ReqSign setProfile(String value) {
        set("profile", value);
        return this;
    }

    /** Signers that may sign, instead of any of the profile's pool. At most 200 characters. At most 64 of them. */
    public List<String> getSigners() {
        return list("signers");
    }

    /** Signers that may sign, instead of any of the profile's pool. At most 200 characters. At most 64 of them. */
    public ReqSign addSigners(String value) {
        list("signers").add(value);
        return this;
    }

    /** The document that {@code document}, a detached signature, is about. */
    public Content getOriginal() {
        return (Content) get("original");
    }

    /** The document that {@code document}, a detached signature, is about. */
    public ReqSign setOriginal(Content value) {
        set("original", value);
        return this;
    }

    /** The same key with the same request gives the same answer again, without a second signature. At most 128 characters. */
    public String getIdempotencyKey() {
        return (String) get("idempotencyKey");
    }

    /** The same key with the same request gives the same answer again, without a second signature. At most 128 characters. */
    public ReqSign setIdempotencyKey(String value) {
        set("idempotencyKey", value);
        return this;
    }

    /** Further choices: reason, location, contact, field. At most 64 of them. */
    public List<Setting> getSettings() {
        return list("settings");
    }

    /** Further choices: reason, location, contact, field. At most 64 of them. */
    public ReqSign addSettings(Setting value) {
        list("settings").add(value);
        return this;
    }
}
