// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** A document to be encrypted. Encrypts a document. */
public final class ReqEncrypt extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("document", Kind.BINARY, true, false, null),
            new Field("documentName", Kind.TEXT, false, false, null),
            new Field("profile", Kind.TEXT, true, false, null),
            new Field("recipients", Kind.BINARY, false, true, null),
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
    public ReqEncrypt setDocument(Content value) {
        set("document", value);
        return this;
    }

    /** Its file name. At most 255 characters. */
    public String getDocumentName() {
        return (String) get("documentName");
    }

    /** Its file name. At most 255 characters. */
    public ReqEncrypt setDocumentName(String value) {
        set("documentName", value);
        return this;
    }

    /** Name of the profile that says how. At most 200 characters. */
    public String getProfile() {
        return (String) get("profile");
    }

    /** Name of the profile that says how. At most 200 characters. */
    public ReqEncrypt setProfile(String value) {
        set("profile", value);
        return this;
    }

    /** Certificates of recipients, beside those of the profile. At most 1000 of them. */
    public List<Content> getRecipients() {
        return list("recipients");
    }

    /** Certificates of recipients, beside those of the profile. At most 1000 of them. */
    public ReqEncrypt addRecipients(Content value) {
        list("recipients").add(value);
        return this;
    }

    /** Further choices. At most 64 of them. */
    public List<Setting> getSettings() {
        return list("settings");
    }

    /** Further choices. At most 64 of them. */
    public ReqEncrypt addSettings(Setting value) {
        list("settings").add(value);
        return this;
    }
}
