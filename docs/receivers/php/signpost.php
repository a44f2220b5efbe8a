<?php

// Verifies and decrypts webhooks and return URLs of Signpost. Copy this file. It needs only PHP 8.1 or newer with its
// openssl extension. Every function returns only verified or decrypted values, and throws Refused otherwise.

declare(strict_types=1);

namespace Signpost;

/** Maximum difference between a webhook's timestamp and our clock. A return URL may be this far ahead. */
const TOLERANCE_SECONDS = 5 * 60;
/** Maximum age of a return URL: people may stay on the result page for a while. */
const MAX_AGE_SECONDS = 60 * 60;

/** The input is not authentic, or is malformed. */
final class Refused extends \RuntimeException
{
}

/**
 * Verifies a webhook and returns its `webhook-id`. Process each id once.
 *
 * @param string[] $secrets the endpoint's signing secrets, `whsec_…`: one, or both during a rotation
 * @param array $server PHP's `$_SERVER`, which contains the headers
 * @param string $body the raw bytes: `file_get_contents('php://input')`
 */
function verifyWebhook(array $secrets, array $server, string $body, ?int $now = null): string
{
    $keys = array_map(secretBytes(...), $secrets);
    $id = $server['HTTP_WEBHOOK_ID'] ?? '';
    $timestamp = $server['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    refuseUnless($id !== '' && preg_match('/\A[0-9]{1,12}\z/', $timestamp) === 1, 'headers are missing');
    $isRecent = abs(($now ?? time()) - (int) $timestamp) <= TOLERANCE_SECONDS;
    refuseUnless($isRecent, 'too old, or from the future');
    foreach ($keys as $key) {
        $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
        foreach (explode(' ', $server['HTTP_WEBHOOK_SIGNATURE'] ?? '') as $signature) {
            if (hash_equals($expected, $signature)) {
                return $id;
            }
        }
    }
    throw new Refused('no signature fits');
}

/**
 * Compares an event with the last one that you applied to the same submission. Returns 'new' if the event is newer: apply
 * it, and store its `sequence` as `$last`. Returns 'seen' for the last one itself, and 'older' for an earlier one: ignore
 * both. An event without a `sequence` has no order and is 'new': leave `$last` as it is.
 *
 * @param ?int $last the stored `sequence` of the submission, or null if there is none yet
 * @param array $event the decoded body of a webhook, or an item of the feed
 */
function apply(?int $last, array $event): string
{
    $sequence = $event['sequence'] ?? null;
    return match (true) {
        $sequence === null, $last === null, $sequence > $last => 'new',
        $sequence === $last => 'seen',
        default => 'older',
    };
}

/**
 * Decrypts the body of a webhook that `verifyWebhook` accepted, and returns its JSON.
 *
 * @param array<string, string> $secretKeys the project's `secretKey`s by id, `[key id => secretKey]`
 * @param string $encryption the endpoint's setting: `aes-256-gcm` or `aes-256-ecb`
 */
function decryptBody(array $secretKeys, string $encryption, string $body): string
{
    $object = json_decode($body, true);
    return decrypt($secretKeys, $encryption, is_array($object) ? $object['data'] ?? null : null);
}

/**
 * Verifies the query of a return URL and returns its parameters. Accept each `nonce` once.
 *
 * @param string $query everything after the first `?`, unchanged: `$_SERVER['QUERY_STRING']`
 */
function verifyReturnUrl(array $secretKeys, string $query, ?int $now = null): array
{
    $at = strrpos($query, '&sig=');
    refuseUnless($at !== false, 'there is no signature');
    [$signed, $signature] = [substr($query, 0, $at), substr($query, $at + strlen('&sig='))];
    $fits = false;
    foreach ($secretKeys as $secretKey) {
        $digest = base64_encode(hash_hmac('sha256', $signed, keyBytes($secretKey), true));
        $fits = hash_equals('v1,' . rtrim(strtr($digest, '+/', '-_'), '='), $signature) || $fits;
    }
    refuseUnless($fits, 'the signature does not fit');
    $parameters = parse($signed);
    $isTime = preg_match('/\A[0-9]{1,12}\z/', $parameters['ts'] ?? '') === 1;
    refuseUnless($isTime && ($parameters['nonce'] ?? '') !== '', 'ts or nonce is missing');
    $age = ($now ?? time()) - (int) $parameters['ts'];
    refuseUnless(-TOLERANCE_SECONDS <= $age && $age <= MAX_AGE_SECONDS, 'too old, or from the future');
    return $parameters;
}

/**
 * Decrypts the query of a return URL and returns the JSON of its fields. If your URLs are signed, call
 * `verifyReturnUrl` first.
 */
function decryptReturnUrl(array $secretKeys, string $encryption, string $query): string
{
    $parameters = parse($query);
    if ($encryption !== 'aes-256-ecb') {
        $secretKeys = array_intersect_key($secretKeys, [$parameters['kid'] ?? '' => true]);
    }
    return decrypt($secretKeys, $encryption, $parameters['encrypted'] ?? null);
}

function decrypt(array $secretKeys, string $encryption, mixed $data): string
{
    $bytes = base64($data);
    foreach ($secretKeys as $secretKey) {
        $key = keyBytes($secretKey);
        $text = match (true) {
            $encryption === 'aes-256-ecb' => openssl_decrypt($bytes, $encryption, $key, OPENSSL_RAW_DATA),
            strlen($bytes) < 28 => false,
            default => openssl_decrypt(
                substr($bytes, 12, -16), 'aes-256-gcm', $key, OPENSSL_RAW_DATA, substr($bytes, 0, 12), substr($bytes, -16)
            ),
        };
        // ECB has no tag: under a wrong key the padding can look valid by chance, but the result is not a JSON object.
        $isUtf8 = is_string($text) && preg_match('//u', $text) === 1;
        if ($isUtf8 && str_starts_with($text, '{') && str_ends_with($text, '}')) {
            return $text;
        }
    }
    throw new Refused('no key decrypts it');
}

function secretBytes(string $secret): string
{
    $key = str_starts_with($secret, 'whsec_') ? base64(substr($secret, 6)) : '';
    refuseUnless(strlen($key) >= 24, 'the signing secret is not whsec_ and base64');
    return $key;
}

function keyBytes(string $secretKey): string
{
    refuseUnless(preg_match('/\A[0-9A-Za-z]{32}\z/', $secretKey) === 1, 'a secretKey is not 32 letters and digits');
    return $secretKey;
}

function base64(mixed $text): string
{
    $bytes = is_string($text) && strlen($text) % 4 === 0 ? base64_decode($text, true) : false;
    refuseUnless($bytes !== false, 'base64 is damaged');
    return $bytes;
}

/** Replaces `parse_str`, which renames parameters and keeps only the last of repeated ones. */
function parse(string $query): array
{
    $parameters = [];
    foreach (preg_split('/&/', $query, -1, PREG_SPLIT_NO_EMPTY) as $pair) {
        [$name, $value] = array_map('urldecode', explode('=', $pair, 2) + [1 => '']);
        refuseUnless(!array_key_exists($name, $parameters), 'a parameter comes twice');
        $parameters[$name] = $value;
    }
    return $parameters;
}

function refuseUnless(bool $condition, string $message): void
{
    if (!$condition) {
        throw new Refused($message);
    }
}
