package seccommerce.secpki.api;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The parts of a {@code multipart/related} answer, one after the other as they arrive (RFC 2046 section 5.1). */
final class Multipart {
    private static final Pattern BOUNDARY = Pattern.compile("boundary=(?:\"([^\"]+)\"|([^;\\s]+))", Pattern.CASE_INSENSITIVE);
    private static final int HEADER_BYTES_MAX = 16 * 1024;

    private final InputStream source;
    private final byte[] delimiter;
    private byte[] buffer = new byte[64 * 1024];
    private int start;
    private int end;
    private boolean sourceEnded;
    private Part current;

    Multipart(InputStream source, String contentType) throws IOException {
        Matcher matcher = BOUNDARY.matcher(contentType);
        if (!matcher.find()) {
            throw new IOException("the answer has parts, but no boundary between them");
        }
        String boundary = matcher.group(1) != null ? matcher.group(1) : matcher.group(2);
        this.source = source;
        this.delimiter = ("\r\n--" + boundary).getBytes(StandardCharsets.ISO_8859_1);
        // The first delimiter may stand at the very beginning, where no line ends before it.
        buffer[0] = '\r';
        buffer[1] = '\n';
        end = 2;
        current = new Part(null);
    }

    /** The next part, or null behind the last; what was not read of the one before is passed over. */
    Part next() throws IOException {
        if (current == null) {
            return null;
        }
        current.transferTo(OutputStream.nullOutputStream());
        start += delimiter.length;
        String rest = line();
        if (rest.startsWith("--")) {
            current = null;
            return null;
        }
        String id = null;
        int length = 0;
        for (String header = line(); !header.isEmpty(); header = line()) {
            length += header.length();
            if (length > HEADER_BYTES_MAX) {
                throw new IOException("a part of the answer has too long a header");
            }
            if (header.toLowerCase(Locale.ROOT).startsWith("content-id:")) {
                id = header.substring(header.indexOf(':') + 1).trim().replaceAll("^<|>$", "");
            }
        }
        current = new Part(id);
        return current;
    }

    /** The bytes of one part, up to the next delimiter. */
    final class Part extends InputStream {
        private final String id;
        private boolean ended;

        private Part(String id) {
            this.id = id;
        }

        /** Its name, to which the message refers; null if it has none. */
        String id() {
            return id;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
        }

        @Override
        public int read(byte[] into, int from, int count) throws IOException {
            if (ended || count == 0) {
                return ended ? -1 : 0;
            }
            require(delimiter.length);
            int at = indexOfDelimiter(start);
            // Without one, the last bytes may be the beginning of one.
            int until = at >= 0 ? at : end - delimiter.length + 1;
            if (until <= start) {
                if (at < 0) {
                    throw new EOFException("the answer ends within a part");
                }
                ended = true;
                return -1;
            }
            int given = Math.min(count, until - start);
            System.arraycopy(buffer, start, into, from, given);
            start += given;
            return given;
        }
    }

    private int indexOfDelimiter(int from) {
        outer:
        for (int at = from; at <= end - delimiter.length; at++) {
            for (int index = 0; index < delimiter.length; index++) {
                if (buffer[at + index] != delimiter[index]) {
                    continue outer;
                }
            }
            return at;
        }
        return -1;
    }

    /** Has at least so many bytes in the buffer, unless the source ends before. */
    private void require(int count) throws IOException {
        if (end - start >= count || sourceEnded) {
            return;
        }
        System.arraycopy(buffer, start, buffer, 0, end - start);
        end -= start;
        start = 0;
        while (end < count) {
            int read = source.read(buffer, end, buffer.length - end);
            if (read < 0) {
                sourceEnded = true;
                return;
            }
            end += read;
        }
    }

    private String line() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        while (true) {
            require(1);
            if (start == end) {
                if (line.size() == 0) {
                    throw new EOFException("the answer ends before its last part");
                }
                break;
            }
            byte letter = buffer[start++];
            if (letter == '\n') {
                break;
            }
            line.write(letter);
            if (line.size() > HEADER_BYTES_MAX) {
                throw new IOException("a part of the answer has too long a header");
            }
        }
        String text = line.toString(StandardCharsets.ISO_8859_1);
        return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
    }
}
