// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** The tokens. */
public final class ResGetTokenPool extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Tokens", Kind.RECORD, false, true, TokenEntry::new),
            new Field("InteractiveShare", Kind.INT, false, false, null),
            new Field("Caps", Kind.RECORD, false, true, TenantCap::new));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Each. At most 10000 of them. */
    public List<TokenEntry> getTokens() {
        return list("Tokens");
    }

    /** Each. At most 10000 of them. */
    public ResGetTokenPool addTokens(TokenEntry value) {
        list("Tokens").add(value);
        return this;
    }

    /** Of a hundred places, how many are kept for callers who wait. From 0 to 100. */
    public Integer getInteractiveShare() {
        return (Integer) get("InteractiveShare");
    }

    /** Of a hundred places, how many are kept for callers who wait. From 0 to 100. */
    public ResGetTokenPool setInteractiveShare(Integer value) {
        set("InteractiveShare", value);
        return this;
    }

    /** What the caller's tenant may hold. At most 10000 of them. */
    public List<TenantCap> getCaps() {
        return list("Caps");
    }

    /** What the caller's tenant may hold. At most 10000 of them. */
    public ResGetTokenPool addCaps(TenantCap value) {
        list("Caps").add(value);
        return this;
    }
}
