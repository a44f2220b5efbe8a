// A server that receives webhooks of Signpost. Copy this file, signpost.mjs and inbox.mjs. It needs only Node.js 18 or newer.
// README.md says how to run it.

import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { keep, work } from './inbox.mjs';
import { Refused, apply, decryptBody, verifyWebhook } from './signpost.mjs';

const { SIGNING_SECRETS, ENCRYPTION, SECRET_KEYS = '', PORT = 3000 } = process.env;
const signingSecrets = SIGNING_SECRETS.split(' ');
const secretKeys = Object.fromEntries(SECRET_KEYS.split(' ').filter(Boolean).map((key) => key.split('=')));
for (const folder of ['inbox', 'submissions']) await mkdir(folder, { recursive: true });

let wake;

const server = createServer(async (request, response) => {
  try {
    const body = Buffer.concat(await request.toArray());
    // 1. Verify the raw bytes. While a secret is rotated, there are several.
    const id = verifyWebhook(signingSecrets, request.headers, body);
    // 3. Drop webhooks that were seen: `keep` stores each id once. A test is only answered.
    if (request.headers['webhook-test'] !== 'true' && (await keep('inbox', id, body))) wake();
    // 5. Answer at once. The webhook is stored, so the work can wait.
    response.writeHead(204).end();
  } catch (error) {
    console.error('not accepted:', error.message);
    // After either status, Signpost sends the webhook again.
    response.writeHead(error instanceof Refused ? 400 : 500).end();
  }
});
server.listen(PORT, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));

/** Handles a stored webhook. If it fails, the webhook stays in the inbox, and is handled again later. */
async function handle(id, body) {
  // 2. Decrypt the body, if the endpoint has an encryption.
  const event = JSON.parse(ENCRYPTION ? decryptBody(secretKeys, ENCRYPTION, body) : body);
  const last = await lastSequence(event.submissionId);
  // 4. Ignore an event that is older than the last one of its submission.
  const outcome = apply(last, event);
  if (outcome === 'new') await update(event.submissionId, event.type, event.sequence ?? last);
  console.log(outcome, event.type, id);
}

// Replace these three functions by a table of your database. A file has the status and the `sequence` of a submission.

async function lastSequence(submission) {
  try {
    return submission ? JSON.parse(await readFile(fileOf(submission))).sequence : null;
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Stores the status and the `sequence` together, so that a crash cannot separate them. */
async function update(submission, status, sequence) {
  if (!submission) return;
  const file = fileOf(submission);
  await writeFile(`${file}.new`, JSON.stringify({ submission, status, sequence }));
  await rename(`${file}.new`, file);
}

/** Ids of submissions can have characters that names of files cannot have. */
function fileOf(submission) {
  return join('submissions', createHash('sha256').update(submission).digest('hex'));
}

// 5. Work later: when the server starts, after each webhook, and every ten seconds in case the work failed.
setInterval(() => wake(), 10_000);
for (;;) {
  const woken = new Promise((resolve) => (wake = resolve));
  await work('inbox', handle).catch((error) => console.error('work failed:', error.message));
  await woken;
}
