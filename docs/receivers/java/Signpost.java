import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Verifies and decrypts webhooks and return URLs of Signpost. Copy this file. It needs only Java 11 or newer. Every method
 * returns only verified or decrypted values, and throws a GeneralSecurityException otherwise.
 */
public final class Signpost {
    /** Maximum difference between a webhook's timestamp and our clock. A return URL may be this far ahead. */
    private static final long TOLERANCE_SECONDS = 5 * 60;
    /** Maximum age of a return URL: people may stay on the result page for a while. */
    private static final long MAX_AGE_SECONDS = 60 * 60;

    private static final Pattern SECONDS = Pattern.compile("[0-9]{1,12}");
    private static final Pattern ENCRYPTED_BODY = Pattern.compile("\\{\"data\":\"([0-9A-Za-z+/=]*)\"\\}");

    private Signpost() {}

    /**
     * Verifies a webhook and returns its webhook-id. Process each id once.
     *
     * @param secrets the endpoint's signing secrets, whsec_…: one, or both during a rotation
     * @param header returns the value of a header by name: {@code request::getHeader}
     * @param body the raw bytes, before any parsing
     */
    public static String verifyWebhook(List<String> secrets, UnaryOperator<String> header, byte[] body, Instant now)
            throws GeneralSecurityException {
        List<byte[]> keys = new ArrayList<>();
        for (String secret : secrets) {
            keys.add(secretBytes(secret));
        }
        String id = orEmpty(header.apply("webhook-id"));
        String timestamp = orEmpty(header.apply("webhook-timestamp"));
        refuseUnless(!id.isEmpty() && SECONDS.matcher(timestamp).matches(), "headers are missing");
        long age = now.getEpochSecond() - Long.parseLong(timestamp);
        refuseUnless(Math.abs(age) <= TOLERANCE_SECONDS, "too old, or from the future");
        for (byte[] key : keys) {
            String expected = "v1," + Base64.getEncoder().encodeToString(mac(key, utf8(id + "." + timestamp + "."), body));
            for (String signature : orEmpty(header.apply("webhook-signature")).split(" ")) {
                if (isEqual(signature, expected)) {
                    return id;
                }
            }
        }
        throw new GeneralSecurityException("no signature fits");
    }

    /**
     * Compares an event with the last one that you applied to the same submission. Returns "new" if the event is newer: apply
     * it, and store its sequence as last. Returns "seen" for the last one itself, and "older" for an earlier one: ignore both.
     * An event without a sequence has no order and is "new": leave last as it is.
     *
     * @param last the stored sequence of the submission, or null if there is none yet
     * @param sequence the sequence in the body of the webhook or the item of the feed, or null if it has none
     */
    public static String apply(Long last, Long sequence) {
        if (last == null || sequence == null || sequence > last) {
            return "new";
        }
        return sequence.equals(last) ? "seen" : "older";
    }

    /**
     * Decrypts the body of a webhook that verifyWebhook accepted, and returns its JSON.
     *
     * @param secretKeys the project's secretKeys by id
     * @param encryption the endpoint's setting: aes-256-gcm or aes-256-ecb
     */
    public static String decryptBody(Map<String, String> secretKeys, String encryption, byte[] body)
            throws GeneralSecurityException {
        Matcher matcher = ENCRYPTED_BODY.matcher(new String(body, StandardCharsets.UTF_8));
        refuseUnless(matcher.matches(), "the body has no data");
        return decrypt(secretKeys.values(), encryption, matcher.group(1));
    }

    /**
     * Verifies the query of a return URL and returns its parameters. Accept each nonce once.
     *
     * @param query everything after the first question mark, unchanged: {@code request.getQueryString()}
     */
    public static Map<String, String> verifyReturnUrl(Map<String, String> secretKeys, String query, Instant now)
            throws GeneralSecurityException {
        int at = query.lastIndexOf("&sig=");
        refuseUnless(at >= 0, "there is no signature");
        String signed = query.substring(0, at);
        String signature = query.substring(at + "&sig=".length());
        boolean fits = false;
        for (String secretKey : secretKeys.values()) {
            byte[] digest = mac(keyBytes(secretKey), utf8(signed));
            fits |= isEqual(signature, "v1," + Base64.getUrlEncoder().withoutPadding().encodeToString(digest));
        }
        refuseUnless(fits, "the signature does not fit");
        Map<String, String> parameters = parse(signed);
        String timestamp = parameters.getOrDefault("ts", "");
        boolean isWhole = SECONDS.matcher(timestamp).matches() && !parameters.getOrDefault("nonce", "").isEmpty();
        refuseUnless(isWhole, "ts or nonce is missing");
        long age = now.getEpochSecond() - Long.parseLong(timestamp);
        refuseUnless(-TOLERANCE_SECONDS <= age && age <= MAX_AGE_SECONDS, "too old, or from the future");
        return parameters;
    }

