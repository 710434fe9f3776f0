// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** A user. */
public final class UserEntry extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("UserName", Kind.TEXT, true, false, null),
            new Field("DisplayName", Kind.TEXT, false, false, null),
            new Field("State", Kind.TEXT, true, false, null),
            new Field("HasPassword", Kind.FLAG, true, false, null),
            new Field("Groups", Kind.TEXT, false, true, null),
            new Field("Certificates", Kind.RECORD, false, true, CertificateEntry::new));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** The user's name. At most 128 characters. */
    public String getUserName() {
        return (String) get("UserName");
    }

    /** The user's name. At most 128 characters. */
    public UserEntry setUserName(String value) {
        set("UserName", value);
        return this;
    }

    /** The name that people read. At most 200 characters. */
    public String getDisplayName() {
        return (String) get("DisplayName");
    }

    /** The name that people read. At most 200 characters. */
    public UserEntry setDisplayName(String value) {
        set("DisplayName", value);
        return this;
    }

    /** {@code active} or {@code locked}. At most 50 characters. */
    public String getState() {
        return (String) get("State");
    }

    /** {@code active} or {@code locked}. At most 50 characters. */
    public UserEntry setState(String value) {
        set("State", value);
        return this;
    }

    /** Whether there is a password. */
    public Boolean getHasPassword() {
        return (Boolean) get("HasPassword");
    }

    /** Whether there is a password. */
    public UserEntry setHasPassword(Boolean value) {
        set("HasPassword", value);
        return this;
    }

    /** The user's groups. At most 128 characters. At most 10000 of them. */
    public List<String> getGroups() {
        return list("Groups");
    }

    /** The user's groups. At most 128 characters. At most 10000 of them. */
    public UserEntry addGroups(String value) {
        list("Groups").add(value);
        return this;
    }

    /** The user's certificates. At most 10000 of them. */
    public List<CertificateEntry> getCertificates() {
        return list("Certificates");
    }

    /** The user's certificates. At most 10000 of them. */
    public UserEntry addCertificates(CertificateEntry value) {
        list("Certificates").add(value);
        return this;
    }
}
