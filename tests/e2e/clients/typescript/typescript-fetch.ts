// Publishes an event and reads its delivery, with the client that openapi-generator generated. Prints the state of the delivery. The
// environment names the API, the API key and the project.

import { Configuration, DeliveriesApi, EventsApi, EventType } from './generated/index.js';

declare const process: { env: Record<string, string> };
const { API_URL, API_KEY, PROJECT: pid } = process.env;
const configuration = new Configuration({ basePath: API_URL, apiKey: API_KEY });

const accepted = await new EventsApi(configuration).publishEvent({
  pid,
  newEvent: { type: EventType.Approved, data: { score: 1.5 } },
});

const deadline = Date.now() + 60_000;
let state;
do {
  const page = await new DeliveriesApi(configuration).listDeliveries({ pid, event: accepted.id });
  state = page.items[0]?.state;
} while (state !== 'delivered' && Date.now() < deadline);
console.log(state);
