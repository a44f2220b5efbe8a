<?php

// A server that receives webhooks of Signpost. Copy this file, signpost.php and inbox.php. It needs only PHP 8.1 or newer with
// its openssl extension. A web server runs it for each webhook, and the process `php server.php` handles what is stored.
// README.md says how to run both.

declare(strict_types=1);

require __DIR__ . '/inbox.php';
require __DIR__ . '/signpost.php';

// A folder that the web server does not publish.
$folder = getenv('FOLDER') ?: throw new RuntimeException('FOLDER is not set');
foreach (["$folder/inbox", "$folder/submissions"] as $path) {
    is_dir($path) || @mkdir($path, 0o700, true) || is_dir($path) || throw new RuntimeException("$path cannot be created");
}

if (PHP_SAPI === 'cli') {
    workLater($folder);
} else {
    http_response_code(receive($folder));
}

/** Receives a webhook, and returns the status of the answer. */
function receive(string $folder): int
{
    $body = file_get_contents('php://input');
    try {
        // 1. Verify the raw bytes. While a secret is rotated, there are several.
        $id = Signpost\verifyWebhook(explode(' ', getenv('SIGNING_SECRETS')), $_SERVER, $body);
        // 3. Drop webhooks that were seen: `keep` stores each id once. A test is only answered.
        if (($_SERVER['HTTP_WEBHOOK_TEST'] ?? '') !== 'true') {
            Signpost\keep("$folder/inbox", $id, $body);
        }
        // 5. Answer at once. The webhook is stored, so the work can wait.
        return 204;
    } catch (Throwable $error) {
        error_log('not accepted: ' . $error->getMessage());
        // After either status, Signpost sends the webhook again.
        return $error instanceof Signpost\Refused ? 400 : 500;
    }
}

/** Handles a stored webhook. If it fails, the webhook stays in the inbox, and is handled again later. */
function handle(string $folder, string $id, string $body): void
{
    // 2. Decrypt the body, if the endpoint has an encryption.
    $encryption = getenv('ENCRYPTION') ?: '';
    $event = json_decode($encryption === '' ? $body : Signpost\decryptBody(secretKeys(), $encryption, $body), true);
    $submission = $event['submissionId'] ?? null;
    $last = lastSequence($folder, $submission);
    // 4. Ignore an event that is older than the last one of its submission.
    $outcome = Signpost\apply($last, $event);
    if ($outcome === 'new') {
        update($folder, $submission, $event['type'], $event['sequence'] ?? $last);
    }
    echo "$outcome {$event['type']} $id\n";
}

/** @return array<string, string> the `secretKey`s by id */
function secretKeys(): array
{
    parse_str(strtr(getenv('SECRET_KEYS') ?: '', ' ', '&'), $keys);
    return $keys;
}

// Replace these three functions by a table of your database. A file has the status and the `sequence` of a submission.

function lastSequence(string $folder, ?string $submission): ?int
{
    if ($submission === null || !file_exists(fileOf($folder, $submission))) {
        return null;
    }
    return json_decode(file_get_contents(fileOf($folder, $submission)), true)['sequence'];
}

/** Stores the status and the `sequence` together, so that a crash cannot separate them. */
function update(string $folder, ?string $submission, string $status, ?int $sequence): void
{
    if ($submission === null) {
        return;
    }
    $file = fileOf($folder, $submission);
    $content = json_encode(['submission' => $submission, 'status' => $status, 'sequence' => $sequence], JSON_THROW_ON_ERROR);
    if (file_put_contents("$file.new", $content) === false || !rename("$file.new", $file)) {
        throw new RuntimeException("$file cannot be written");
    }
}

/** Ids of submissions can have characters that names of files cannot have. */
function fileOf(string $folder, string $submission): string
{
    return "$folder/submissions/" . hash('sha256', $submission);
}

/** 5. Works every second, in a process of its own. */
function workLater(string $folder): never
{
    for (;;) {
        try {
            Signpost\work("$folder/inbox", fn (string $id, string $body) => handle($folder, $id, $body));
        } catch (Throwable $error) {
            error_log('work failed: ' . $error->getMessage());
        }
        sleep(1);
    }
}