    /**
     * Decrypts the query of a return URL and returns the JSON of its fields. If your URLs are signed, call
     * verifyReturnUrl first.
     */
    public static String decryptReturnUrl(Map<String, String> secretKeys, String encryption, String query)
            throws GeneralSecurityException {
        Map<String, String> parameters = parse(query);
        Collection<String> candidates = secretKeys.values();
        if (!encryption.equals("aes-256-ecb")) {
            String secretKey = secretKeys.get(parameters.getOrDefault("kid", ""));
            refuseUnless(secretKey != null, "the key is not known");
            candidates = List.of(secretKey);
        }
        return decrypt(candidates, encryption, parameters.getOrDefault("encrypted", ""));
    }

    private static String decrypt(Collection<String> secretKeys, String encryption, String data)
            throws GeneralSecurityException {
        byte[] ciphertext = base64(data);
        for (String secretKey : secretKeys) {
            try {
                SecretKeySpec key = new SecretKeySpec(keyBytes(secretKey), "AES");
                String text = StandardCharsets.UTF_8.newDecoder()
                        .decode(ByteBuffer.wrap(open(key, encryption, ciphertext))).toString();
                // ECB has no tag: under a wrong key the padding can look valid by chance, but the result is not a JSON object.
                if (text.startsWith("{") && text.endsWith("}")) {
                    return text;
                }
            } catch (GeneralSecurityException | CharacterCodingException e) {
                // Another key may have encrypted it.
            }
        }
        throw new GeneralSecurityException("no key decrypts it");
    }

    private static byte[] open(SecretKeySpec key, String encryption, byte[] ciphertext) throws GeneralSecurityException {
        if (encryption.equals("aes-256-ecb")) {
            Cipher ecb = Cipher.getInstance("AES/ECB/PKCS5Padding");
            ecb.init(Cipher.DECRYPT_MODE, key);
            return ecb.doFinal(ciphertext);
        }
        refuseUnless(ciphertext.length >= 28, "the ciphertext is too short");
        Cipher gcm = Cipher.getInstance("AES/GCM/NoPadding");
        gcm.init(Cipher.DECRYPT_MODE, key, new GCMParameterSpec(128, ciphertext, 0, 12));
        return gcm.doFinal(ciphertext, 12, ciphertext.length - 12);
    }

    private static byte[] mac(byte[] key, byte[]... parts) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        Arrays.asList(parts).forEach(mac::update);
        return mac.doFinal();
    }

    private static Map<String, String> parse(String query) throws GeneralSecurityException {
        Map<String, String> parameters = new LinkedHashMap<>();
        for (String pair : query.split("&+")) {
            String[] parts = pair.split("=", 2);
            String value = parts.length == 2 ? decode(parts[1]) : "";
            refuseUnless(parameters.put(decode(parts[0]), value) == null, "a parameter comes twice");
        }
        return parameters;
    }

    private static String decode(String text) throws GeneralSecurityException {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new GeneralSecurityException("the query is damaged", e);
        }
    }

    private static byte[] secretBytes(String secret) throws GeneralSecurityException {
        byte[] key = secret.startsWith("whsec_") ? base64(secret.substring("whsec_".length())) : new byte[0];
        refuseUnless(key.length >= 24, "the signing secret is not whsec_ and base64");
        return key;
    }

    private static byte[] keyBytes(String secretKey) throws GeneralSecurityException {
        refuseUnless(secretKey.matches("[0-9A-Za-z]{32}"), "a secretKey is not 32 letters and digits");
        return utf8(secretKey);
    }

    private static byte[] base64(String text) throws GeneralSecurityException {
        try {
            return Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            throw new GeneralSecurityException("base64 is damaged", e);
        }
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String orEmpty(String text) {
        return text == null ? "" : text;
    }

    private static boolean isEqual(String text, String expected) {
        return MessageDigest.isEqual(utf8(text), utf8(expected));
    }

    private static void refuseUnless(boolean condition, String message) throws GeneralSecurityException {
        if (!condition) {
            throw new GeneralSecurityException(message);
        }
    }
}
