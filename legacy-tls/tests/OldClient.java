import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.Security;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/** A client as it was written for Java 5: each old protocol with each old suite, then the greeting of SSL 2.0. */
public class OldClient {
    private static final String[] PROTOCOLS = {"SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2"};

    public static void main(String[] arguments) throws Exception {
        Security.setProperty("jdk.tls.disabledAlgorithms", "");
        Security.setProperty("jdk.certpath.disabledAlgorithms", "");
        // None of these existed for such a client.
        System.setProperty(
                "jdk.tls.client.disableExtensions",
                "supported_versions,signature_algorithms_cert,supported_groups,ec_point_formats,"
                        + "extended_master_secret,status_request,status_request_v2,session_ticket,psk_key_exchange_modes");
        int port = Integer.parseInt(arguments[0]);
        for (String protocol : PROTOCOLS) {
            if (protocol.equals("TLSv1.2")) {
                talk(port, "TLS_RSA_WITH_AES_256_CBC_SHA256", protocol);
                talk(port, "TLS_RSA_WITH_AES_128_CBC_SHA256", protocol);
            }
            talk(port, "TLS_RSA_WITH_AES_256_CBC_SHA", protocol);
            talk(port, "TLS_RSA_WITH_AES_128_CBC_SHA", protocol);
            talk(port, "SSL_RSA_WITH_3DES_EDE_CBC_SHA", protocol);
        }
        talk(port, "TLS_RSA_WITH_AES_256_CBC_SHA", "SSLv2Hello", "TLSv1");
    }

    private static void talk(int port, String suite, String... protocols) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new Trusting()}, null);
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", port)) {
            socket.setSoTimeout(20_000);
            socket.setEnabledProtocols(protocols);
            socket.setEnabledCipherSuites(new String[] {suite});
            byte[] line = "hello\n".getBytes(StandardCharsets.US_ASCII);
            socket.getOutputStream().write(line);
            InputStream answer = socket.getInputStream();
            String back = new String(answer.readNBytes(line.length), StandardCharsets.US_ASCII);
            if (!back.equals("hello\n")) {
                throw new IllegalStateException("not what was sent: " + back);
            }
            System.out.println(socket.getSession().getProtocol() + " " + socket.getSession().getCipherSuite());
        }
    }

    private static class Trusting implements X509TrustManager {
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
