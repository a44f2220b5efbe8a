import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A server that receives webhooks of Signpost. Copy this file, Signpost.java and Inbox.java. It needs only Java 11 or newer.
 * README.md says how to run it.
 */
public final class Server {
    private static final List<String> SIGNING_SECRETS = List.of(System.getenv("SIGNING_SECRETS").split(" "));
    private static final String ENCRYPTION = System.getenv().getOrDefault("ENCRYPTION", "");
    private static final Map<String, String> SECRET_KEYS = new HashMap<>();
    private static final Path INBOX = Path.of("inbox");
    private static final Path SUBMISSIONS = Path.of("submissions");

    private static final Inbox inbox = new Inbox(INBOX);
    private static final Semaphore arrived = new Semaphore(0);

    private Server() {}

    public static void main(String[] arguments) throws Exception {
        for (String key : System.getenv().getOrDefault("SECRET_KEYS", "").split(" ")) {
            if (key.contains("=")) {
                SECRET_KEYS.put(key.split("=")[0], key.split("=")[1]);
            }
        }
        Files.createDirectories(INBOX);
        Files.createDirectories(SUBMISSIONS);
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "3000"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.createContext("/", Server::receive);
        server.start();
        System.out.println("listening on http://127.0.0.1:" + server.getAddress().getPort());
        workLater();
    }

    private static void receive(HttpExchange exchange) throws IOException {
        int status = 204;
        try {
            byte[] body = exchange.getRequestBody().readAllBytes();
            // 1. Verify the raw bytes. While a secret is rotated, there are several.
            String id = Signpost.verifyWebhook(SIGNING_SECRETS, exchange.getRequestHeaders()::getFirst, body, Instant.now());
            // 3. Drop webhooks that were seen: keep stores each id once. A test is only answered.
            boolean isTest = "true".equals(exchange.getRequestHeaders().getFirst("webhook-test"));
            if (!isTest && inbox.keep(id, body)) {
                arrived.release();
            }
        } catch (Exception e) {
            System.err.println("not accepted: " + e.getMessage());
            // After either status, Signpost sends the webhook again.
            status = e instanceof GeneralSecurityException ? 400 : 500;
        }
        // 5. Answer at once. The webhook is stored, so the work can wait.
        exchange.sendResponseHeaders(status, -1);
        exchange.close();
    }

    /** Handles a stored webhook. If it fails, the webhook stays in the inbox, and is handled again later. */
    private static void handle(String id, byte[] body) throws Exception {
        // 2. Decrypt the body, if the endpoint has an encryption.
        boolean isEncrypted = !ENCRYPTION.isEmpty();
        String event = isEncrypted ? Signpost.decryptBody(SECRET_KEYS, ENCRYPTION, body) : new String(body, StandardCharsets.UTF_8);
        String submission = member(event, "submissionId");
        Long last = lastSequence(submission);
        String number = member(event, "sequence");
        Long sequence = number == null ? null : Long.valueOf(number);
        // 4. Ignore an event that is older than the last one of its submission.
        String outcome = Signpost.apply(last, sequence);
        if (outcome.equals("new")) {
            update(submission, member(event, "type"), sequence == null ? last : sequence);
        }
        System.out.println(outcome + " " + member(event, "type") + " " + id);
    }

    /**
     * Returns a member of an event outside of its data, or null. Java has no JSON parser: use that of your framework. This
     * works because Signpost sends compact JSON, and the data last.
     */
    private static String member(String event, String name) {
        String head = event.split(",\"data\":", 2)[0];
        Matcher found = Pattern.compile("\"" + name + "\":(?:([0-9]+)|\"((?:[^\"\\\\]|\\\\.)*)\")").matcher(head);
        return !found.find() ? null : found.group(1) != null ? found.group(1) : found.group(2);
    }

    // Replace these three methods by a table of your database. A file has the sequence and the status of a submission.

    private static Long lastSequence(String submission) throws Exception {
        if (submission == null || Files.notExists(fileOf(submission))) {
            return null;
        }
        String sequence = Files.readString(fileOf(submission)).split(" ")[0];
        return sequence.equals("null") ? null : Long.valueOf(sequence);
    }

    /** Stores the status and the sequence together, so that a crash cannot separate them. */
    private static void update(String submission, String status, Long sequence) throws Exception {
        if (submission == null) {
            return;
        }
        Path file = fileOf(submission);
        Path draft = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(draft, sequence + " " + status + " " + submission);
        Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Ids of submissions can have characters that names of files cannot have. */
    private static Path fileOf(String submission) throws GeneralSecurityException {
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(submission.getBytes(StandardCharsets.UTF_8));
        return SUBMISSIONS.resolve(Base64.getUrlEncoder().withoutPadding().encodeToString(hash));
    }

    /** 5. Works when the server starts, after each webhook, and every ten seconds in case the work failed. */
    private static void workLater() throws InterruptedException {
        while (true) {
            arrived.drainPermits();
            try {
                inbox.work(Server::handle);
            } catch (Exception e) {
                System.err.println("work failed: " + e.getMessage());
            }
            arrived.tryAcquire(10, TimeUnit.SECONDS);
        }
    }
}
