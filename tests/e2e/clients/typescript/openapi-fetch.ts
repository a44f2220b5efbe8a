// Publishes an event and reads its delivery, with openapi-fetch and the types that openapi-typescript generated. Prints the state of
// the delivery. The environment names the API, the API key and the project.

import createClient from 'openapi-fetch';
import type { paths } from './schema.js';

declare const process: { env: Record<string, string> };
const { API_URL, API_KEY, PROJECT: pid } = process.env;
const client = createClient<paths>({ baseUrl: API_URL, headers: { 'x-api-key': API_KEY } });

const accepted = await client.POST('/v1/projects/{pid}/events', {
  params: { path: { pid } },
  body: { type: 'approved', data: { score: 1.5 } },
});
if (!accepted.data) throw new Error(accepted.error.detail);

const deadline = Date.now() + 60_000;
let state;
do {
  const page = await client.GET('/v1/projects/{pid}/deliveries', {
    params: { path: { pid }, query: { event: accepted.data.id } },
  });
  if (!page.data) throw new Error(page.error.detail);
  state = page.data.items[0]?.state;
} while (state !== 'delivered' && Date.now() < deadline);
console.log(state);
