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
const credentials = { tokenUrl: hook('/token'), clientId: 'signpost', clientSecret: 'a secret', scope: 'webhooks.write' };
const asked = { url: hook('/good'), ownership: 'handshake', pace: 600, oauth2: credentials };
const unverified = await call('POST', `/${busy}/endpoints`, asked);

/** The pages of a project with data. */
const pages = {
  overview: '/',
  endpoints: '/endpoints',
  'endpoint-new': '/endpoints/new',
  endpoint: `/endpoints/${failing.id}`,
  'endpoint-unverified': `/endpoints/${unverified.id}`,
  'endpoint-handshake': `/endpoints/${unverified.id}/handshake`,
  'endpoint-secrets': `/endpoints/${good.id}/secrets`,
  'endpoint-secret-replace': `/endpoints/${good.id}/secrets/replace`,
  'endpoint-secret-end': `/endpoints/${good.id}/secrets/end-previous`,
  'endpoint-key-pair': `/endpoints/${good.id}/secrets/rotate-key`,
  'endpoint-discard': `/endpoints/${failing.id}/discard-held`,
  'endpoint-test': `/endpoints/${good.id}/test`,
  'endpoint-verify': `/endpoints/${good.id}/verify`,
  'endpoint-delete': `/endpoints/${good.id}/delete`,
  deliveries: '/deliveries',
  'deliveries-none': '/deliveries?state=cancelled',
  'deliveries-refused': '/deliveries?submissionId=a%20b&state=lost',
  delivery: `/deliveries/${failed.id}`,
  event: `/events/${event.id}`,
  replays: '/replays',
  'replay-new': '/replays/new',
  replay: `/replays/${replay.id}`,
  'replay-cancel': `/replays/${replay.id}/cancel`,
  'return-url': '/return-url',
  'return-url-keys': '/return-url/keys',
  'return-url-key-new': '/return-url/keys/new',
  'return-url-check': '/return-url/check',
  'return-url-delete': '/return-url/delete',
  'notification-users': '/notification-users',
  'notification-user': `/notification-users/${user.id}`,
  'notification-user-new': '/notification-users/new',
  'notification-user-delete': `/notification-users/${user.id}/delete`,
  reports: '/reports',
  report: `/reports/${new Date().toISOString().slice(0, 10)}`,
  'api-keys': '/api-keys',
  'api-key': `/api-keys/${key.id}`,
  'api-key-new': '/api-keys/new',
  'api-key-rotate': `/api-keys/${key.id}/rotate`,
  'api-key-revoke': `/api-keys/${key.id}/revoke`,
  history: '/history',
  change: '/history/2',
  'change-revert': '/history/2/revert',
  addresses: '/addresses',
  access: '/access',
  'access-end-all': '/access/end-all',
  'no-such-page': '/nothing',
  'no-such-endpoint': `/endpoints/${key.id}`,
};

/** The pages whose status is not 200. */
const statuses = { 'deliveries-refused': 400, 'no-such-page': 404, 'no-such-endpoint': 404 };

/** What pages look like after a form was sent: the path, what a person fills in, the button, and the status. */
const sentForms = (endpoint, unverified) => [
  ['endpoint-refused', '/endpoints/new', { url: 'http://acme.example/', 'oauth2.clientSecret': 'x', 'clientCertificate.certificate': 'x' }, 422],
  ['handshake-refused', `/endpoints/${unverified}/handshake`, {}, 200],
  ['endpoint-added', '/endpoints/new', { url: hook('/good') }, 200],
  ['secret-rotated', `/endpoints/${endpoint}/secrets`, {}, 200],
  ['secret-replace-refused', `/endpoints/${endpoint}/secrets/replace`, { signingSecret: 'whsec_short' }, 422],
  ['test-result', `/endpoints/${endpoint}/test`, {}, 200],
  ['verification-result', `/endpoints/${endpoint}/verify`, { headers: 'webhook-id: 1\nwebhook-timestamp: soon', body: '{}' }, 200],
  ['replay-refused', '/replays/new', { ratePerMinute: '0' }, 422],
  ['replay-count', '/replays/new', {}, 200],
  ['return-url-refused', '/return-url', { url: 'http://acme.example/' }, 422],
  ['return-url-preview', '/return-url', { url: 'https://acme.example/back' }, 200, '[formaction]'],
  ['return-url-check-result', '/return-url/check', { url: 'https://acme.example/back?kycStatus=approved' }, 200],
  ['secret-key-refused', '/return-url/keys/new', { secretKey: 'short' }, 422],
  ['secret-key-once', '/return-url/keys/new', {}, 200],
  ['notification-user-refused', '/notification-users/new', { name: 'Eve', email: 'eve@localhost' }, 422],
  ['api-key-refused', '/api-keys/new', { name: '' }, 422],
  ['api-key-once', '/api-keys/new', { name: 'laptop' }, 200],
];

