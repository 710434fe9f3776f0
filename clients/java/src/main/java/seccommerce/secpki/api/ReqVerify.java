// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.time.Instant;
import java.util.List;

/** A signature to be judged: a signed document, or a detached signature with its document or the document's digest. Judges signatures. */
public final class ReqVerify extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("document", Kind.BINARY, false, false, null),
            new Field("documentName", Kind.TEXT, false, false, null),
            new Field("signature", Kind.BINARY, false, false, null),
            new Field("digest", Kind.BINARY, false, false, null),
            new Field("digestAlgorithm", Kind.TEXT, false, false, null),
            new Field("reportForm", Kind.TEXT, false, false, null),
            new Field("language", Kind.TEXT, false, false, null),
            new Field("at", Kind.TIME, false, false, null),
            new Field("settings", Kind.RECORD, false, true, Setting::new));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The document, with the signature in it unless {@code signature} is given. */
    public Content getDocument() {
        return (Content) get("document");
    }

    /** The document, with the signature in it unless {@code signature} is given. */
    public ReqVerify setDocument(Content value) {
        set("document", value);
        return this;
    }

    /** File name of the document. At most 255 characters. */
    public String getDocumentName() {
        return (String) get("documentName");
    }

    /** File name of the document. At most 255 characters. */
    public ReqVerify setDocumentName(String value) {
        set("documentName", value);
        return this;
    }

    /** A detached signature. */
    public Content getSignature() {
        return (Content) get("signature");
    }

    /** A detached signature. */
    public ReqVerify setSignature(Content value) {
        set("signature", value);
        return this;
    }

    /** Digest of the document, instead of the document. */
    public Content getDigest() {
        return (Content) get("digest");
    }

    /** Digest of the document, instead of the document. */
    public ReqVerify setDigest(Content value) {
        set("digest", value);
        return this;
    }

    /** What made the digest. */
    public String getDigestAlgorithm() {
        return (String) get("digestAlgorithm");
    }

    /** What made the digest. */
    public ReqVerify setDigestAlgorithm(String value) {
        set("digestAlgorithm", value);
        return this;
    }

    /** The form of the report that is wanted; {@code none} if absent. */
    public String getReportForm() {
        return (String) get("reportForm");
    }

    /** The form of the report that is wanted; {@code none} if absent. */
    public ReqVerify setReportForm(String value) {
        set("reportForm", value);
        return this;
    }

    /** The language of the report. */
    public String getLanguage() {
        return (String) get("language");
    }

    /** The language of the report. */
    public ReqVerify setLanguage(String value) {
        set("language", value);
        return this;
    }

    /** Judges as of then instead of as of now. */
    public Instant getAt() {
        return (Instant) get("at");
    }

    /** Judges as of then instead of as of now. */
    public ReqVerify setAt(Instant value) {
        set("at", value);
        return this;
    }

    /** Further choices. At most 64 of them. */
    public List<Setting> getSettings() {
        return list("settings");
    }

    /** Further choices. At most 64 of them. */
    public ReqVerify addSettings(Setting value) {
        list("settings").add(value);
        return this;
    }
}
