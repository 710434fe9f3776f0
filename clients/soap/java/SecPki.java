import jakarta.xml.ws.BindingProvider;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import secpki.BatchDocument;
import secpki.BatchResult;
import secpki.SecPKIApiException;
import secpki.SecPKIService;
import secpki.SecPKISoapPortType;
import secpki.Sign;
import secpki.SignBatch;
import secpki.SignBatchResponse;
import secpki.SignResponse;
import secpki.Verify;
import secpki.VerifyResponse;

/**
 * Signs, signs a batch, verifies, and shows a fault; with classes that wsimport makes from the WSDL.
 *
 * <pre>mvn -Dwsdl=URL?wsdl compile exec:java -Dexec.args="URL USER PASSWORD PROFILE FOLDER FILE..."</pre>
 */
public class SecPki {
    public static void main(String[] arguments) throws Exception {
        if (arguments.length < 6) {
            System.out.println("usage: URL USER PASSWORD PROFILE FOLDER FILE...");
            return;
        }
        String url = arguments[0];
        String profile = arguments[3];
        Path folder = Path.of(arguments[4]);
        List<String> files = Arrays.asList(arguments).subList(5, arguments.length);

        SecPKISoapPortType secpki = new SecPKIService(new URL(url + "?wsdl")).getSecPKISoapPort();
        Map<String, Object> context = ((BindingProvider) secpki).getRequestContext();
        context.put(BindingProvider.ENDPOINT_ADDRESS_PROPERTY, url);
        context.put(BindingProvider.USERNAME_PROPERTY, arguments[1]);
        context.put(BindingProvider.PASSWORD_PROPERTY, arguments[2]);

        Path first = Path.of(files.get(0));
        Sign sign = new Sign();
        sign.setDocument(Files.readAllBytes(first));
        sign.setDocumentName(first.getFileName().toString());
        sign.setProfile(profile);
        SignResponse signed = secpki.sign(sign);
        Files.write(folder.resolve(signed.getSignatureName()), signed.getSignature());
        System.out.println("sign: " + signed.getSignatureName());

        SignBatch batch = new SignBatch();
        batch.setProfile(profile);
        for (String file : files) {
            BatchDocument document = new BatchDocument();
            document.setDocument(Files.readAllBytes(Path.of(file)));
            document.setDocumentName(Path.of(file).getFileName().toString());
            batch.getDocuments().add(document);
        }
        SignBatchResponse results = secpki.signBatch(batch);
        for (BatchResult result : results.getResults()) {
            if (result.getStatus() == 0) {
                Files.write(folder.resolve(result.getSignatureName()), result.getSignature());
            } else {
                System.out.println("not signed: " + result.getIndex() + " " + result.getStatus() + " " + result.getReason());
            }
        }
        System.out.println("batch: " + results.getSigned() + " signed, " + results.getFailed() + " failed");

        Verify verify = new Verify();
        verify.setDocument(sign.getDocument());
        verify.setDocumentName(sign.getDocumentName());
        verify.setSignature(signed.getSignature());
        VerifyResponse verdict = secpki.verify(verify);
        System.out.println("verify: " + verdict.getResultCode() + " " + verdict.getOutcome());

        sign.setProfile("no-such-profile");
        try {
            secpki.sign(sign);
        } catch (SecPKIApiException fault) {
            System.out.println("fault: " + fault.getFaultInfo().getStatus() + " " + fault.getMessage());
        }
    }
}
