// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** What holds from now on. */
public final class ResResizeTokenPool extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Token", Kind.RECORD, false, false, TokenEntry::new),
            new Field("InteractiveShare", Kind.INT, false, false, null),
            new Field("Caps", Kind.RECORD, false, true, TenantCap::new));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The token that was changed. */
    public TokenEntry getToken() {
        return (TokenEntry) get("Token");
    }

    /** The token that was changed. */
    public ResResizeTokenPool setToken(TokenEntry value) {
        set("Token", value);
        return this;
    }

    /** Of a hundred places, how many are kept for callers who wait. From 0 to 100. */
    public Integer getInteractiveShare() {
        return (Integer) get("InteractiveShare");
    }

    /** Of a hundred places, how many are kept for callers who wait. From 0 to 100. */
    public ResResizeTokenPool setInteractiveShare(Integer value) {
        set("InteractiveShare", value);
        return this;
    }

    /** What the caller's tenant may hold. At most 10000 of them. */
    public List<TenantCap> getCaps() {
        return list("Caps");
    }

    /** What the caller's tenant may hold. At most 10000 of them. */
    public ResResizeTokenPool addCaps(TenantCap value) {
        list("Caps").add(value);
        return this;
    }
}
