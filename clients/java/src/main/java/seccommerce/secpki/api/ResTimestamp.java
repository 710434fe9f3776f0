// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.time.Instant;
import java.util.List;

/** The time stamp. */
public final class ResTimestamp extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Timestamp", Kind.BINARY, true, false, null),
            new Field("TimestampName", Kind.TEXT, true, false, null),
            new Field("MimeType", Kind.TEXT, true, false, null),
            new Field("Time", Kind.TIME, false, false, null),
            new Field("DocumentId", Kind.TEXT, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The time stamp, an RFC 3161 response. */
    public Content getTimestamp() {
        return (Content) get("Timestamp");
    }

    /** The time stamp, an RFC 3161 response. */
    public ResTimestamp setTimestamp(Content value) {
        set("Timestamp", value);
        return this;
    }

    /** Its file name. At most 300 characters. */
    public String getTimestampName() {
        return (String) get("TimestampName");
    }

    /** Its file name. At most 300 characters. */
    public ResTimestamp setTimestampName(String value) {
        set("TimestampName", value);
        return this;
    }

    /** Its media type. At most 255 characters. */
    public String getMimeType() {
        return (String) get("MimeType");
    }

    /** Its media type. At most 255 characters. */
    public ResTimestamp setMimeType(String value) {
        set("MimeType", value);
        return this;
    }

    /** The time in it. */
    public Instant getTime() {
        return (Instant) get("Time");
    }

    /** The time in it. */
    public ResTimestamp setTime(Instant value) {
        set("Time", value);
        return this;
    }

    /** Names this document in the server's log. At most 100 characters. */
    public String getDocumentId() {
        return (String) get("DocumentId");
    }

    /** Names this document in the server's log. At most 100 characters. */
    public ResTimestamp setDocumentId(String value) {
        set("DocumentId", value);
        return this;
    }
}
