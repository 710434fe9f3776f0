// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** A profile. */
public final class ProfileEntry extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Name", Kind.TEXT, true, false, null),
            new Field("Format", Kind.TEXT, true, false, null),
            new Field("Level", Kind.TEXT, false, false, null),
            new Field("Pool", Kind.TEXT, false, false, null),
            new Field("Digest", Kind.TEXT, false, false, null),
            new Field("Encrypts", Kind.FLAG, true, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Its name. At most 200 characters. */
    public String getName() {
        return (String) get("Name");
    }

    /** Its name. At most 200 characters. */
    public ProfileEntry setName(String value) {
        set("Name", value);
        return this;
    }

    /** The form of its results. At most 50 characters. */
    public String getFormat() {
        return (String) get("Format");
    }

    /** The form of its results. At most 50 characters. */
    public ProfileEntry setFormat(String value) {
        set("Format", value);
        return this;
    }

    /** The level of its results. At most 10 characters. */
    public String getLevel() {
        return (String) get("Level");
    }

    /** The level of its results. At most 10 characters. */
    public ProfileEntry setLevel(String value) {
        set("Level", value);
        return this;
    }

    /** The pool whose signers sign. At most 200 characters. */
    public String getPool() {
        return (String) get("Pool");
    }

    /** The pool whose signers sign. At most 200 characters. */
    public ProfileEntry setPool(String value) {
        set("Pool", value);
        return this;
    }

    /** The digest that is signed. At most 50 characters. */
    public String getDigest() {
        return (String) get("Digest");
    }

    /** The digest that is signed. At most 50 characters. */
    public ProfileEntry setDigest(String value) {
        set("Digest", value);
        return this;
    }

    /** Whether results are encrypted. */
    public Boolean getEncrypts() {
        return (Boolean) get("Encrypts");
    }

    /** Whether results are encrypted. */
    public ProfileEntry setEncrypts(Boolean value) {
        set("Encrypts", value);
        return this;
    }
}
