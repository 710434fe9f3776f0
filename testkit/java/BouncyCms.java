// What BouncyCastle thinks of CMS signatures: arguments are pairs of a message and its detached content ("-": none).
// One line of JSON for each message. Judges signatures, counter-signatures, signature time stamps, and archive time
// stamps version 3 with their hash index, which it rebuilds from EN 319 122-1. Says nothing about trust.

import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.Security;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.ASN1Set;
import org.bouncycastle.asn1.DERTaggedObject;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.cms.AttributeTable;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.cms.SignedData;
import org.bouncycastle.asn1.cms.SignerInfo;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.SignerInformationVerifier;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.tsp.TimeStampToken;
import org.bouncycastle.util.Store;

public class BouncyCms {
    static final ASN1ObjectIdentifier ARCHIVE = new ASN1ObjectIdentifier("0.4.0.1733.2.4");
    static final ASN1ObjectIdentifier INDEX = new ASN1ObjectIdentifier("0.4.0.19122.1.5");

    int signers, verified, counters, countersVerified, stamps, stampsVerified, archives, archivesVerified;
    String error = "";

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        for (int at = 0; at + 1 < arguments.length; at += 2) {
            BouncyCms judge = new BouncyCms();
            try {
                byte[] content = arguments[at + 1].equals("-") ? null : Files.readAllBytes(Path.of(arguments[at + 1]));
                judge.judge(Files.readAllBytes(Path.of(arguments[at])), content);
            } catch (Exception problem) {
                judge.error = String.valueOf(problem).replace('\\', '/').replace('"', '\'').replaceAll("\\s", " ");
            }
            System.out.printf("{\"signers\":%d,\"verified\":%d,\"counters\":%d,\"counters_verified\":%d,\"stamps\":%d,"
                + "\"stamps_verified\":%d,\"archives\":%d,\"archives_verified\":%d,\"error\":\"%s\"}%n",
                judge.signers, judge.verified, judge.counters, judge.countersVerified, judge.stamps,
                judge.stampsVerified, judge.archives, judge.archivesVerified, judge.error);
        }
    }

    void judge(byte[] message, byte[] content) throws Exception {
        CMSSignedData cms = content == null
            ? new CMSSignedData(message)
            : new CMSSignedData(new CMSProcessableByteArray(content), message);
        if (content == null) {
            content = (byte[]) cms.getSignedContent().getContent();
        }
        SignedData data = SignedData.getInstance(cms.toASN1Structure().getContent());
        for (SignerInformation signer : cms.getSignerInfos().getSigners()) {
            signers++;
            verified += signer.verify(verifier(cms.getCertificates(), signer)) ? 1 : 0;
            for (SignerInformation counter : signer.getCounterSignatures().getSigners()) {
                counters++;
                countersVerified += counter.verify(verifier(cms.getCertificates(), counter)) ? 1 : 0;
            }
            for (TimeStampToken token : tokens(signer, PKCSObjectIdentifiers.id_aa_signatureTimeStampToken)) {
                stamps++;
                stampsVerified += isOver(token, cms.getCertificates(), signer.getSignature()) ? 1 : 0;
            }
            for (TimeStampToken token : tokens(signer, ARCHIVE)) {
                archives++;
                archivesVerified += isArchive(token, cms.getCertificates(), data, signer, content) ? 1 : 0;
            }
        }
    }

    static SignerInformationVerifier verifier(Store<X509CertificateHolder> certificates, SignerInformation signer)
        throws Exception {
        @SuppressWarnings("unchecked")
        Collection<X509CertificateHolder> found = certificates.getMatches(signer.getSID());
        if (found.isEmpty()) {
            throw new IllegalStateException("no certificate for a signer");
        }
        return new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(found.iterator().next());
    }

    static List<TimeStampToken> tokens(SignerInformation signer, ASN1ObjectIdentifier type) throws Exception {
        List<TimeStampToken> tokens = new ArrayList<>();
        AttributeTable table = signer.getUnsignedAttributes();
        if (table != null) {
            for (int at = 0; at < table.getAll(type).size(); at++) {
                Attribute attribute = Attribute.getInstance(table.getAll(type).get(at));
                for (ASN1Encodable value : attribute.getAttributeValues()) {
                    tokens.add(new TimeStampToken(ContentInfo.getInstance(value)));
                }
            }
        }
        return tokens;
    }

    /** The token's own signature, certificate and attributes are right, and it is over these bytes. */
    static boolean isOver(TimeStampToken token, Store<X509CertificateHolder> further, byte[] stamped) throws Exception {
        @SuppressWarnings("unchecked")
        Collection<X509CertificateHolder> found = token.getCertificates().getMatches(token.getSID());
        if (found.isEmpty()) {
            @SuppressWarnings("unchecked")
            Collection<X509CertificateHolder> elsewhere = further.getMatches(token.getSID());
            found = elsewhere;
        }
        token.validate(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(found.iterator().next()));
        byte[] imprint = token.getTimeStampInfo().getMessageImprintDigest();
        return MessageDigest.isEqual(imprint, digest(token).digest(stamped));
    }

    static MessageDigest digest(TimeStampToken token) throws Exception {
        return MessageDigest.getInstance(token.getTimeStampInfo().getMessageImprintAlgOID().getId(), "BC");
    }

    /** EN 319 122-1 sections 5.5.2 and 5.5.3. */
    static boolean isArchive(TimeStampToken token, Store<X509CertificateHolder> further, SignedData data,
        SignerInformation signer, byte[] content) throws Exception {
        Attribute attribute = token.getUnsignedAttributes().get(INDEX);
        ASN1Sequence index = ASN1Sequence.getInstance(attribute.getAttrValues().getObjectAt(0));
        ASN1ObjectIdentifier algorithm = AlgorithmIdentifier.getInstance(index.getObjectAt(0)).getAlgorithm();
        if (index.size() != 4 || !algorithm.equals(token.getTimeStampInfo().getMessageImprintAlgOID())) {
            return false;
        }
        SignerInfo info = signer.toASN1Structure();
        Set<String> attributes = new TreeSet<>();
        for (ASN1Encodable member : info.getUnauthenticatedAttributes()) {
            Attribute unsigned = Attribute.getInstance(member);
            for (ASN1Encodable value : unsigned.getAttributeValues()) {
                attributes.add(hash(token, join(der(unsigned.getAttrType()), der(value))));
            }
        }
        if (!listed(index.getObjectAt(1), members(token, data.getCertificates()))
            || !listed(index.getObjectAt(2), members(token, data.getCRLs()))
            || !listed(index.getObjectAt(3), attributes)) {
            return false;
        }
        byte[] covered = join(
            der(data.getEncapContentInfo().getContentType()), digest(token).digest(content), der(info.getVersion()),
            der(info.getSID()), der(info.getDigestAlgorithm()),
            der(new DERTaggedObject(false, 0, info.getAuthenticatedAttributes())),
            der(info.getDigestEncryptionAlgorithm()), der(info.getEncryptedDigest()), der(index));
        return isOver(token, further, covered);
    }

    static Set<String> members(TimeStampToken token, ASN1Set set) throws Exception {
        Set<String> hashes = new TreeSet<>();
        if (set != null) {
            for (ASN1Encodable member : set) {
                hashes.add(hash(token, der(member)));
            }
        }
        return hashes;
    }

    /** Every entry of a list in the index is the hash of something that is there. */
    static boolean listed(ASN1Encodable list, Set<String> known) {
        for (ASN1Encodable entry : ASN1Sequence.getInstance(list)) {
            if (!known.contains(HexFormat.of().formatHex(ASN1OctetString.getInstance(entry).getOctets()))) {
                return false;
            }
        }
        return true;
    }

    static String hash(TimeStampToken token, byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(digest(token).digest(bytes));
    }

    static byte[] der(ASN1Encodable value) throws Exception {
        return value.toASN1Primitive().getEncoded(ASN1Encoding.DER);
    }

    static byte[] join(byte[]... parts) throws Exception {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.write(part);
        }
        return all.toByteArray();
    }
}
