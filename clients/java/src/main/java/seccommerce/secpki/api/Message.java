package seccommerce.secpki.api;

import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A request, an answer, or a record in one of them: named values in the order of the schema. The classes that extend it are
 * generated from the schema and only give the values their types.
 */
public abstract class Message {
    /** What a field holds. */
    enum Kind {
        TEXT,
        INT,
        LONG,
        FLAG,
        TIME,
        BINARY,
        RECORD
    }

    /** One field of the schema. */
    static final class Field {
        final String name;
        final Kind kind;
        final boolean required;
        final boolean list;
        /** Makes an empty record. */
        final Supplier<? extends Message> record;

        Field(String name, Kind kind, boolean required, boolean list, Supplier<? extends Message> record) {
            this.name = name;
            this.kind = kind;
            this.required = required;
            this.list = list;
            this.record = record;
        }
    }

    private final Map<String, Object> values = new LinkedHashMap<>();

    /** The fields, in order. */
    abstract List<Field> fields();

    final Object get(String name) {
        return values.get(name);
    }

    final void set(String name, Object value) {
        if (value == null) {
            values.remove(name);
        } else {
            values.put(name, value);
        }
    }

    /** The values of a list; a change of it is a change of the message. */
    @SuppressWarnings("unchecked")
    final <T> List<T> list(String name) {
        return (List<T>) values.computeIfAbsent(name, key -> new ArrayList<T>());
    }

    /** The values of a field, which may be none. */
    final List<?> all(Field field) {
        Object value = values.get(field.name);
        if (value == null) {
            return Collections.emptyList();
        }
        return field.list ? (List<?>) value : Collections.singletonList(value);
    }

    /** Shows every content, also those of records. */
    final void forEachContent(Consumer<Content> consumer) {
        for (Field field : fields()) {
            for (Object value : all(field)) {
                if (value instanceof Content) {
                    consumer.accept((Content) value);
                } else if (value instanceof Message) {
                    ((Message) value).forEachContent(consumer);
                }
            }
        }
    }

    /** A value as XML writes it. */
    static String toText(Object value) {
        return value.toString(); // also right for Instant: ISO 8601 with Z
    }

    /** A value as Java holds it. */
    static Object fromText(Kind kind, String text) {
        switch (kind) {
            case INT:
                return Integer.valueOf(text.trim());
            case LONG:
                return Long.valueOf(text.trim());
            case FLAG:
                return text.trim().equals("true") || text.trim().equals("1");
            case TIME:
                return OffsetDateTime.parse(text.trim()).toInstant();
            default:
                return text;
        }
    }

    /** Names and values, without the bytes of documents. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(getClass().getSimpleName()).append('{');
        String between = "";
        for (Field field : fields()) {
            List<?> all = all(field);
            if (!all.isEmpty()) {
                // Never a password in a log.
                boolean hidden = field.kind == Kind.BINARY || field.name.equals("password");
                text.append(between).append(field.name).append('=');
                text.append(hidden ? "…" : field.list ? all.toString() : all.get(0).toString());
                between = ", ";
            }
        }
        return text.append('}').toString();
    }
}
