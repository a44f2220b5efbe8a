// Reads the feed once with the Node.js reader: feed.mjs URL PROJECT KEY FOLDER [ID]. The folder has the cursor and an inbox.
// Prints each event with what the inbox says. Ends with status 3 after the event ID, as if the program crashed there.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Refused, catchUp } from '../../../docs/receivers/node/feed.mjs';
import { keep } from '../../../docs/receivers/node/inbox.mjs';

const [api, project, key, folder, crashAt] = process.argv.slice(2);
const [cursor, inbox] = [join(folder, 'cursor'), join(folder, 'inbox')];
mkdirSync(inbox, { recursive: true });
const load = async () => {
  try {
    return readFileSync(cursor, 'utf8');
  } catch {
    return null;
  }
};
const store = async (next) => {
  writeFileSync(`${cursor}.new`, next);
  renameSync(`${cursor}.new`, cursor);
};
const handle = async (event) => {
  const isKept = await keep(inbox, event.id, JSON.stringify(event));
  console.log(event.id, event.sequence, isKept ? 'kept' : 'seen');
  if (event.id === crashAt) process.exit(3);
};
try {
  await catchUp({ api, project, key, load, store, handle, limit: 4 });
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  console.log('refused');
}
