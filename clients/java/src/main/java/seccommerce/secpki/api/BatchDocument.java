// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** One of the documents of a batch. */
public final class BatchDocument extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("document", Kind.BINARY, true, false, null),
            new Field("documentName", Kind.TEXT, false, false, null),
            new Field("mimeType", Kind.TEXT, false, false, null),
            new Field("original", Kind.BINARY, false, false, null),
            new Field("reference", Kind.TEXT, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The document. */
    public Content getDocument() {
        return (Content) get("document");
    }

    /** The document. */
    public BatchDocument setDocument(Content value) {
        set("document", value);
        return this;
    }

    /** File name of the document. At most 255 characters. */
    public String getDocumentName() {
        return (String) get("documentName");
    }

    /** File name of the document. At most 255 characters. */
    public BatchDocument setDocumentName(String value) {
        set("documentName", value);
        return this;
    }

    /** Media type of the document. At most 255 characters. */
    public String getMimeType() {
        return (String) get("mimeType");
    }

    /** Media type of the document. At most 255 characters. */
    public BatchDocument setMimeType(String value) {
        set("mimeType", value);
        return this;
    }

    /** The document that {@code document}, a detached signature, is about. */
    public Content getOriginal() {
        return (Content) get("original");
    }

    /** The document that {@code document}, a detached signature, is about. */
    public BatchDocument setOriginal(Content value) {
        set("original", value);
        return this;
    }

    /** The caller's own name for it, returned with its result. At most 200 characters. */
    public String getReference() {
        return (String) get("reference");
    }

    /** The caller's own name for it, returned with its result. At most 200 characters. */
    public BatchDocument setReference(String value) {
        set("reference", value);
        return this;
    }
}
