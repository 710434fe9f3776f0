package seccommerce.secpki.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Against a real server, whose tests start this one and judge the signatures. */
@Tag("server")
class ServerTest {
    private static String given(String name) {
        return assertNotNullText(System.getProperty("secpki." + name), name);
    }

    private static String assertNotNullText(String value, String name) {
        assertNotNull(value, "run it with -Dsecpki." + name);
        return value;
    }

    private static SecPKIApi erp() throws Exception {
        return SecPKIApi.at(given("plain")).login("erp", given("password")).build();
    }

    private static List<Path> documents() throws Exception {
        try (Stream<Path> files = Files.list(Path.of(given("documents")))) {
            return files.filter(file -> file.toString().matches(".*\\.(txt|bin|xml)")).sorted().collect(Collectors.toList());
        }
    }

    private static Path folder() {
        return Path.of(given("folder"));
    }

    @Test
    void theServerSaysWhatItIsAndEchoesEveryLetter() throws Exception {
        assertNotNull(erp().getVersion(new ReqGetVersion()).getTime());
        String text = "ü € 𝄞 <&> \"quoted\"\n\ttab";
        assertEquals(text, erp().echo(new ReqEcho().setText(text)).getText());
    }

    @Test
    void aFileIsSignedAndVerified() throws Exception {
        Path file = documents().get(0);
        ResSign signed = erp().sign(new ReqSign()
                .setDocument(Content.of(file))
                .setDocumentName(file.getFileName().toString())
                .setProfile("invoices"));
        assertEquals(file.getFileName() + ".pkcs7", signed.getSignatureName());
        ReqVerify verify = new ReqVerify()
                .setDocument(Content.of(file))
                .setDocumentName(file.getFileName().toString())
                .setSignature(signed.getSignature());
        ResVerify verdict = erp().verify(verify);
        assertEquals(1, verdict.getResultCode());
        assertEquals(1, verdict.getSignatures().size());
        assertFalse(1 == erp().verify(verify.setDocument(Content.of(new byte[] {1}))).getResultCode());
    }

    @Test
    void aBatchIsSignedInOrder() throws Exception {
        ReqSignBatch request = new ReqSignBatch().setProfile("invoices");
        for (Path file : documents()) {
            request.addDocuments(new BatchDocument()
                    .setDocument(Content.of(file))
                    .setDocumentName(file.getFileName().toString())
                    .setReference("R " + file.getFileName()));
        }
        ResSignBatch batch = erp().signBatch(request);
        assertEquals(documents().size(), batch.getSigned());
        int index = 0;
        for (BatchResult result : batch.getResults()) {
            assertEquals(index, result.getIndex());
            assertEquals("R " + documents().get(index++).getFileName(), result.getReference());
            result.getSignature().saveTo(folder().resolve(result.getSignatureName()));
        }
    }

    @Test
    void aStreamOfUnknownLengthIsSignedWithAClientCertificate() throws Exception {
        SecPKIApi api = SecPKIApi.at(given("tls"))
                .clientCertificate(Path.of(given("p12")), given("p12password").toCharArray())
                .trust(Path.of(given("trust")))
                .build();
        Path large = documents().stream().filter(file -> file.toString().endsWith(".bin")).findFirst().orElseThrow();
        InputStream stream = Files.newInputStream(large);
        ResSign signed = api.sign(
                new ReqSign().setDocument(Content.of(stream, -1)).setDocumentName("large.bin").setProfile("invoices"));
        ReqVerify verify = new ReqVerify().setDocument(Content.of(large)).setSignature(signed.getSignature());
        assertEquals(1, api.verify(verify).getResultCode());
    }

    @Test
    void theSameIdempotencyKeyGivesTheSameSignature() throws Exception {
        ReqSign request = new ReqSign().setProfile("invoices").setDocument(Content.of(new byte[] {7})).setIdempotencyKey("j-1");
        byte[] first = erp().sign(request).getSignature().toBytes();
        assertArrayEquals(first, erp().sign(request).getSignature().toBytes());
    }

    @Test
    void faultsHaveANumberAndASentence() throws Exception {
        ReqSign unknown = new ReqSign().setDocument(Content.of(new byte[1])).setProfile("no-such-profile");
        SecPKIApi api = erp();
        SecPKIApiException fault = assertThrows(SecPKIApiException.class, () -> api.sign(unknown));
        assertTrue(fault.getStatus() < 0, fault.getMessage());
        assertTrue(fault.getMessage().contains("no-such-profile"), fault.getMessage());

        SecPKIApi stranger = SecPKIApi.at(given("plain")).login("erp", "wrong").build();
        SecPKIApiException refused = assertThrows(SecPKIApiException.class, () -> stranger.echo(new ReqEcho()));
        assertEquals(-23, refused.getStatus());
        assertNotNull(refused.getCode());

        SecPKIApi untrusting = SecPKIApi.at(given("tls")).login("erp", given("password")).retries(0).build();
        SecPKIApiException unknownServer = assertThrows(SecPKIApiException.class, () -> untrusting.echo(new ReqEcho()));
        assertEquals(SecPKIApiException.COMMUNICATION_ERROR, unknownServer.getStatus());
    }
}
