// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** What one tenant may hold at once. */
public final class TenantCap extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Tenant", Kind.TEXT, true, false, null),
            new Field("DocumentsMax", Kind.INT, true, false, null),
            new Field("Documents", Kind.INT, true, false, null),
            new Field("Weight", Kind.INT, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The tenant. At most 64 characters. */
    public String getTenant() {
        return (String) get("Tenant");
    }

    /** The tenant. At most 64 characters. */
    public TenantCap setTenant(String value) {
        set("Tenant", value);
        return this;
    }

    /** Documents under way at most. From 0 to 1000000. */
    public Integer getDocumentsMax() {
        return (Integer) get("DocumentsMax");
    }

    /** Documents under way at most. From 0 to 1000000. */
    public TenantCap setDocumentsMax(Integer value) {
        set("DocumentsMax", value);
        return this;
    }

    /** Documents under way. From 0 to 1000000. */
    public Integer getDocuments() {
        return (Integer) get("Documents");
    }

    /** Documents under way. From 0 to 1000000. */
    public TenantCap setDocuments(Integer value) {
        set("Documents", value);
        return this;
    }

    /** Its weight among tenants. From 0 to 1000000. */
    public Integer getWeight() {
        return (Integer) get("Weight");
    }

    /** Its weight among tenants. From 0 to 1000000. */
    public TenantCap setWeight(Integer value) {
        set("Weight", value);
        return this;
    }
}
