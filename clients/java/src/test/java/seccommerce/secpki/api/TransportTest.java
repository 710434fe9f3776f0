package seccommerce.secpki.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What goes over the wire, seen by an HTTP server that answers what a test tells it. */
class TransportTest {
    private static final String BUSY = "<Status>-1001</Status><Code>busy</Code><Message>the server is busy</Message>"
            + "<Retryable>true</Retryable><RetryAfter>1</RetryAfter>";
    private static final String ECHO = "<echoResponse xmlns=\"" + Envelope.SECPKI + "\"><Text>a &amp; ü</Text></echoResponse>";

    private HttpServer server;
    private final Queue<Reply> replies = new ConcurrentLinkedQueue<>();
    private final List<Seen> seen = new CopyOnWriteArrayList<>();

    /** An answer. */
    private static final class Reply {
        int status = 200;
        String type = "text/xml; charset=utf-8";
        String retryAfter;
        byte[] body = {};
        boolean hangUp;
    }

    /** A request. */
    private static final class Seen {
        String type;
        String action;
        String authorization;
        String organisation;
        String start;
        long length;
    }

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/", this::handle);
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private void handle(HttpExchange exchange) throws IOException {
        Seen request = new Seen();
        request.type = exchange.getRequestHeaders().getFirst("Content-Type");
        request.action = exchange.getRequestHeaders().getFirst("SOAPAction");
        request.authorization = exchange.getRequestHeaders().getFirst("Authorization");
        request.organisation = exchange.getRequestHeaders().getFirst("X-AuthorizeOrg");
        try (InputStream body = exchange.getRequestBody()) {
            byte[] start = body.readNBytes(4000);
            request.start = new String(start, StandardCharsets.UTF_8);
            request.length = start.length + body.transferTo(OutputStream.nullOutputStream());
        }
        seen.add(request);
        Reply reply = replies.remove();
        if (reply.hangUp) {
            exchange.close();
            return;
        }
        exchange.getResponseHeaders().set("Content-Type", reply.type);
        if (reply.retryAfter != null) {
            exchange.getResponseHeaders().set("Retry-After", reply.retryAfter);
        }
        exchange.sendResponseHeaders(reply.status, reply.body.length == 0 ? -1 : reply.body.length);
        if (reply.body.length > 0) {
            exchange.getResponseBody().write(reply.body);
        }
        exchange.close();
    }

    private SecPKIApi.Builder client() {
        return SecPKIApi.at("http://127.0.0.1:" + server.getAddress().getPort() + "/");
    }

    private Reply says(String body) {
        Reply reply = new Reply();
        reply.body = envelope(body).getBytes(StandardCharsets.UTF_8);
        replies.add(reply);
        return reply;
    }

    private static String envelope(String body) {
        return "<?xml version=\"1.0\"?><soap:Envelope xmlns:soap=\"" + Envelope.SOAP + "\"><soap:Header><x xmlns=\"\"><y/></x>"
                + "</soap:Header><soap:Body>" + body + "</soap:Body></soap:Envelope>";
    }

    private static String signed(String inside) {
        return "<signResponse xmlns=\"" + Envelope.SECPKI + "\">" + inside + "</signResponse>";
    }

    private void faults(int status, String retryAfter, String detail) {
        Reply reply = says("<soap:Fault><faultcode>soap:Server</faultcode><faultstring>short</faultstring><detail>"
                + "<SecPKIFault xmlns=\"" + Envelope.SECPKI + "\">" + detail + "</SecPKIFault></detail></soap:Fault>");
        reply.status = status;
        reply.retryAfter = retryAfter;
    }

