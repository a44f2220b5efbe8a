import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Keeps verified webhooks in a folder, each id once, so that your server answers first and works later. Copy this file. It
 * needs only Java 11 or newer. ../README.md shows the same with a table of a database, for several servers.
 */
public final class Inbox {
    /** Signpost sends a webhook again for up to a week, so the ids of processed ones stay that long. */
    private static final Duration REMEMBERED = Duration.ofDays(7);

    private final Path folder;

    public Inbox(Path folder) {
        this.folder = folder;
    }

    /** What to do with a webhook. */
    public interface Handler {
        void handle(String id, byte[] body) throws Exception;
    }

    /**
     * Keeps a webhook that verifyWebhook accepted. When it returns, answer the request with 204. Returns false if the id is
     * known: there is nothing to do.
     */
    public boolean keep(String id, byte[] body) throws IOException {
        if (!id.matches("[0-9A-Za-z_-]{1,64}")) {
            throw new IllegalArgumentException("the id cannot be the name of a file");
        }
        Path draft = folder.resolve("." + id + "." + UUID.randomUUID());
        try {
            try (FileChannel file = FileChannel.open(draft, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                ByteBuffer rest = ByteBuffer.wrap(body);
                while (rest.hasRemaining()) {
                    file.write(rest);
                }
                file.force(true);
            }
            // A link appears with the whole content, and fails if the id is known, even from two requests at once.
            Files.createLink(folder.resolve(id), draft);
            return true;
        } catch (FileAlreadyExistsException e) {
            return false;
        } finally {
            Files.deleteIfExists(draft);
        }
    }

    /**
     * Calls the handler for each kept webhook. If it fails, the webhook stays for the next call: after a crash, the handler
     * can get a webhook again. Run one worker at a time.
     */
    public void work(Handler handler) throws Exception {
        List<Path> files;
        try (Stream<Path> listed = Files.list(folder)) {
            files = listed.filter(file -> !file.getFileName().toString().startsWith(".")).sorted().collect(Collectors.toList());
        }
        for (Path file : files) {
            byte[] body = Files.readAllBytes(file);
            if (body.length > 0) {
                handler.handle(file.getFileName().toString(), body);
                // The empty file remembers the id.
                FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING).close();
            } else if (Files.getLastModifiedTime(file).toInstant().isBefore(Instant.now().minus(REMEMBERED))) {
                Files.delete(file);
            }
        }
    }
}
