// Reads the feed of a project: every event once, oldest first, none left out. Copy this file. It needs only Node.js 18 or
// newer.

/** Longest pause between two attempts while the API cannot be reached. */
const MAX_PAUSE_SECONDS = 60;

/**
 * Handles all events after the stored cursor, and returns when there are no more. Call it again when a webhook arrives, and
 * every minute; or in a loop with `wait: 20`, which needs no webhooks.
 *
 * The cursor is stored after the events of a page were handled. After a crash, the last page comes again: drop known ids.
 * @param {string} options.api URL of the API, without a slash at its end
 * @param {string} options.key API key with the scope `events:read`
 * @param {() => Promise<?string>} options.load the stored cursor; none reads from the oldest event, `latest` from now
 * @param {(cursor: string) => Promise<void>} options.store stores the cursor durably
 * @param {(event: object) => Promise<void>} options.handle `{id, type, submissionId?, sequence?, timestamp, data …}`
 * @param {number} [options.wait] seconds, up to 20, that the API waits for the first event
 * @param {number} [options.limit] events per page
 */
export async function catchUp({ api, project, key, load, store, handle, wait = 0, limit = 100 }) {
  let after = await load();
  for (;;) {
    const query = new URLSearchParams({ limit, wait, ...(after && { after }) });
    const page = await get(`${api}/v1/projects/${project}/feed?${query}`, key, wait);
    for (const event of page.items) await handle(event);
    if (page.cursor !== after) await store(page.cursor);
    if (!page.hasMore) return;
    after = page.cursor;
  }
}

/** Repeats a call that the API limits (429) or that fails for the moment. Throws if repeating cannot help. */
async function get(url, key, wait) {
  for (let pause = 1; ; pause = Math.min(pause * 2, MAX_PAUSE_SECONDS)) {
    let asked;
    try {
      const signal = AbortSignal.timeout((wait + 30) * 1000);
      const response = await fetch(url, { headers: { 'x-api-key': key }, signal });
      if (response.ok) return await response.json();
      const problem = await response.text();
      if (response.status !== 429 && response.status < 500) throw new Refused(`${response.status}: ${problem}`);
      asked = Number(response.headers.get('retry-after'));
    } catch (error) {
      if (error instanceof Refused) throw error;
      // The network failed, which passes.
    }
    await new Promise((resolve) => setTimeout(resolve, (asked || pause) * 1000));
  }
}

/** The API rejected the call: the key, its scope or the cursor is wrong. */
export class Refused extends Error {}