    @Test
    void aRequestIsWrittenAsTheSchemaSays() throws Exception {
        says(ECHO);
        ResEcho echo = client().login("erp", "geheim-ü").organisation("main").build().echo(new ReqEcho().setText("a & <ü>"));
        assertEquals("a & ü", echo.getText());
        Seen request = seen.get(0);
        String expected = "<echo xmlns=\"http://seccommerce.de/ws/SecPKI/\"><text>a &amp; &lt;ü&gt;</text></echo>";
        assertTrue(request.start.contains(expected), request.start);
        assertEquals("\"http://seccommerce.de/ws/SecPKI/#echo\"", request.action);
        assertEquals("Basic " + base64("erp:geheim-ü"), request.authorization);
        assertEquals(base64("main"), request.organisation);
        assertEquals("text/xml; charset=utf-8", request.type);
    }

    @Test
    void whenTheServerIsBusyTheCallIsRepeatedAfterTheTimeItAsksFor() throws Exception {
        faults(503, "1", BUSY);
        faults(503, "1", BUSY);
        says(ECHO);
        long start = System.nanoTime();
        client().build().echo(new ReqEcho());
        assertEquals(3, seen.size());
        assertTrue(System.nanoTime() - start >= 2_000_000_000L, "it did not wait");
    }

    @Test
    void patienceEndsAndSaysSo() throws Exception {
        faults(503, "1", BUSY);
        faults(503, "1", BUSY);
        SecPKIApi api = client().retries(1).build();
        SecPKIApiException busy = assertThrows(SecPKIApiException.class, () -> api.echo(new ReqEcho()));
        assertEquals(SecPKIApiException.BUSY, busy.getStatus());
        assertEquals(1, busy.getRetryAfterSeconds());
        assertTrue(busy.isRetryable());
        assertEquals(2, seen.size());
    }

    @Test
    void aBalancerThatKnowsNoSoapIsUnderstoodToo() throws Exception {
        Reply reply = new Reply();
        reply.status = 503;
        reply.type = "text/html";
        reply.body = "<html>".getBytes(StandardCharsets.UTF_8);
        replies.add(reply);
        says(ECHO);
        client().build().echo(new ReqEcho());
        assertEquals(2, seen.size());
    }

    @Test
    void aFaultCarriesStatusCodeAndSentence() throws Exception {
        faults(500, null, "<Status>-25</Status><Code>no-permission</Code><Message>no right to sign</Message>"
                + "<CorrelationId>c-1</CorrelationId><Retryable>false</Retryable>");
        SecPKIApi api = client().build();
        SecPKIApiException fault = assertThrows(SecPKIApiException.class, () -> api.sign(new ReqSign()));
        assertEquals(-25, fault.getStatus());
        assertEquals("no-permission", fault.getCode());
        assertEquals("no right to sign", fault.getMessage());
        assertEquals("c-1", fault.getCorrelationId());
        assertFalse(fault.isRetryable());
        assertEquals(1, seen.size());
    }

    @Test
    void aStreamIsSentOnceAndNeverAgain() throws Exception {
        faults(503, "1", BUSY);
        SecPKIApi api = client().build();
        Content once = Content.of(new ByteArrayInputStream(new byte[100]), -1);
        ReqSign request = new ReqSign().setDocument(once).setProfile("p");
        SecPKIApiException busy = assertThrows(SecPKIApiException.class, () -> api.sign(request));
        assertEquals(SecPKIApiException.BUSY, busy.getStatus());
        assertEquals(1, seen.size());
    }

    @Test
    void aLostAnswerIsAskedForAgainOnlyIfTwiceDoesNoHarm() throws Exception {
        SecPKIApi api = client().build();
        Reply lost = new Reply();
        lost.hangUp = true;
        // Java repeats a request by itself only if its method says that this does no harm, and POST does not.
        replies.add(lost);
        SecPKIApiException gone = assertThrows(SecPKIApiException.class, () -> api.sign(new ReqSign()));
        assertEquals(SecPKIApiException.COMMUNICATION_ERROR, gone.getStatus());
        assertEquals(1, seen.size());

        replies.add(lost);
        says(signed("<SignatureName>n</SignatureName>"));
        assertEquals("n", api.sign(new ReqSign().setIdempotencyKey("k1")).getSignatureName());
        assertEquals(3, seen.size());
    }

