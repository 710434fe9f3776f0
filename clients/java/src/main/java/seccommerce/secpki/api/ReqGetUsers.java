// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for users. Lists users. */
public final class ReqGetUsers extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("userName", Kind.TEXT, false, false, null),
            new Field("firstIndex", Kind.INT, false, false, null),
            new Field("count", Kind.INT, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Only this one. At most 128 characters. */
    public String getUserName() {
        return (String) get("userName");
    }

    /** Only this one. At most 128 characters. */
    public ReqGetUsers setUserName(String value) {
        set("userName", value);
        return this;
    }

    /** The first to be listed, counted from 0. From 0 to 10000000. */
    public Integer getFirstIndex() {
        return (Integer) get("firstIndex");
    }

    /** The first to be listed, counted from 0. From 0 to 10000000. */
    public ReqGetUsers setFirstIndex(Integer value) {
        set("firstIndex", value);
        return this;
    }

    /** How many are listed at most. From 1 to 1000. */
    public Integer getCount() {
        return (Integer) get("count");
    }

    /** How many are listed at most. From 1 to 1000. */
    public ReqGetUsers setCount(Integer value) {
        set("count", value);
        return this;
    }
}
