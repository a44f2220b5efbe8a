<?php

// Runs all cases on the PHP receiver. Prints one line for each: its name and its result.

declare(strict_types=1);

require __DIR__ . '/../../../docs/receivers/php/signpost.php';

set_error_handler(function (int $level, string $message): never {
    throw new ErrorException($message, 0, $level);
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
            [$secret, $now, $id, $timestamp, $signature, $body] = $given;
            $headers = ['HTTP_WEBHOOK_ID' => $id, 'HTTP_WEBHOOK_TIMESTAMP' => $timestamp, 'HTTP_WEBHOOK_SIGNATURE' => $signature];
            return Signpost\verifyWebhook($secret, array_filter($headers, fn ($value) => $value !== ''), $body, (int) $now);
        case 'decrypt-body':
            return Signpost\decryptBody(keysOf($given[0]), $given[1], $given[2]);
        case 'verify-return-url':
            return sorted(Signpost\verifyReturnUrl(keysOf($given[0]), $given[2], (int) $given[1]));
        case 'decrypt-return-url':
            return Signpost\decryptReturnUrl(keysOf($given[0]), $given[1], $given[2]);
    }
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
