// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** A signed document whose signatures are to be lifted to a higher level. Lifts signatures to a higher level. */
public final class ReqExtend extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("document", Kind.BINARY, true, false, null),
            new Field("documentName", Kind.TEXT, false, false, null),
            new Field("original", Kind.BINARY, false, false, null),
            new Field("profile", Kind.TEXT, true, false, null),
            new Field("idempotencyKey", Kind.TEXT, false, false, null),
            new Field("settings", Kind.RECORD, false, true, Setting::new));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The signed document, or a detached signature. */
    public Content getDocument() {
        return (Content) get("document");
    }

    /** The signed document, or a detached signature. */
    public ReqExtend setDocument(Content value) {
        set("document", value);
        return this;
    }

    /** Its file name. At most 255 characters. */
    public String getDocumentName() {
        return (String) get("documentName");
    }

    /** Its file name. At most 255 characters. */
    public ReqExtend setDocumentName(String value) {
        set("documentName", value);
        return this;
    }

    /** The document of a detached signature. */
    public Content getOriginal() {
        return (Content) get("original");
    }

    /** The document of a detached signature. */
    public ReqExtend setOriginal(Content value) {
        set("original", value);
        return this;
    }

    /** Name of the profile that says to which level. At most 200 characters. */
    public String getProfile() {
        return (String) get("profile");
    }

    /** Name of the profile that says to which level. At most 200 characters. */
    public ReqExtend setProfile(String value) {
        set("profile", value);
        return this;
    }

    /** The same key with the same request gives the same answer again. At most 128 characters. */
    public String getIdempotencyKey() {
        return (String) get("idempotencyKey");
    }

    /** The same key with the same request gives the same answer again. At most 128 characters. */
    public ReqExtend setIdempotencyKey(String value) {
        set("idempotencyKey", value);
        return this;
    }

    /** Further choices. At most 64 of them. */
    public List<Setting> getSettings() {
        return list("settings");
    }

    /** Further choices. At most 64 of them. */
    public ReqExtend addSettings(Setting value) {
        list("settings").add(value);
        return this;
    }
}
