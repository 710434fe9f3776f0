// What Apache Santuario thinks of XML signatures: each argument is a file. One line for each: "ok", the number of
// signatures and of references, or "no" and why. Takes the key of the certificate in KeyInfo and says nothing about
// trust. Files that a signature names are looked for beside it.

import java.io.ByteArrayInputStream;
import java.io.File;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Security;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.xml.security.Init;
import org.apache.xml.security.signature.XMLSignature;
import org.apache.xml.security.signature.XMLSignatureInput;
import org.apache.xml.security.utils.resolver.ResourceResolverContext;
import org.apache.xml.security.utils.resolver.ResourceResolverException;
import org.apache.xml.security.utils.resolver.ResourceResolverSpi;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.w3c.dom.Attr;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

public class SantuarioXml {
    public static void main(String[] files) throws Exception {
        System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "off");
        // First, because the JDK has no brainpool curves any more.
        Security.insertProviderAt(new BouncyCastleProvider(), 1);
        Init.init();
        for (String file : files) {
            String verdict;
            try {
                verdict = judge(Path.of(file));
            } catch (Exception | LinkageError error) {
                verdict = "no " + error.toString().replaceAll("\\s+", " ");
            }
            System.out.println(verdict);
        }
    }

    private static String judge(Path file) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        Document document = factory.newDocumentBuilder().parse(new ByteArrayInputStream(Files.readAllBytes(file)));
        NodeList all = document.getElementsByTagNameNS("*", "*");
        for (int at = 0; at < all.getLength(); at++) {
            Element element = (Element) all.item(at);
            for (String name : new String[] {"Id", "ID", "id"}) {
                Attr id = element.getAttributeNodeNS(null, name);
                if (id != null) {
                    element.setIdAttributeNode(id, true);
                }
            }
        }
        NodeList signatures = document.getElementsByTagNameNS("http://www.w3.org/2000/09/xmldsig#", "Signature");
        int references = 0;
        for (int at = 0; at < signatures.getLength(); at++) {
            XMLSignature signature = new XMLSignature((Element) signatures.item(at), file.toUri().toString(), false);
            signature.addResourceResolver(new Beside(file));
            if (!signature.checkSignatureValue(signature.getKeyInfo().getX509Certificate().getPublicKey())) {
                return "no signature " + (at + 1) + " is not valid";
            }
            references += signature.getSignedInfo().getLength();
        }
        return signatures.getLength() == 0 ? "no signature at all" : "ok " + signatures.getLength() + " " + references;
    }

    /** Files beside the signature. */
    private static final class Beside extends ResourceResolverSpi {
        private final Path file;

        Beside(Path file) {
            this.file = file;
        }

        @Override
        public boolean engineCanResolveURI(ResourceResolverContext context) {
            return context.uriToResolve != null && !context.uriToResolve.isEmpty()
                && !context.uriToResolve.startsWith("#");
        }

        @Override
        public XMLSignatureInput engineResolveURI(ResourceResolverContext context) throws ResourceResolverException {
            try {
                String name = URLDecoder.decode(context.uriToResolve.replace("+", "%2B"), StandardCharsets.UTF_8);
                return new XMLSignatureInput(Files.readAllBytes(file.resolveSibling(new File(name).getName())));
            } catch (java.io.IOException error) {
                throw new ResourceResolverException(error, context.uriToResolve, context.baseUri, "no such file");
            }
        }
    }
}
