// Takes the pictures of docs/pictures: what people see of Signpost. `cargo stack pictures` runs it.

import { readFileSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { apiAddress, customer, person, picture } from './stage.mjs';

const reportMail = readFileSync(fileURLToPath(new URL('../../shared/mail/src/samples/busy-en.html', import.meta.url)), 'utf8');

test('result page', async () => {
  const acme = await customer({ logoColor: '#1f6feb' }, {});
  const { page, open, leave } = await person({ holds: true });
  await page.setViewportSize({ width: 420, height: 560 });
  await open(await acme.link({ kycStatus: 'approved', userid: 'user-1' }));
  await picture(page, 'result-page', { fullPage: false });
  await leave();
});

test('report mail', async () => {
  const { page, leave } = await person();
  await page.setViewportSize({ width: 640, height: 900 });
  await page.setContent(reportMail);
  await picture(page, 'report-mail', { fullPage: false });
  await leave();
});

test('API documentation', async () => {
  const { page, open, leave } = await person();
  await page.setViewportSize({ width: 1000, height: 700 });
  await open(apiAddress('/docs'));
  await picture(page, 'api-docs', { fullPage: false });
  await leave();
});
