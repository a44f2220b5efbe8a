// Takes the pictures of docs/pictures: what people see of Signpost. `cargo stack pictures` runs it.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { apiAddress, call, consoleAddress, consoleLink, customer, person, picture } from './stage.mjs';

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

/** A customer with two servers, one of which fails, and a link to the console. */
async function consoleOfAcme() {
  const accepts = createServer((request, response) => request.resume().on('end', () => {
    response.statusCode = request.url === '/crm' ? 204 : 400;
    response.end(response.statusCode === 400 ? '{"error":"unknown field risk_level_summary"}' : undefined);
  }));
  await new Promise((ready) => accepts.listen(0, '127.0.0.1', ready));
  const url = (path) => `http://localhost:${accepts.address().port}${path}`;
  const project = (await call('POST', '', { name: 'Acme', logoColor: '#1f3fbf' })).id;
  await call('POST', `/${project}/endpoints`, { url: url('/crm'), description: 'CRM' });
  await call('POST', `/${project}/endpoints`, { url: url('/risk'), description: 'Risk engine', eventTypes: ['aml', 'approved'] });
  const data = { kycStatus: 'approved', userid: 'user-1' };
  for (const type of ['submit', 'pending', 'approved', 'aml']) {
    await call('POST', `/${project}/events`, { type, submissionId: 'sub_8f21', data });
  }
  let failed;
  while (!failed) {
    const { items } = await call('GET', `/${project}/deliveries?type=aml`);
    failed = items.find((one) => one.attempts.length > 1 && one.attempts[0].status === 400);
  }
  return { project, failed, close: () => accepts.close() };
}

test('console', async () => {
  const acme = await consoleOfAcme();
  for (const [name, path, viewport, dark] of [
    ['console-overview', '/', { width: 1000, height: 760 }, false],
    ['console-return-url', '/return-url', { width: 1000, height: 760 }, false],
    ['console-delivery', `/deliveries/${acme.failed.id}`, { width: 1000, height: 760 }, true],
    ['console-delivery-phone', `/deliveries/${acme.failed.id}`, { width: 360, height: 760 }, true],
    ['console-endpoints-phone', '/endpoints', { width: 360, height: 760 }, false],
  ]) {
    const { page, open, leave } = await person({ dark });
    await page.setViewportSize(viewport);
    await open(await consoleLink(acme.project, 'admin', { user: { id: 'ada', name: 'Ada Kim' } }));
    await open(consoleAddress(path));
    await picture(page, name, { fullPage: false });
    await leave();
  }
  acme.close();
});
