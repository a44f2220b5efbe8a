// Checks that everybody can read and use each page of the console: as an admin and as a viewer, in every language, light and dark,
// at 320 pixels, with large text, with scripts and without.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import test, { after } from 'node:test';

import { call, consoleAddress, consoleLink, DESKTOP, LANGUAGES, NARROW, person, PHONE, picture, violations } from './stage.mjs';

/** A receiver that accepts the path `/good` and fails elsewhere. */
const receiver = createServer((request, response) => {
  request.resume().on('end', () => {
    response.statusCode = request.url === '/good' ? 204 : 500;
    response.end(response.statusCode === 500 ? '{"error":"unknown field <b>risk_level_summary</b>"}' : undefined);
  });
});
await new Promise((ready) => receiver.listen(0, '127.0.0.1', ready));
after(() => receiver.close());
const hook = (path) => `http://localhost:${receiver.address().port}${path}`;

const WAIT_TIMEOUT = 60_000;

/** Waits until `read` returns something. */
async function eventually(what, read) {
  const end = Date.now() + WAIT_TIMEOUT;
  for (;;) {
    const value = await read();
    if (value) return value;
    assert.ok(Date.now() < end, `${what} did not happen in time`);
    await new Promise((next) => setTimeout(next, 100));
  }
}

const empty = (await call('POST', '', { name: 'Empty <b>Bank</b>' })).id;
const busy = (await call('POST', '', { name: 'Müller & Söhne Versicherungsgesellschaft', logoColor: '#d6336c' })).id;
const good = await call('POST', `/${busy}/endpoints`, { url: hook('/good'), description: 'CRM' });
const failing = await call('POST', `/${busy}/endpoints`, { url: hook('/fails') });
const key = await call('POST', `/${busy}/api-keys`, { name: 'back office', expiresAt: new Date(Date.now() + 9 * 864e5).toISOString() });
const user = await call('POST', `/${busy}/notification-users`, { name: 'Grace', email: 'grace@acme.example', language: 'en' });
await call('POST', `/${busy}/return-url/keys`, {});
await call('PUT', `/${busy}/return-url`, {
  url: 'https://app.acme.example/done', fields: ['userid', 'kycStatus', 'submissionId', 'errorCode'], encryption: 'aes-256-gcm', signed: true,
});
const data = { kycStatus: 'approved', risk: { level: 'low', summary: 'a'.repeat(300) } };
const event = await call('POST', `/${busy}/events`, { type: 'approved', submissionId: 'sub_8f21', data });
const deliveries = await eventually('the first attempts', async () => {
  const { items } = await call('GET', `/${busy}/deliveries`);
  return items.length === 2 && items.every((one) => one.attempts.length > 0) ? items : undefined;
});
const replay = await call('POST', `/${busy}/replays`, {
  from: new Date(Date.now() - 864e5).toISOString(), to: new Date().toISOString(), endpointId: failing.id,
});
const failed = deliveries.find((one) => one.endpointId === failing.id);

/** The pages of a project with data. */
const pages = {
  overview: '/',
  endpoints: '/endpoints',
  'endpoint-new': '/endpoints/new',
  endpoint: `/endpoints/${failing.id}`,
  'endpoint-secrets': `/endpoints/${good.id}/secrets`,
  'endpoint-test': `/endpoints/${good.id}/test`,
  'endpoint-verify': `/endpoints/${good.id}/verify`,
  'endpoint-delete': `/endpoints/${good.id}/delete`,
  deliveries: '/deliveries',
  'deliveries-none': '/deliveries?state=cancelled',
  delivery: `/deliveries/${failed.id}`,
  event: `/events/${event.id}`,
  replays: '/replays',
  'replay-new': '/replays/new',
  replay: `/replays/${replay.id}`,
  'return-url': '/return-url',
  'return-url-keys': '/return-url/keys',
  'return-url-key-new': '/return-url/keys/new',
  'return-url-check': '/return-url/check',
  'return-url-delete': '/return-url/delete',
  'notification-users': '/notification-users',
  'notification-user': `/notification-users/${user.id}`,
  'notification-user-new': '/notification-users/new',
  reports: '/reports',
  report: `/reports/${new Date().toISOString().slice(0, 10)}`,
  'api-keys': '/api-keys',
  'api-key': `/api-keys/${key.id}`,
  'api-key-new': '/api-keys/new',
  'api-key-rotate': `/api-keys/${key.id}/rotate`,
  history: '/history',
  change: '/history/2',
  addresses: '/addresses',
  access: '/access',
  'no-such-page': '/nothing',
};

/** The first pages of a project without any data. */
const emptyPages = ['/', '/endpoints', '/deliveries', '/replays', '/return-url', '/return-url/keys', '/notification-users', '/reports', '/api-keys'];

