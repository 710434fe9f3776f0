// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** A document to be kept, with its signature. Puts a document into an archive. */
public final class ReqArchiveSubmit extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("archive", Kind.TEXT, true, false, null),
            new Field("document", Kind.BINARY, true, false, null),
            new Field("documentName", Kind.TEXT, true, false, null),
            new Field("signature", Kind.BINARY, false, false, null),
            new Field("metadata", Kind.RECORD, false, true, Setting::new),
            new Field("idempotencyKey", Kind.TEXT, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Name of the archive. At most 200 characters. */
    public String getArchive() {
        return (String) get("archive");
    }

    /** Name of the archive. At most 200 characters. */
    public ReqArchiveSubmit setArchive(String value) {
        set("archive", value);
        return this;
    }

    /** The document. */
    public Content getDocument() {
        return (Content) get("document");
    }

    /** The document. */
    public ReqArchiveSubmit setDocument(Content value) {
        set("document", value);
        return this;
    }

    /** Its file name. At most 255 characters. */
    public String getDocumentName() {
        return (String) get("documentName");
    }

    /** Its file name. At most 255 characters. */
    public ReqArchiveSubmit setDocumentName(String value) {
        set("documentName", value);
        return this;
    }

    /** Its detached signature. */
    public Content getSignature() {
        return (Content) get("signature");
    }

    /** Its detached signature. */
    public ReqArchiveSubmit setSignature(Content value) {
        set("signature", value);
        return this;
    }

    /** What it can be found by. At most 64 of them. */
    public List<Setting> getMetadata() {
        return list("metadata");
    }

    /** What it can be found by. At most 64 of them. */
    public ReqArchiveSubmit addMetadata(Setting value) {
        list("metadata").add(value);
        return this;
    }

    /** The same key with the same request keeps the document once. At most 128 characters. */
    public String getIdempotencyKey() {
        return (String) get("idempotencyKey");
    }

    /** The same key with the same request keeps the document once. At most 128 characters. */
    public ReqArchiveSubmit setIdempotencyKey(String value) {
        set("idempotencyKey", value);
        return this;
    }
}
