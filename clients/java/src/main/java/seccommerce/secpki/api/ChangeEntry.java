// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.time.Instant;
import java.util.List;

/** A change that waits. */
public final class ChangeEntry extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("ChangeId", Kind.TEXT, true, false, null),
            new Field("Summary", Kind.TEXT, true, false, null),
            new Field("AskedBy", Kind.TEXT, true, false, null),
            new Field("AskedAt", Kind.TIME, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Names it. At most 100 characters. */
    public String getChangeId() {
        return (String) get("ChangeId");
    }

    /** Names it. At most 100 characters. */
    public ChangeEntry setChangeId(String value) {
        set("ChangeId", value);
        return this;
    }

    /** What was asked for. At most 2000 characters. */
    public String getSummary() {
        return (String) get("Summary");
    }

    /** What was asked for. At most 2000 characters. */
    public ChangeEntry setSummary(String value) {
        set("Summary", value);
        return this;
    }

    /** By whom. At most 128 characters. */
    public String getAskedBy() {
        return (String) get("AskedBy");
    }

    /** By whom. At most 128 characters. */
    public ChangeEntry setAskedBy(String value) {
        set("AskedBy", value);
        return this;
    }

    /** When. */
    public Instant getAskedAt() {
        return (Instant) get("AskedAt");
    }

    /** When. */
    public ChangeEntry setAskedAt(Instant value) {
        set("AskedAt", value);
        return this;
    }
}
