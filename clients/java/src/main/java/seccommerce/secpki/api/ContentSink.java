package seccommerce.secpki.api;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Takes the bytes of an answer: small ones stay in memory, larger ones go into a temporary file. */
final class ContentSink extends OutputStream {
    private static final int IN_MEMORY_MAX = 1024 * 1024;

    private ByteArrayOutputStream memory = new ByteArrayOutputStream();
    private Path file;
    private OutputStream stream;

    @Override
    public void write(int one) throws IOException {
        write(new byte[] {(byte) one}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int count) throws IOException {
        if (memory != null && memory.size() + count > IN_MEMORY_MAX) {
            file = Files.createTempFile("secpki-", ".part"); // readable by this user only
            stream = Files.newOutputStream(file);
            memory.writeTo(stream);
            memory = null;
        }
        if (memory != null) {
            memory.write(bytes, from, count);
        } else {
            stream.write(bytes, from, count);
        }
    }

    /** All that was written, as content. */
    Content finish() throws IOException {
        if (memory != null) {
            return Content.of(memory.toByteArray());
        }
        stream.close();
        return Content.ofTemporary(file);
    }

    /** Lets go of what was written. */
    void discard() {
        try {
            if (stream != null) {
                stream.close();
                Files.deleteIfExists(file);
            }
        } catch (IOException error) {
            file.toFile().deleteOnExit();
        }
    }
}
