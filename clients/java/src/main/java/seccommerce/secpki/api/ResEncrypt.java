// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** The encrypted document. */
public final class ResEncrypt extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Document", Kind.BINARY, true, false, null),
            new Field("DocumentName", Kind.TEXT, true, false, null),
            new Field("MimeType", Kind.TEXT, true, false, null),
            new Field("DocumentId", Kind.TEXT, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The encrypted message. */
    public Content getDocument() {
        return (Content) get("Document");
    }

    /** The encrypted message. */
    public ResEncrypt setDocument(Content value) {
        set("Document", value);
        return this;
    }

    /** Its file name. At most 300 characters. */
    public String getDocumentName() {
        return (String) get("DocumentName");
    }

    /** Its file name. At most 300 characters. */
    public ResEncrypt setDocumentName(String value) {
        set("DocumentName", value);
        return this;
    }

    /** Its media type. At most 255 characters. */
    public String getMimeType() {
        return (String) get("MimeType");
    }

    /** Its media type. At most 255 characters. */
    public ResEncrypt setMimeType(String value) {
        set("MimeType", value);
        return this;
    }

    /** Names this document in the server's log. At most 100 characters. */
    public String getDocumentId() {
        return (String) get("DocumentId");
    }

    /** Names this document in the server's log. At most 100 characters. */
    public ResEncrypt setDocumentId(String value) {
        set("DocumentId", value);
        return this;
    }
}
