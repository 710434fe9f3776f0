package seccommerce.secpki.api;

import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.ref.Cleaner;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * The bytes of a document or signature: in memory, in a file, or a stream that can be read once. A file is never loaded
 * into memory, neither on its way to the server nor on its way back.
 */
public abstract class Content {
    private static final Cleaner CLEANER = Cleaner.create();

    Content() {}

    /** Bytes in memory. */
    public static Content of(byte[] bytes) {
        return new InMemory(bytes.clone());
    }

    /** A file, which is read when it is sent. It must not change until the call has returned. */
    public static Content of(Path file) {
        return new InFile(file);
    }

    /**
     * A stream that is read to its end once and then closed. A call with it is never repeated, also not if the server was
     * busy.
     *
     * @param length how many bytes it has, or -1 if that is not known
     */
    public static Content of(InputStream stream, long length) {
        return new Once(stream, length);
    }

    /** Opens the bytes for reading. */
    public abstract InputStream open() throws IOException;

    /** How many bytes; -1 if that is not known. */
    public abstract long length() throws IOException;

    /** Whether {@link #open()} can be called again. */
    public boolean isRepeatable() {
        return true;
    }

    /** All bytes at once. For large documents use {@link #saveTo(Path)} or {@link #copyTo(OutputStream)}. */
    public byte[] toBytes() throws IOException {
        try (InputStream stream = open()) {
            return stream.readAllBytes();
        }
    }

    /** Writes the bytes into a new file, or over an existing one. */
    public void saveTo(Path file) throws IOException {
        try (InputStream stream = open()) {
            Files.copy(stream, file, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /** Writes the bytes to a stream, which stays open. */
    public void copyTo(OutputStream target) throws IOException {
        try (InputStream stream = open()) {
            stream.transferTo(target);
        }
    }

    /** A file of ours, deleted when nobody holds the content any more. */
    static Content ofTemporary(Path file) {
        InFile content = new InFile(file);
        CLEANER.register(content, () -> {
            try {
                Files.deleteIfExists(file);
            } catch (IOException error) {
                throw new UncheckedIOException(error); // the cleaner ignores it; the file goes with the virtual machine
            }
        });
        file.toFile().deleteOnExit();
        return content;
    }

    private static final class InMemory extends Content {
        private final byte[] bytes;

        InMemory(byte[] bytes) {
            this.bytes = bytes;
        }

        @Override
        public InputStream open() {
            return new ByteArrayInputStream(bytes);
        }

        @Override
        public long length() {
            return bytes.length;
        }
    }

    private static final class InFile extends Content {
        private final Path file;

        InFile(Path file) {
            this.file = file;
        }

        @Override
        public InputStream open() throws IOException {
            // The stream holds the content, so that a temporary file stays until it was read.
            return new FilterInputStream(Files.newInputStream(file)) {
                @SuppressWarnings("unused")
                private final Content held = InFile.this;
            };
        }

        @Override
        public long length() throws IOException {
            return Files.size(file);
        }
    }

    private static final class Once extends Content {
        private final InputStream stream;
        private final long length;
        private boolean used;

        Once(InputStream stream, long length) {
            this.stream = stream;
            this.length = length;
        }

        @Override
        public InputStream open() throws IOException {
            if (used) {
                throw new IOException("this stream was read already");
            }
            used = true;
            return stream;
        }

        @Override
        public long length() {
            return length;
        }

        @Override
        public boolean isRepeatable() {
            return false;
        }
    }
}
