package seccommerce.secpki.api;

/**
 * Why there is no result. {@link #getStatus()} is the number of the archive interface where one fits (for instance -25: no
 * permission to sign), otherwise one of the server's own below -1000 (-1001: busy).
 */
public class SecPKIApiException extends Exception {
    private static final long serialVersionUID = 1L;

    /** The server was not reached, or its answer did not arrive or was no answer. */
    public static final int COMMUNICATION_ERROR = -16;

    /** The server is full; try again later. {@link SecPKIApi} has done so already as often as it was told to. */
    public static final int BUSY = -1001;

    private final int status;
    private final String code;
    private final String correlationId;
    private final boolean retryable;
    private final int retryAfterSeconds;

    SecPKIApiException(
            int status, String code, String message, String correlationId, boolean retryable, int retryAfterSeconds) {
        super(message);
        this.status = status;
        this.code = code;
        this.correlationId = correlationId;
        this.retryable = retryable;
        this.retryAfterSeconds = retryAfterSeconds;
    }

    SecPKIApiException(String message, Throwable cause) {
        super(message, cause);
        this.status = COMMUNICATION_ERROR;
        this.code = "communication";
        this.correlationId = null;
        this.retryable = true;
        this.retryAfterSeconds = 0;
    }

    /** The status number; never 0. */
    public int getStatus() {
        return status;
    }

    /** The reason as a word for programs, for instance {@code no-permission}. */
    public String getCode() {
        return code;
    }

    /** Names this call in the server's log, or null. */
    public String getCorrelationId() {
        return correlationId;
    }

    /** Whether the same request may succeed later. */
    public boolean isRetryable() {
        return retryable;
    }

    /** After how many seconds it is worth asking again; 0 if the server did not say. */
    public int getRetryAfterSeconds() {
        return retryAfterSeconds;
    }
}
