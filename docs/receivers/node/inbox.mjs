// Keeps verified webhooks in a folder, each id once, so that your server answers first and works later. Copy this file. It
// needs only Node.js 18 or newer. ../README.md shows the same with a table of a database, for several servers.

import { randomUUID } from 'node:crypto';
import { link, open, readFile, readdir, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';

/** Signpost sends a webhook again for up to a week, so the ids of processed ones stay that long. */
const REMEMBERED_MILLISECONDS = 7 * 24 * 60 * 60 * 1000;

/**
 * Keeps a webhook that `verifyWebhook` accepted, or an item of the feed. When it returns, answer the request with 204.
 * @returns {Promise<boolean>} false if the id is known: there is nothing to do
 */
export async function keep(folder, id, body) {
  if (!/^[0-9A-Za-z_-]{1,64}$/.test(id)) throw new Error('the id cannot be the name of a file');
  const draft = join(folder, `.${id}.${randomUUID()}`);
  const file = await open(draft, 'wx');
  try {
    await file.writeFile(body);
    await file.sync();
    // A link appears with the whole content, and fails if the id is known, even from two requests at once.
    await link(draft, join(folder, id));
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await file.close();
    await rm(draft, { force: true });
  }
}

/**
 * Calls `handle(id, body)` for each kept webhook, and waits for it. If it fails, the webhook stays for the next call: after
 * a crash, `handle` can get a webhook again. Run one worker at a time.
 */
export async function work(folder, handle) {
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.'));
  for (const name of names.sort()) {
    const path = join(folder, name);
    const body = await readFile(path);
    if (body.length > 0) {
      await handle(name, body);
      // The empty file remembers the id.
      await truncate(path);
    } else if (Date.now() - (await stat(path)).mtimeMs > REMEMBERED_MILLISECONDS) {
      await rm(path);
    }
  }
}