async function assertFits(page, what) {
  const [needed, there] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(needed <= there, `${what} is ${needed} pixels wide in a window of ${there}`);
}

/** Checks one page. axe-core needs scripts, so without them only the layout is checked. */
async function check(page, name, { scripts = true } = {}) {
  for (const [scheme, viewport] of [['light', DESKTOP], ['dark', PHONE]]) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme: scheme });
    await picture(page, `console-${name}-${scheme}`);
    if (scripts) assert.deepEqual(await violations(page), [], `${name}, ${scheme}`);
    await assertFits(page, `${name} on ${viewport.width}`);
  }
  await page.setViewportSize(NARROW);
  await assertFits(page, `${name} at ${NARROW.width}`);
  await page.evaluate(() => { document.documentElement.style.fontSize = '200%'; });
  await assertFits(page, `${name} with large text`);
}

for (const [role, language, scripts] of [['admin', 'en', true], ['admin', 'ko', false], ['viewer', 'es', true]]) {
  test(`every page of the console fits and is accessible to ${role === 'admin' ? 'an admin' : 'a viewer'} in ${language}, ${scripts ? 'with' : 'without'} scripts`, async () => {
    const { page, complaints, open, leave } = await person({ language, scripts });
    await open(await consoleLink(busy, role));
    for (const [name, path] of Object.entries(pages)) {
      const answer = await open(consoleAddress(path));
      assert.equal(answer.status, name === 'no-such-page' ? 404 : 200, path);
      assert.equal(await page.getAttribute('html', 'lang'), language);
      assert.equal(await page.locator('h1').count(), 1, path);
      await check(page, `${name}-${role}-${language}`, { scripts });
    }
    assert.deepEqual(complaints, []);
    await leave();
  });
}

for (const language of Object.keys(LANGUAGES)) {
  test(`pages without data say what to do next, in ${language}`, async () => {
    const { page, complaints, open, leave } = await person({ language });
    await open(await consoleLink(empty, 'admin'));
    for (const path of emptyPages) {
      assert.equal((await open(consoleAddress(path))).status, 200, path);
      await check(page, `empty${path.replaceAll('/', '-')}-${language}`);
    }
    assert.deepEqual(complaints, []);
    await leave();
  });
}

test('pages outside a session are accessible and lead back', async () => {
  const returnTo = 'https://acme.example/kyc';
  const { page, complaints, open, leave } = await person();
  const link = await consoleLink(empty, 'admin', { returnTo });
  await page.setViewportSize(DESKTOP);
  await open(link);
  await page.getByRole('button', { name: 'Sign out' }).click();
  assert.equal(await page.getByRole('link').first().getAttribute('href'), returnTo);
  await check(page, 'signed-out');
  for (const [name, url, status] of [['link-used', link, 410], ['link-foreign', consoleAddress('/in/AAAA.k1.AAAA'), 404], ['no-session', consoleAddress('/endpoints'), 401]]) {
    assert.equal((await open(url)).status, status, name);
    await check(page, name);
  }
  assert.deepEqual(complaints, []);
  await leave();
});

test('the first page needs one request and at most 40 KB', async () => {
  const { page, open, leave } = await person();
  await open(await consoleLink(busy, 'admin'));
  let requests = 0;
  page.on('request', (request) => { if (!request.url().startsWith('data:')) requests += 1; });
  const answer = await page.goto(consoleAddress('/'));
  const size = (await answer.body()).length;
  assert.ok(size <= 40_000, `the overview has ${size} bytes`);
  assert.equal(requests, 1);
  await leave();
});

test('the preview of the return URL follows the form', async () => {
  const { page, complaints, open, leave } = await person();
  await open(await consoleLink(busy, 'admin', { next: '/return-url' }));
  const preview = page.locator('#preview');
  await page.getByLabel('URL', { exact: true }).fill('https://acme.example/typed');
  await preview.getByText('https://acme.example/typed?encrypted={encrypted}').first().waitFor();
  await page.getByLabel(/None: the fields can be read/).check();
  await preview.getByText('https://acme.example/typed?userid={userid}').first().waitFor();
  assert.deepEqual(complaints, []);
  await leave();
});

test('a form is reached, filled in and sent with the keyboard alone', async () => {
  const { page, open, leave } = await person();
  await page.setViewportSize(DESKTOP);
  await open(await consoleLink(empty, 'admin', { next: '/notification-users/new' }));
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('href')), '/notification-users');
  await page.keyboard.press('Tab');
  await page.keyboard.type('Ada');
  await page.keyboard.press('Tab');
  await page.keyboard.type('ada@keyboard.example');
  await page.keyboard.press('Enter');
  await page.getByText('Added.').waitFor();
  await leave();
});