/** Fills in the form of the page and presses a button. Returns the status of the next page. */
async function send(page, fields, button) {
  for (const [name, value] of Object.entries(fields)) await page.locator(`main [name="${name}"]`).fill(value);
  const [answer] = await Promise.all([page.waitForNavigation(), page.locator(`main form ${button}`).first().click()]);
  return answer.status();
}

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

for (const [role, language, scripts] of [['admin', 'en', true], ['admin', 'ko', false], ['viewer', 'es', true], ['viewer', 'en', false]]) {
  test(`every page of the console fits and is accessible to ${role === 'admin' ? 'an admin' : 'a viewer'} in ${language}, ${scripts ? 'with' : 'without'} scripts`, async () => {
    const { page, complaints, open, leave } = await person({ language, scripts });
    await open(await consoleLink(busy, role));
    for (const [name, path] of Object.entries(pages)) {
      const answer = await open(consoleAddress(path));
      assert.equal(answer.status, statuses[name] ?? 200, path);
      assert.equal(await page.getAttribute('html', 'lang'), language);
      assert.equal(await page.locator('h1').count(), 1, path);
      await check(page, `${name}-${role}-${language}${scripts ? '' : '-plain'}`, { scripts });
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

for (const language of Object.keys(LANGUAGES)) {
  test(`pages after a form was sent are accessible and say what is wrong, in ${language}`, async () => {
    const project = (await call('POST', '', { name: 'Acme Bank' })).id;
    const endpoint = await call('POST', `/${project}/endpoints`, { url: hook('/good') });
    const unverified = await call('POST', `/${project}/endpoints`, { url: hook('/good'), ownership: 'handshake' });
    await call('PUT', `/${project}/return-url`, { url: 'https://acme.example/back', fields: ['kycStatus'] });
    const { page, complaints, open, leave } = await person({ language });
    await open(await consoleLink(project, 'admin'));
    for (const [name, path, fields, status, button = 'button'] of sentForms(endpoint.id, unverified.id)) {
      await page.setViewportSize(DESKTOP);
      await open(consoleAddress(path));
      // The forms have fields that are folded.
      await page.evaluate(() => { for (const one of document.querySelectorAll('main details')) one.open = true; });
      assert.equal(await send(page, fields, button), status, name);
      assert.equal(await page.locator('h1').count(), 1, name);
      assert.equal(await page.locator('[role=alert]').count(), status === 422 ? 1 : 0, name);
      await check(page, `${name}-${language}`);
    }
    assert.deepEqual(complaints, []);
    await leave();
  });
}

test('a viewer who sends a form of others sees who may do it, and pages without data have no buttons for others', async () => {
  const { page, complaints, open, leave } = await person();
  await open(await consoleLink(empty, 'viewer'));
  for (const path of emptyPages) {
    assert.equal((await open(consoleAddress(path))).status, 200, path);
    assert.equal(await page.locator('main form[method=post]').count(), 0, path);
    await check(page, `empty${path.replaceAll('/', '-')}-viewer`);
  }
  const [answer] = await Promise.all([page.waitForNavigation(), page.evaluate(() => {
    const form = Object.assign(document.createElement('form'), { method: 'post', action: '/notification-users/new' });
    document.body.append(form);
    form.submit();
  })]);
  assert.equal(answer.status(), 403);
  await page.getByText('Your role does not allow this.').waitFor();
  await check(page, 'forbidden');
  assert.deepEqual(complaints, []);
  await leave();
});

test('a button copies a text and says so', async () => {
  const { page, complaints, open, leave } = await person();
  await open(await consoleLink(busy, 'admin'));
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: consoleAddress('') });
  await open(consoleAddress(`/deliveries/${failed.id}`));
  const text = await page.locator('#sent').textContent();
  await page.getByRole('button', { name: 'Copy', exact: true }).click();
  await page.getByRole('button', { name: 'Copied', exact: true }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), text);
  await page.getByRole('button', { name: 'Copy', exact: true }).waitFor();
  assert.deepEqual(complaints, []);
  await leave();
});

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
