// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Many documents to be signed in this call. Signs many documents in one call; one that fails does not spoil the others. */
public final class ReqSignBatch extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("profile", Kind.TEXT, true, false, null),
            new Field("signers", Kind.TEXT, false, true, null),
            new Field("idempotencyKey", Kind.TEXT, false, false, null),
            new Field("settings", Kind.RECORD, false, true, Setting::new),
            new Field("documents", Kind.RECORD, true, true, BatchDocument::new));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Name of the profile that says how to sign. At most 200 characters. */
    public String getProfile() {
        return (String) get("profile");
    }

    /** Name of the profile that says how to sign. At most 200 characters. */
    public ReqSignBatch setProfile(String value) {
        set("profile", value);
        return this;
    }

    /** Signers that may sign, instead of any of the profile's pool. At most 200 characters. At most 64 of them. */
    public List<String> getSigners() {
        return list("signers");
    }

    /** Signers that may sign, instead of any of the profile's pool. At most 200 characters. At most 64 of them. */
    public ReqSignBatch addSigners(String value) {
        list("signers").add(value);
        return this;
    }

    /** The same key with the same request gives the same answer again, without further signatures. At most 128 characters. */
    public String getIdempotencyKey() {
        return (String) get("idempotencyKey");
    }

    /** The same key with the same request gives the same answer again, without further signatures. At most 128 characters. */
    public ReqSignBatch setIdempotencyKey(String value) {
        set("idempotencyKey", value);
        return this;
    }

    /** Further choices: reason, location, contact, field. At most 64 of them. */
    public List<Setting> getSettings() {
        return list("settings");
    }

    /** Further choices: reason, location, contact, field. At most 64 of them. */
    public ReqSignBatch addSettings(Setting value) {
        list("settings").add(value);
        return this;
    }

    /** The documents. At most 1000 of them. */
    public List<BatchDocument> getDocuments() {
        return list("documents");
    }

    /** The documents. At most 1000 of them. */
    public ReqSignBatch addDocuments(BatchDocument value) {
        list("documents").add(value);
        return this;
    }
}
