// Runs all cases on the Node.js receiver. Prints one line for each: its name and its result.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keep, work } from '../../../docs/receivers/node/inbox.mjs';
import { Refused, apply, decryptBody, decryptReturnUrl, verifyReturnUrl, verifyWebhook } from '../../../docs/receivers/node/signpost.mjs';

const keysOf = (text) => Object.fromEntries(text.split(' ').filter(Boolean).map((key) => key.split('=')));
const sorted = (parameters) => Object.entries(parameters).map((pair) => pair.join('=')).sort().join('; ');
const calls = {
  'verify-webhook': (secrets, now, id, timestamp, signature, body) =>
    verifyWebhook(
      secrets.split(' ').filter(Boolean),
      { 'webhook-id': id || undefined, 'webhook-timestamp': timestamp || undefined, 'webhook-signature': signature || undefined },
      Buffer.from(body),
      Number(now),
    ),
  'decrypt-body': (keys, encryption, body) => decryptBody(keysOf(keys), encryption, Buffer.from(body)),
  'verify-return-url': (keys, now, query) => sorted(verifyReturnUrl(keysOf(keys), query, Number(now))),
  'decrypt-return-url': (keys, encryption, query) => decryptReturnUrl(keysOf(keys), encryption, query),
  apply: (last, sequence) => apply(last || null, sequence ? { sequence: Number(sequence) } : {}),
  keep: async (id) => {
    const folder = mkdtempSync(join(tmpdir(), 'receiver-'));
    try {
      return (await keep(folder, id, '{}')) ? 'kept' : 'seen';
    } catch (error) {
      throw new Refused(error.message);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  receive: async (secrets, now, keys, encryption, ...requests) => {
    const folder = mkdtempSync(join(tmpdir(), 'receiver-'));
    const said = [];
    let last = null;
    for (; requests.length > 0; requests.splice(0, 5)) {
      const [id, timestamp, signature, body, works] = requests;
      const happened = [];
      try {
        calls['verify-webhook'](secrets, now, id, timestamp, signature, body);
        happened.push((await keep(folder, id, body)) ? 'kept' : 'seen');
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        happened.push('refused');
      }
      const failure = new Error('the work fails');
      const handle = async (_, kept) => {
        if (works === 'no') throw failure;
        const event = JSON.parse(encryption ? decryptBody(keysOf(keys), encryption, kept) : kept);
        const outcome = apply(last, event);
        if (outcome === 'new') last = event.sequence ?? last;
        happened.push(outcome);
      };
      try {
        await work(folder, handle);
      } catch (error) {
        if (error !== failure) throw error;
        happened.push('failed');
      }
      said.push(happened.join(' '));
    }
    rmSync(folder, { recursive: true });
    return said.join(', ');
  },
};

for (const line of readFileSync(process.argv[2], 'utf8').split('\n').filter((line) => line && !line.startsWith('#'))) {
  const [name, call, , ...given] = line.split('\t');
  try {
    console.log(`${name}\tok\t${Buffer.from(await calls[call](...given)).toString('base64')}`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    console.log(`${name}\trefused`);
  }
}
