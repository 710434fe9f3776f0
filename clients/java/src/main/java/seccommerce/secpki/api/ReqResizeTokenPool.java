// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** Asks for another size or weight of a token, or other shares, while the server runs. Changes sessions, weights and shares while the server runs. */
public final class ReqResizeTokenPool extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("token", Kind.TEXT, false, false, null),
            new Field("sessions", Kind.INT, false, false, null),
            new Field("weight", Kind.INT, false, false, null),
            new Field("interactiveShare", Kind.INT, false, false, null),
            new Field("tenantDocumentsMax", Kind.INT, false, false, null),
            new Field("tenantWeight", Kind.INT, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The token; absent if only shares are changed. At most 200 characters. */
    public String getToken() {
        return (String) get("token");
    }

    /** The token; absent if only shares are changed. At most 200 characters. */
    public ReqResizeTokenPool setToken(String value) {
        set("token", value);
        return this;
    }

    /** Sessions that it should have. From 1 to 64. */
    public Integer getSessions() {
        return (Integer) get("sessions");
    }

    /** Sessions that it should have. From 1 to 64. */
    public ReqResizeTokenPool setSessions(Integer value) {
        set("sessions", value);
        return this;
    }

    /** Its weight among the tokens of a pool. From 0 to 1000. */
    public Integer getWeight() {
        return (Integer) get("weight");
    }

    /** Its weight among the tokens of a pool. From 0 to 1000. */
    public ReqResizeTokenPool setWeight(Integer value) {
        set("weight", value);
        return this;
    }

    /** Of a hundred places, how many are kept for callers who wait. From 0 to 90. */
    public Integer getInteractiveShare() {
        return (Integer) get("interactiveShare");
    }

    /** Of a hundred places, how many are kept for callers who wait. From 0 to 90. */
    public ReqResizeTokenPool setInteractiveShare(Integer value) {
        set("interactiveShare", value);
        return this;
    }

    /** Documents of the caller's tenant under way at most. From 1 to 1000000. */
    public Integer getTenantDocumentsMax() {
        return (Integer) get("tenantDocumentsMax");
    }

    /** Documents of the caller's tenant under way at most. From 1 to 1000000. */
    public ReqResizeTokenPool setTenantDocumentsMax(Integer value) {
        set("tenantDocumentsMax", value);
        return this;
    }

    /** Weight of the caller's tenant among tenants. From 1 to 1000. */
    public Integer getTenantWeight() {
        return (Integer) get("tenantWeight");
    }

    /** Weight of the caller's tenant among tenants. From 1 to 1000. */
    public ReqResizeTokenPool setTenantWeight(Integer value) {
        set("tenantWeight", value);
        return this;
    }
}
