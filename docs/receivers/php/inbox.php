<?php

// Keeps verified webhooks in a folder, each id once, so that your server answers first and works later. Copy this file. It
// needs only PHP 8.1 or newer. ../README.md shows the same with a table of a database, for several servers.

declare(strict_types=1);

namespace Signpost;

/** Signpost sends a webhook again for up to a week, so the ids of processed ones stay that long. */
const REMEMBERED_SECONDS = 7 * 24 * 60 * 60;

/**
 * Keeps a webhook that `verifyWebhook` accepted. When it returns, answer the request with 204. Returns false if the id is
 * known: there is nothing to do.
 */
function keep(string $folder, string $id, string $body): bool
{
    if (preg_match('/\A[0-9A-Za-z_-]{1,64}\z/', $id) !== 1) {
        throw new \InvalidArgumentException('the id cannot be the name of a file');
    }
    $draft = "$folder/.$id." . bin2hex(random_bytes(16));
    try {
        $file = fopen($draft, 'xb');
        if ($file === false || fwrite($file, $body) !== strlen($body) || !fsync($file) || !fclose($file)) {
            throw new \RuntimeException('the webhook cannot be kept');
        }
        // A link appears with the whole content, and fails if the id is known, even from two requests at once.
        if (@link($draft, "$folder/$id")) {
            return true;
        }
        clearstatcache();
        return file_exists("$folder/$id") ? false : throw new \RuntimeException('the webhook cannot be kept');
    } finally {
        if (file_exists($draft)) {
            unlink($draft);
        }
    }
}

/**
 * Calls `$handle($id, $body)` for each kept webhook. If it fails, the webhook stays for the next call: after a crash,
 * `$handle` can get a webhook again. Run one worker at a time.
 *
 * @param callable(string, string): void $handle
 */
function work(string $folder, callable $handle): void
{
    clearstatcache();
    foreach (scandir($folder) as $name) { // Sorted by name.
        if ($name[0] === '.') {
            continue;
        }
        $body = file_get_contents("$folder/$name");
        if ($body === false) {
            throw new \RuntimeException('a kept webhook cannot be read');
        } elseif ($body !== '') {
            $handle($name, $body);
            file_put_contents("$folder/$name", ''); // The empty file remembers the id.
        } elseif (time() - filemtime("$folder/$name") > REMEMBERED_SECONDS) {
            unlink("$folder/$name");
        }
    }
}
