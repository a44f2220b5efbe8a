<?php

// Runs all cases on the PHP receiver. Prints one line for each: its name and its result.

declare(strict_types=1);

require __DIR__ . '/../../../docs/receivers/php/inbox.php';
require __DIR__ . '/../../../docs/receivers/php/signpost.php';

set_error_handler(function (int $level, string $message): bool {
    // `@` clears the bit of the level.
    return (error_reporting() & $level) === 0 ? true : throw new ErrorException($message, 0, $level);
});

function keysOf(string $text): array
{
    $keys = [];
    foreach (preg_split('/ /', $text, -1, PREG_SPLIT_NO_EMPTY) as $key) {
        [$kid, $secretKey] = explode('=', $key);
        $keys[$kid] = $secretKey;
    }
    return $keys;
}

function sorted(array $parameters): string
{
    $lines = array_map(fn ($name, $value) => "$name=$value", array_keys($parameters), $parameters);
    sort($lines, SORT_STRING);
    return implode('; ', $lines);
}

function call(string $call, array $given): string
{
    switch ($call) {
        case 'verify-webhook':
            [$secrets, $now, $id, $timestamp, $signature, $body] = $given;
            $headers = ['HTTP_WEBHOOK_ID' => $id, 'HTTP_WEBHOOK_TIMESTAMP' => $timestamp, 'HTTP_WEBHOOK_SIGNATURE' => $signature];
            $secrets = array_filter(explode(' ', $secrets), fn ($secret) => $secret !== '');
            return Signpost\verifyWebhook($secrets, array_filter($headers, fn ($value) => $value !== ''), $body, (int) $now);
        case 'decrypt-body':
            return Signpost\decryptBody(keysOf($given[0]), $given[1], $given[2]);
        case 'verify-return-url':
            return sorted(Signpost\verifyReturnUrl(keysOf($given[0]), $given[2], (int) $given[1]));
        case 'decrypt-return-url':
            return Signpost\decryptReturnUrl(keysOf($given[0]), $given[1], $given[2]);
        case 'apply':
            [$last, $sequence] = $given;
            return Signpost\apply($last === '' ? null : (int) $last, $sequence === '' ? [] : ['sequence' => (int) $sequence]);
        case 'keep':
            return keep($given[0]);
        case 'receive':
            return receive(...$given);
    }
}

function keep(string $id): string
{
    $folder = sys_get_temp_dir() . '/receiver-' . bin2hex(random_bytes(8));
    mkdir($folder);
    try {
        return Signpost\keep($folder, $id, '{}') ? 'kept' : 'seen';
    } catch (InvalidArgumentException $error) {
        throw new Signpost\Refused($error->getMessage());
    } finally {
        array_map(unlink(...), glob("$folder/*"));
        rmdir($folder);
    }
}

final class WorkFails extends Exception
{
}

function receive(string $secrets, string $now, string $keys, string $encryption, string ...$requests): string
{
    $folder = sys_get_temp_dir() . '/receiver-' . bin2hex(random_bytes(8));
    mkdir($folder);
    [$said, $last] = [[], null];
    foreach (array_chunk($requests, 5) as [$id, $timestamp, $signature, $body, $works]) {
        try {
            call('verify-webhook', [$secrets, $now, $id, $timestamp, $signature, $body]);
            $happened = [Signpost\keep($folder, $id, $body) ? 'kept' : 'seen'];
        } catch (Signpost\Refused) {
            $happened = ['refused'];
        }
        try {
            Signpost\work($folder, function ($_, $kept) use ($works, $keys, $encryption, &$last, &$happened) {
                if ($works === 'no') {
                    throw new WorkFails();
                }
                $text = $encryption === '' ? $kept : Signpost\decryptBody(keysOf($keys), $encryption, $kept);
                $event = json_decode($text, true);
                $happened[] = $outcome = Signpost\apply($last, $event);
                $last = $outcome === 'new' ? $event['sequence'] ?? $last : $last;
            });
        } catch (WorkFails) {
            $happened[] = 'failed';
        }
        $said[] = implode(' ', $happened);
    }
    array_map(unlink(...), glob("$folder/*"));
    rmdir($folder);
    return implode(', ', $said);
}

foreach (explode("\n", file_get_contents($argv[1])) as $line) {
    if ($line === '' || $line[0] === '#') {
        continue;
    }
    [$name, $call] = $fields = explode("\t", $line);
    try {
        $said = base64_encode(call($call, array_slice($fields, 3)));
        echo "$name\tok\t$said\n";
    } catch (Signpost\Refused) {
        echo "$name\trefused\n";
    }
}
