// Runs the cases of webhooks on the public library for JavaScript: public.mjs MODULES CASES. Prints one line for each case:
// its name, its result, and the signatures that the library makes with the secrets.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const { Webhook } = createRequire(join(process.argv[2], 'package.json'))('standardwebhooks');

const attempt = (call) => {
  try {
    return call();
  } catch {
    return null;
  }
};

for (const line of readFileSync(process.argv[3], 'utf8').split('\n')) {
  const [name, call, , secrets, now, id, timestamp, signatures, body] = line.split('\t');
  if (call !== 'verify-webhook' || line.startsWith('#')) continue;
  // The library takes the time from the clock.
  Date.now = () => Number(now) * 1000;
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures };
  const verifies = (secret) => {
    new Webhook(secret).verify(body, headers, { jsonParse: false });
    return true;
  };
  const isVerified = secrets.split(' ').some((secret) => attempt(() => verifies(secret)));
  const at = new Date(Number(timestamp) * 1000);
  const made = secrets.split(' ').map((secret) => attempt(() => new Webhook(secret).sign(id, at, body)) ?? '-');
  console.log([name, isVerified ? 'ok' : 'refused', made.join(' ')].join('\t'));
}
