// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** The kept document. */
public final class ResArchiveRetrieve extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Document", Kind.BINARY, true, false, null),
            new Field("DocumentName", Kind.TEXT, true, false, null),
            new Field("Signature", Kind.BINARY, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The document. */
    public Content getDocument() {
        return (Content) get("Document");
    }

    /** The document. */
    public ResArchiveRetrieve setDocument(Content value) {
        set("Document", value);
        return this;
    }

    /** Its file name. At most 255 characters. */
    public String getDocumentName() {
        return (String) get("DocumentName");
    }

    /** Its file name. At most 255 characters. */
    public ResArchiveRetrieve setDocumentName(String value) {
        set("DocumentName", value);
        return this;
    }

    /** Its detached signature. */
    public Content getSignature() {
        return (Content) get("Signature");
    }

    /** Its detached signature. */
    public ResArchiveRetrieve setSignature(Content value) {
        set("Signature", value);
        return this;
    }
}
