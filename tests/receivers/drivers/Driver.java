import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
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

    private static String call(String[] given) throws GeneralSecurityException {
        switch (given[1]) {
            case "verify-webhook":
                Map<String, String> headers = new HashMap<>();
                headers.put("webhook-id", given[5]);
                headers.put("webhook-timestamp", given[6]);
                headers.put("webhook-signature", given[7]);
                headers.values().removeIf(String::isEmpty);
                return Signpost.verifyWebhook(given[3], headers::get, bytes(given[8]), at(given[4]));
            case "decrypt-body":
                return Signpost.decryptBody(keysOf(given[3]), given[4], bytes(given[5]));
            case "verify-return-url":
                return new TreeMap<>(Signpost.verifyReturnUrl(keysOf(given[3]), given[5], at(given[4])))
                        .entrySet().stream().map(Object::toString).collect(Collectors.joining("; "));
            case "decrypt-return-url":
                return Signpost.decryptReturnUrl(keysOf(given[3]), given[4], given[5]);
            default:
                throw new IllegalStateException(given[1]);
        }
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

    private static Instant at(String now) {
        return Instant.ofEpochSecond(Long.parseLong(now));
    }
}
