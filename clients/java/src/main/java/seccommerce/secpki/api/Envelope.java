package seccommerce.secpki.api;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Enumeration;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.UUID;

/**
 * A request on its way to the server: SOAP 1.1, with documents inline as base64 or as attachments (MTOM). It is a list of
 * pieces, of which a document is one; nothing is put together in memory.
 */
final class Envelope {
    static final String SOAP = "http://schemas.xmlsoap.org/soap/envelope/";
    static final String SECPKI = "http://seccommerce.de/ws/SecPKI/";
    static final String XOP = "http://www.w3.org/2004/08/xop/include";

    /** From this size on a document is attached; below, base64 is less work for both sides. */
    private static final long ATTACHED_FROM = 64 * 1024;

    /** Text, or a document in one of two forms. */
    private static final class Piece {
        final byte[] bytes;
        final Content content;
        final boolean base64;

        Piece(byte[] bytes, Content content, boolean base64) {
            this.bytes = bytes;
            this.content = content;
            this.base64 = base64;
        }

        long length() throws IOException {
            if (content == null) {
                return bytes.length;
            }
            long length = content.length();
            return length < 0 || !base64 ? length : (length + 2) / 3 * 4;
        }

        InputStream open() throws IOException {
            if (content == null) {
                return new ByteArrayInputStream(bytes);
            }
            return base64 ? new Base64Stream(content.open()) : content.open();
        }
    }

    private final List<Piece> pieces = new ArrayList<>();
    private final StringBuilder text = new StringBuilder();
    private final List<Content> attached = new ArrayList<>();
    private final boolean mtom;
    private final String boundary = "part-" + UUID.randomUUID();

    Envelope(String operation, Message request) throws IOException {
        long[] largest = {0};
        boolean[] unknown = {false};
        request.forEachContent(content -> {
            long length = lengthOf(content);
            unknown[0] |= length < 0;
            largest[0] = Math.max(largest[0], length);
        });
        mtom = unknown[0] || largest[0] >= ATTACHED_FROM;
        if (mtom) {
            text.append("--").append(boundary).append("\r\nContent-Type: application/xop+xml; charset=UTF-8; type=\"text/xml\"")
                    .append("\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <root@request>\r\n\r\n");
        }
        text.append("<soap:Envelope xmlns:soap=\"").append(SOAP).append("\"><soap:Body><").append(operation)
                .append(" xmlns=\"").append(SECPKI).append("\">");
        append(request);
        text.append("</").append(operation).append("></soap:Body></soap:Envelope>");
        for (int index = 0; index < attached.size(); index++) {
            text.append("\r\n--").append(boundary).append("\r\nContent-Type: application/octet-stream\r\n")
                    .append("Content-Transfer-Encoding: binary\r\nContent-ID: <").append(index).append("@request>\r\n\r\n");
            piece(attached.get(index), false);
        }
        if (mtom) {
            text.append("\r\n--").append(boundary).append("--\r\n");
        }
        flush();
    }

    String contentType() {
        return mtom
                ? "multipart/related; type=\"application/xop+xml\"; boundary=\"" + boundary
                        + "\"; start=\"<root@request>\"; start-info=\"text/xml\""
                : "text/xml; charset=utf-8";
    }

    /** How many bytes; -1 if a document does not know its length. */
    long length() throws IOException {
        long sum = 0;
        for (Piece piece : pieces) {
            long length = piece.length();
            if (length < 0) {
                return -1;
            }
            sum += length;
        }
        return sum;
    }

    /** All bytes, one piece opened after the other. */
    InputStream open() {
        return new SequenceInputStream(new Enumeration<InputStream>() {
            private int next;

            @Override
            public boolean hasMoreElements() {
                return next < pieces.size();
            }

            @Override
            public InputStream nextElement() {
                if (!hasMoreElements()) {
                    throw new NoSuchElementException();
                }
                try {
                    return pieces.get(next++).open();
                } catch (IOException error) {
                    return failing(error);
                }
            }
        });
    }

    private void append(Message message) {
        for (Message.Field field : message.fields()) {
            for (Object value : message.all(field)) {
                text.append('<').append(field.name).append('>');
                if (value instanceof Message) {
                    append((Message) value);
                } else if (value instanceof Content) {
                    append((Content) value);
                } else {
                    escape(Message.toText(value));
                }
                text.append("</").append(field.name).append('>');
            }
        }
    }

    private void append(Content content) {
        if (mtom) {
            text.append("<xop:Include xmlns:xop=\"").append(XOP).append("\" href=\"cid:").append(attached.size())
                    .append("@request\"/>");
            attached.add(content);
        } else {
            piece(content, true);
        }
    }

    private void piece(Content content, boolean base64) {
        flush();
        pieces.add(new Piece(null, content, base64));
    }

    private void flush() {
        pieces.add(new Piece(text.toString().getBytes(StandardCharsets.UTF_8), null, false));
        text.setLength(0);
    }

    private void escape(String value) {
        for (int index = 0; index < value.length(); index++) {
            char letter = value.charAt(index);
            switch (letter) {
                case '<':
                    text.append("&lt;");
                    break;
                case '>':
                    text.append("&gt;");
                    break;
                case '&':
                    text.append("&amp;");
                    break;
                case '\r':
                    text.append("&#13;");
                    break;
                default:
                    text.append(letter);
            }
        }
    }

    private static long lengthOf(Content content) {
        try {
            return content.length();
        } catch (IOException error) {
            return -1; // opening it will say the same, with its reason
        }
    }

    private static InputStream failing(IOException error) {
        return new InputStream() {
            @Override
            public int read() throws IOException {
                throw error;
            }
        };
    }

    /** Base64 of a stream, a piece at a time. */
    private static final class Base64Stream extends InputStream {
        private final InputStream source;
        private byte[] encoded = {};
        private int at;
        private boolean ended;

        Base64Stream(InputStream source) {
            this.source = source;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
        }

        @Override
        public int read(byte[] into, int from, int count) throws IOException {
            if (at == encoded.length) {
                if (ended) {
                    return -1;
                }
                byte[] plain = source.readNBytes(48 * 1024); // a multiple of three
                ended = plain.length < 48 * 1024;
                encoded = Base64.getEncoder().encode(plain);
                at = 0;
                if (encoded.length == 0) {
                    return -1;
                }
            }
            int given = Math.min(count, encoded.length - at);
            System.arraycopy(encoded, at, into, from, given);
            at += given;
            return given;
        }

        @Override
        public void close() throws IOException {
            source.close();
        }
    }
}