    @Test
    void aLargeDocumentStreamsAndASmallOneIsInline() throws Exception {
        String answer = signed("<Signature>" + Base64.getEncoder().encodeToString(new byte[10]) + "</Signature><New><In/></New>");
        long length = 300L * 1024 * 1024; // more than the memory of this virtual machine, see pom.xml
        says(answer);
        Content large = Content.of(new Zeros(length), length);
        ResSign result = client().build().sign(new ReqSign().setDocument(large).setProfile("p"));
        assertArrayEquals(new byte[10], result.getSignature().toBytes());
        assertTrue(seen.get(0).length > length);
        assertTrue(seen.get(0).type.startsWith("multipart/related"), seen.get(0).type);

        says(answer);
        client().build().sign(new ReqSign().setDocument(Content.of(new byte[] {1, 2, 3})).setProfile("p"));
        assertTrue(seen.get(1).start.contains("<document>AQID</document><profile>p</profile>"), seen.get(1).start);
    }

    @Test
    void attachmentsAndLargeBase64OfAnAnswerAreRead() throws Exception {
        byte[] large = new byte[3_000_001];
        for (int index = 0; index < large.length; index++) {
            large[index] = (byte) (index * 31 + index / 251);
        }
        says(signed("<Signature>" + Base64.getMimeEncoder().encodeToString(large) + "</Signature>"));
        assertArrayEquals(large, client().build().sign(new ReqSign()).getSignature().toBytes());

        String root = envelope(signed(
                "<Signature><xop:Include xmlns:xop=\"" + Envelope.XOP + "\" href=\"cid:1@answer\"/></Signature>"));
        for (byte[] content : List.of(large, new byte[0], "\r\n--b".getBytes(StandardCharsets.UTF_8))) {
            Reply reply = new Reply();
            reply.type = "multipart/related; type=\"application/xop+xml\"; boundary=\"b-1\"; start=\"<root@answer>\"";
            ByteArrayOutputStream body = new ByteArrayOutputStream();
            body.writeBytes(("--b-1\r\nContent-Type: application/xop+xml\r\nContent-ID: <root@answer>\r\n\r\n" + root
                    + "\r\n--b-1\r\nContent-ID: <1@answer>\r\n\r\n").getBytes(StandardCharsets.UTF_8));
            body.writeBytes(content);
            body.writeBytes("\r\n--b-1--\r\n".getBytes(StandardCharsets.UTF_8));
            reply.body = body.toByteArray();
            replies.add(reply);
            assertArrayEquals(content, client().build().sign(new ReqSign()).getSignature().toBytes());
        }
    }

    @Test
    void whatIsNoAnswerIsAnError() throws Exception {
        SecPKIApi api = client().retries(0).build();
        for (String wrong : List.of("", "<a", "<html/>", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>")) {
            Reply reply = new Reply();
            reply.body = wrong.getBytes(StandardCharsets.UTF_8);
            replies.add(reply);
            SecPKIApiException error = assertThrows(SecPKIApiException.class, () -> api.echo(new ReqEcho()), wrong);
            assertEquals(SecPKIApiException.COMMUNICATION_ERROR, error.getStatus(), wrong);
        }
    }

    @Test
    void noPasswordAndNoDocumentIsInTheTextOfARequest() {
        ReqCreateUser user = new ReqCreateUser().setUserName("anna").setPassword("geheim");
        assertEquals("ReqCreateUser{userName=anna, password=…}", user.toString());
        assertTrue(new ReqSign().setDocument(Content.of(new byte[3])).toString().contains("document=…"));
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    /** So many zeros, out of nothing. */
    private static final class Zeros extends InputStream {
        private long left;

        Zeros(long count) {
            left = count;
        }

        @Override
        public int read() {
            return left-- > 0 ? 0 : -1;
        }

        @Override
        public int read(byte[] into, int from, int count) {
            if (left <= 0) {
                return -1;
            }
            int given = (int) Math.min(count, left);
            left -= given;
            return given;
        }
    }
}
