import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import seccommerce.secpki.api.BatchDocument;
import seccommerce.secpki.api.BatchResult;
import seccommerce.secpki.api.Content;
import seccommerce.secpki.api.ReqGetBatchResult;
import seccommerce.secpki.api.ReqGetBatchState;
import seccommerce.secpki.api.ReqSubmitBatch;
import seccommerce.secpki.api.ResGetBatchResult;
import seccommerce.secpki.api.ResGetBatchState;
import seccommerce.secpki.api.SecPKIApi;
import seccommerce.secpki.api.SecPKIApiException;

/**
 * Submits every file of a folder as one batch, waits until it is signed, and writes the results beside. The batch survives
 * restarts of the server; the name of the folder keeps it from being signed twice.
 *
 * <pre>java -cp secpki-api-0.1.0.jar SignFolder.java URL USER PASSWORD PROFILE FOLDER</pre>
 */
public class SignFolder {
    public static void main(String[] arguments) throws Exception {
        SecPKIApi api = SecPKIApi.at(arguments[0]).login(arguments[1], arguments[2]).build();
        Path folder = Path.of(arguments[4]);
        try {
            sign(api, arguments[3], folder);
        } catch (SecPKIApiException error) {
            System.err.println("status " + error.getStatus() + ": " + error.getMessage());
            System.exit(1);
        }
    }

    private static void sign(SecPKIApi api, String profile, Path folder)
            throws SecPKIApiException, IOException, InterruptedException {
        ReqSubmitBatch request = new ReqSubmitBatch().setProfile(profile).setIdempotencyKey("folder " + folder.getFileName());
        for (Path file : files(folder)) {
            request.addDocuments(new BatchDocument()
                    .setDocument(Content.of(file))
                    .setDocumentName(file.getFileName().toString()));
        }
        String batch = api.submitBatch(request).getBatchId();

        ResGetBatchState state = api.getBatchState(new ReqGetBatchState().setBatchId(batch));
        while (!state.getState().equals("complete")) {
            if (state.getState().equals("cancelled")) {
                throw new IOException("somebody has cancelled the batch " + batch);
            }
            Thread.sleep(500);
            state = api.getBatchState(new ReqGetBatchState().setBatchId(batch));
        }

        for (Integer next = 0; next != null; ) {
            ResGetBatchResult page = api.getBatchResult(new ReqGetBatchResult().setBatchId(batch).setFirstIndex(next));
            for (BatchResult result : page.getResults()) {
                if (result.getStatus() == 0) {
                    result.getSignature().saveTo(folder.resolve(result.getSignatureName()));
                } else {
                    System.out.println("document " + result.getIndex() + ": " + result.getStatus() + " " + result.getReason());
                }
            }
            next = page.getNextIndex();
        }
        System.out.println(state.getSigned() + " signed, " + state.getFailed() + " failed");
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Files::isRegularFile).sorted().collect(Collectors.toList());
        }
    }
}
