import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Runs all cases on the Java receiver. Prints one line for each: its name and its result. */
final class Driver {
    public static void main(String[] arguments) throws Exception {
        for (String line : Files.readAllLines(Path.of(arguments[0]))) {
            if (line.isEmpty() || line.startsWith("#")) {
                continue;
            }
            String[] fields = line.split("\t", -1);
            try {
                byte[] said = call(fields).getBytes(StandardCharsets.UTF_8);
                System.out.println(fields[0] + "\tok\t" + Base64.getEncoder().encodeToString(said));
            } catch (GeneralSecurityException e) {
                System.out.println(fields[0] + "\trefused");
            }
        }
    }

    private static String call(String[] given) throws Exception {
        switch (given[1]) {
            case "verify-webhook":
                return verify(given[3], given[4], Arrays.asList(given).subList(5, 9));
            case "decrypt-body":
                return Signpost.decryptBody(keysOf(given[3]), given[4], bytes(given[5]));
            case "verify-return-url":
                return new TreeMap<>(Signpost.verifyReturnUrl(keysOf(given[3]), given[5], at(given[4])))
                        .entrySet().stream().map(Object::toString).collect(Collectors.joining("; "));
            case "decrypt-return-url":
                return Signpost.decryptReturnUrl(keysOf(given[3]), given[4], given[5]);
            case "apply":
                return Signpost.apply(number(given[3]), number(given[4]));
            case "keep":
                return keep(given[3]);
            case "receive":
                return new Receiver(given).receive();
            default:
                throw new IllegalStateException(given[1]);
        }
    }

    /** Verifies a request: webhook-id, webhook-timestamp, webhook-signature and body. */
    private static String verify(String secrets, String now, List<String> request) throws GeneralSecurityException {
        Map<String, String> headers = new HashMap<>();
        headers.put("webhook-id", request.get(0));
        headers.put("webhook-timestamp", request.get(1));
        headers.put("webhook-signature", request.get(2));
        headers.values().removeIf(String::isEmpty);
        List<String> all = Arrays.stream(secrets.split(" ")).filter(secret -> !secret.isEmpty()).collect(Collectors.toList());
        return Signpost.verifyWebhook(all, headers::get, bytes(request.get(3)), at(now));
    }

    private static String keep(String id) throws Exception {
        Path folder = Files.createTempDirectory("receiver-");
        try {
            return new Inbox(folder).keep(id, bytes("{}")) ? "kept" : "seen";
        } catch (IllegalArgumentException e) {
            throw new GeneralSecurityException(e);
        } finally {
            remove(folder);
        }
    }

    private static void remove(Path folder) throws Exception {
        for (Object file : Files.list(folder).toArray()) {
            Files.delete((Path) file);
        }
        Files.delete(folder);
    }

    /** A receiver that verifies, keeps, and works later. */
    private static final class Receiver {
        private static final Pattern SEQUENCE = Pattern.compile("\"sequence\":([0-9]+)");

        private final String[] given;
        private Long last;

        Receiver(String[] given) {
            this.given = given;
        }

        String receive() throws Exception {
            Path folder = Files.createTempDirectory("receiver-");
            Inbox inbox = new Inbox(folder);
            List<String> said = new ArrayList<>();
            for (int at = 7; at < given.length; at += 5) {
                List<String> request = Arrays.asList(given).subList(at, at + 5);
                StringBuilder happened = new StringBuilder(keep(inbox, request));
                try {
                    inbox.work((id, body) -> happened.append(" " + handle(body, request.get(4))));
                } catch (WorkFails e) {
                    happened.append(" failed");
                }
                said.add(happened.toString());
            }
            remove(folder);
            return String.join(", ", said);
        }

        private String keep(Inbox inbox, List<String> request) throws Exception {
            try {
                verify(given[3], given[4], request);
                return inbox.keep(request.get(0), bytes(request.get(3))) ? "kept" : "seen";
            } catch (GeneralSecurityException e) {
                return "refused";
            }
        }

        private String handle(byte[] body, String works) throws Exception {
            if (works.equals("no")) {
                throw new WorkFails();
            }
            String text = new String(body, StandardCharsets.UTF_8);
            Matcher found = SEQUENCE.matcher(
                    given[6].isEmpty() ? text : Signpost.decryptBody(keysOf(given[5]), given[6], body));
            Long sequence = found.find() ? Long.valueOf(found.group(1)) : null;
            String outcome = Signpost.apply(last, sequence);
            last = outcome.equals("new") && sequence != null ? sequence : last;
            return outcome;
        }
    }

    private static final class WorkFails extends Exception {
        private static final long serialVersionUID = 1L;
    }

    private static Map<String, String> keysOf(String text) {
        Map<String, String> keys = new HashMap<>();
        for (String key : text.split(" ")) {
            if (!key.isEmpty()) {
                keys.put(key.split("=")[0], key.split("=", 2)[1]);
            }
        }
        return keys;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static Long number(String text) {
        return text.isEmpty() ? null : Long.valueOf(text);
    }

    private static Instant at(String now) {
        return Instant.ofEpochSecond(Long.parseLong(now));
    }
}
