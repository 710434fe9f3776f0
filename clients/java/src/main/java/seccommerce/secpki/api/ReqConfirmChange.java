// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** The second pair of eyes. Confirms or refuses a change that another user has asked for. */
public final class ReqConfirmChange extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("changeId", Kind.TEXT, true, false, null),
            new Field("refuse", Kind.FLAG, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Names the change. At most 100 characters. */
    public String getChangeId() {
        return (String) get("changeId");
    }

    /** Names the change. At most 100 characters. */
    public ReqConfirmChange setChangeId(String value) {
        set("changeId", value);
        return this;
    }

    /** True: it is not to be made. */
    public Boolean getRefuse() {
        return (Boolean) get("refuse");
    }

    /** True: it is not to be made. */
    public ReqConfirmChange setRefuse(Boolean value) {
        set("refuse", value);
        return this;
    }
}
