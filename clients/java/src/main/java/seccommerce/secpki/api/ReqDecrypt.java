// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** An encrypted document to be opened. Opens an encrypted document. */
public final class ReqDecrypt extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("document", Kind.BINARY, true, false, null),
            new Field("documentName", Kind.TEXT, false, false, null),
            new Field("profile", Kind.TEXT, true, false, null),
            new Field("settings", Kind.RECORD, false, true, Setting::new));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The encrypted message. */
    public Content getDocument() {
        return (Content) get("document");
    }

    /** The encrypted message. */
    public ReqDecrypt setDocument(Content value) {
        set("document", value);
        return this;
    }

    /** Its file name. At most 255 characters. */
    public String getDocumentName() {
        return (String) get("documentName");
    }

    /** Its file name. At most 255 characters. */
    public ReqDecrypt setDocumentName(String value) {
        set("documentName", value);
        return this;
    }

    /** Name of the profile that says with which keys. At most 200 characters. */
    public String getProfile() {
        return (String) get("profile");
    }

    /** Name of the profile that says with which keys. At most 200 characters. */
    public ReqDecrypt setProfile(String value) {
        set("profile", value);
        return this;
    }

    /** Further choices. At most 64 of them. */
    public List<Setting> getSettings() {
        return list("settings");
    }

    /** Further choices. At most 64 of them. */
    public ReqDecrypt addSettings(Setting value) {
        list("settings").add(value);
        return this;
    }
}
