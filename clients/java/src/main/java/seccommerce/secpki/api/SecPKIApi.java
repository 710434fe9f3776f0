package seccommerce.secpki.api;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.Base64;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * The operations of a SecPKI server, one method each: {@code ResXxx xxx(ReqXxx)}.
 *
 * <pre>{@code
 * SecPKIApi api = SecPKIApi.at("https://seal.example.com:25100/")
 *         .login("erp", password)
 *         .build();
 * ResSign signed = api.sign(new ReqSign()
 *         .setDocument(Content.of(Path.of("invoice.pdf")))
 *         .setDocumentName("invoice.pdf")
 *         .setProfile("invoices"));
 * signed.getSignature().saveTo(Path.of(signed.getSignatureName()));
 * }</pre>
 *
 * <p>One object serves any number of threads and keeps its connections. Documents are streamed, see {@link Content}. When
 * the server is busy, a call waits as long as the server asks for and is repeated, see {@link Builder#retries}. Nothing
 * but the Java runtime (11 or later) is needed.
 */
public final class SecPKIApi extends SecPKIOperations {
    /** A wait that is longer than this is the caller's decision. */
    private static final Duration WAIT_MAX = Duration.ofMinutes(2);

    private final URI address;
    private final HttpClient client;
    private final String authorization;
    private final String organisation;
    private final Duration timeout;
    private final int retries;

    private SecPKIApi(Builder builder) {
        HttpClient.Builder client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(builder.connectTimeout)
                .followRedirects(HttpClient.Redirect.NEVER);
        if (builder.tls != null) {
            client.sslContext(builder.tls);
        }
        this.client = client.build();
        this.address = builder.address;
        this.authorization = builder.authorization;
        this.organisation = builder.organisation;
        this.timeout = builder.timeout;
        this.retries = builder.retries;
    }

    /** A client of the server at this address, for instance {@code https://seal.example.com:25100/}. */
    public static Builder at(String address) {
        return new Builder(URI.create(address));
    }

    @Override
    <A extends Message> A call(String operation, boolean reads, Message request, Supplier<A> response)
            throws SecPKIApiException {
        boolean[] repeatable = {true};
        request.forEachContent(content -> repeatable[0] &= content.isRepeatable());
        // If an answer was lost, nobody knows whether the call was done; twice does no harm only then.
        boolean harmless = reads || request.get("idempotencyKey") != null;
        for (int attempt = 0; ; attempt++) {
            SecPKIApiException failure;
            try {
                A answer = response.get();
                exchange(operation, request, answer);
                return answer;
            } catch (SecPKIApiException error) {
                boolean again = error.getStatus() == SecPKIApiException.BUSY;
                failure = error;
                if (!again || !repeatable[0] || attempt >= retries) {
                    throw failure;
                }
            } catch (IOException error) {
                failure = new SecPKIApiException(describe(error), error);
                if (!harmless || !repeatable[0] || attempt >= retries) {
                    throw failure;
                }
            }
            rest(failure, attempt);
        }
    }

    private void exchange(String operation, Message request, Message answer) throws IOException, SecPKIApiException {
        Envelope envelope = new Envelope(operation, request);
        HttpRequest.BodyPublisher body = HttpRequest.BodyPublishers.ofInputStream(envelope::open);
        long length = envelope.length();
        if (length >= 0) {
            body = HttpRequest.BodyPublishers.fromPublisher(body, length);
        }
        HttpRequest.Builder http = HttpRequest.newBuilder(address)
                .timeout(timeout)
                .header("Content-Type", envelope.contentType())
                .header("SOAPAction", "\"" + Envelope.SECPKI + "#" + operation + "\"")
                .POST(body);
        if (authorization != null) {
            http.header("Authorization", authorization);
        }
        if (organisation != null) {
            http.header("X-AuthorizeOrg", organisation);
        }
        HttpResponse<InputStream> response;
        try {
            response = client.send(http.build(), HttpResponse.BodyHandlers.ofInputStream());
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new SecPKIApiException("interrupted while waiting for the server", error);
        }
        try (InputStream stream = response.body()) {
            String type = response.headers().firstValue("Content-Type").orElse("");
            if (!type.contains("xml")) {
                throw without(response);
            }
            Answer.read(operation, stream, type, response.statusCode(), answer);
        }
    }

    /** What somebody between us and the server may answer, who knows no SOAP. */
    private static SecPKIApiException without(HttpResponse<?> response) {
        int http = response.statusCode();
        int after = (int) response.headers().firstValueAsLong("Retry-After").orElse(0);
        int status = http == 503 || http == 429 ? SecPKIApiException.BUSY : SecPKIApiException.COMMUNICATION_ERROR;
        return new SecPKIApiException(status, "http-" + http, "the server answers HTTP " + http, null, http >= 500, after);
    }

    private static void rest(SecPKIApiException failure, int attempt) throws SecPKIApiException {
        long asked = failure.getRetryAfterSeconds() * 1000L;
        long usual = 250L << Math.min(attempt, 6);
        if (asked > WAIT_MAX.toMillis()) {
            throw failure;
        }
        // Not all at once again.
        long wait = Math.max(asked, usual) + ThreadLocalRandom.current().nextLong(Math.max(100, usual / 2));
        try {
            Thread.sleep(wait);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw failure;
        }
    }

    private static String describe(IOException error) {
        String what = error instanceof HttpTimeoutException ? "the server did not answer in time" : "the server was not reached";
        return error.getMessage() == null ? what : what + ": " + error.getMessage();
    }

    /** Says how to reach a server and who calls. */
    public static final class Builder {
        private final URI address;
        private String authorization;
        private String organisation;
        private KeyStore keys;
        private char[] keyPassword;
        private KeyStore trusted;
        private SSLContext tls;
        private Duration connectTimeout = Duration.ofSeconds(10);
        private Duration timeout = Duration.ofMinutes(10);
        private int retries = 5;

        private Builder(URI address) {
            this.address = address;
        }

        /** The caller's name and password. Not over plain HTTP, except on one machine. */
        public Builder login(String user, String password) {
            byte[] both = (user + ":" + password).getBytes(StandardCharsets.UTF_8);
            authorization = "Basic " + Base64.getEncoder().encodeToString(both);
            return this;
        }

        /** The tenant of the caller, by its short name; needed if a server has several. */
        public Builder organisation(String shortName) {
            organisation = Base64.getEncoder().encodeToString(shortName.getBytes(StandardCharsets.UTF_8));
            return this;
        }

        /** The caller's certificate and key: a PKCS#12 file. */
        public Builder clientCertificate(Path pkcs12, char[] password) throws IOException, GeneralSecurityException {
            KeyStore store = KeyStore.getInstance("PKCS12");
            try (InputStream stream = Files.newInputStream(pkcs12)) {
                store.load(stream, password);
            }
            return clientCertificate(store, password);
        }

        /** The caller's certificate and key, in any key store, for instance that of a card. */
        public Builder clientCertificate(KeyStore store, char[] password) {
            keys = store;
            keyPassword = password == null ? null : password.clone();
            return this;
        }

        /** Who issued the server's certificate: a PEM file. Without it, those whom the Java runtime trusts. */
        public Builder trust(Path pem) throws IOException, GeneralSecurityException {
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            try (InputStream stream = Files.newInputStream(pem)) {
                int number = 0;
                for (Certificate certificate : CertificateFactory.getInstance("X.509").generateCertificates(stream)) {
                    store.setCertificateEntry("trusted-" + number++, certificate);
                }
            }
            trusted = store;
            return this;
        }

        /** How long a connection may take to come about. */
        public Builder connectTimeout(Duration duration) {
            connectTimeout = duration;
            return this;
        }

        /** How long the server may take until it begins to answer; the request's way to it included. */
        public Builder timeout(Duration duration) {
            timeout = duration;
            return this;
        }

        /**
         * How often a call is repeated when the server is busy, or was not reached and repeating does no harm: the operation
         * only reads, or the request has an idempotency key. 0: never.
         */
        public Builder retries(int count) {
            retries = count;
            return this;
        }

        /** The client. */
        public SecPKIApi build() throws GeneralSecurityException {
            if (keys != null || trusted != null) {
                KeyManagerFactory own = null;
                if (keys != null) {
                    own = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
                    own.init(keys, keyPassword);
                }
                TrustManagerFactory others = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
                others.init(trusted);
                tls = SSLContext.getInstance("TLS");
                tls.init(own == null ? null : own.getKeyManagers(), others.getTrustManagers(), null);
            }
            return new SecPKIApi(this);
        }
    }
}
