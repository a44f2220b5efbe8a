// Runs all cases on the Node.js receiver. Prints one line for each: its name and its result.
import { readFileSync } from 'node:fs';
import { Refused, decryptBody, decryptReturnUrl, verifyReturnUrl, verifyWebhook } from '../../../docs/receivers/node/signpost.mjs';

const keysOf = (text) => Object.fromEntries(text.split(' ').filter(Boolean).map((key) => key.split('=')));
const sorted = (parameters) => Object.entries(parameters).map((pair) => pair.join('=')).sort().join('; ');
const calls = {
  'verify-webhook': (secret, now, id, timestamp, signature, body) =>
    verifyWebhook(
      secret,
      { 'webhook-id': id || undefined, 'webhook-timestamp': timestamp || undefined, 'webhook-signature': signature || undefined },
      Buffer.from(body),
      Number(now),
    ),
  'decrypt-body': (keys, encryption, body) => decryptBody(keysOf(keys), encryption, Buffer.from(body)),
  'verify-return-url': (keys, now, query) => sorted(verifyReturnUrl(keysOf(keys), query, Number(now))),
  'decrypt-return-url': (keys, encryption, query) => decryptReturnUrl(keysOf(keys), encryption, query),
};

for (const line of readFileSync(process.argv[2], 'utf8').split('\n').filter((line) => line && !line.startsWith('#'))) {
  const [name, call, , ...given] = line.split('\t');
  try {
    console.log(`${name}\tok\t${Buffer.from(calls[call](...given)).toString('base64')}`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    console.log(`${name}\trefused`);
  }
}
