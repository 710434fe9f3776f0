// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** The signers. */
public final class ResGetSigners extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("Signers", Kind.RECORD, false, true, SignerEntry::new));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** Each that the caller may see. At most 10000 of them. */
    public List<SignerEntry> getSigners() {
        return list("Signers");
    }

    /** Each that the caller may see. At most 10000 of them. */
    public ResGetSigners addSigners(SignerEntry value) {
        list("Signers").add(value);
        return this;
    }
}
