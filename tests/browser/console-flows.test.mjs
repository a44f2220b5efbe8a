// What people do in the console, from the first click to the result, with and without scripts.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import test, { after } from 'node:test';

import { call, consoleAddress, consoleLink, person } from './stage.mjs';

/** A customer's server: it keeps all webhooks and answers with `status`. With `grants`, it grants webhooks in handshakes. */
const server = { status: 200, webhooks: [], grants: false };
const http = createServer((request, response) => {
  let body = '';
  request.on('data', (part) => { body += part; });
  request.on('end', () => {
    server.webhooks.push({ path: request.url, headers: request.headers, body });
    response.statusCode = server.status;
    if (request.method === 'OPTIONS' && server.grants) {
      response.setHeader('webhook-allowed-origin', request.headers['webhook-request-origin']);
      response.setHeader('webhook-allowed-rate', '120');
    }
    response.end();
  });
});
await new Promise((ready) => http.listen(0, '127.0.0.1', ready));
after(() => http.close());
const hook = (path) => `http://localhost:${http.address().port}${path}`;

/** Whether a webhook has a signature made with `secret`, as Standard Webhooks asks for. */
function isSigned({ headers, body }, secret) {
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const signature = createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64')).update(signed).digest('base64');
  return headers['webhook-signature'].split(' ').includes(`v1,${signature}`);
}

/** Opens the console of a new project. */
async function customer({ role = 'admin', scripts = true } = {}) {
  const project = (await call('POST', '', { name: 'Acme' })).id;
  const visitor = await person({ scripts });
  await visitor.open(await consoleLink(project, role));
  return { project, ...visitor };
}

const main = (page) => page.locator('main');

async function follow(page, name) {
  await main(page).getByRole('link', { name }).first().click();
}

async function press(page, name) {
  await main(page).getByRole('button', { name }).first().click();
}

for (const scripts of [true, false]) {
  const how = scripts ? 'with scripts' : 'without scripts';

  test(`an endpoint is set up from nothing to a verified test, ${how}`, async () => {
    const { page, complaints, leave } = await customer({ scripts });
    await follow(page, 'Add an endpoint');
    await page.getByLabel('URL', { exact: true }).fill(hook(`/new-${scripts}`));
    await press(page, 'Add an endpoint');
    const secret = (await page.locator('#secret').innerText()).trim();
    assert.match(secret, /^whsec_/);
    await follow(page, 'Send a test');
    await main(page).getByRole('button').first().click();
    await page.getByText('200').first().waitFor();
    const webhook = server.webhooks.find(({ path }) => path === `/new-${scripts}`);
    assert.ok(isSigned(webhook, secret), 'the signature of the test is wrong');
    assert.deepEqual(complaints, []);
    await leave();
  });

  test(`an endpoint that needs a handshake is active after its server has granted webhooks, ${how}`, async () => {
    const { project, page, complaints, open, leave } = await customer({ scripts });
    server.grants = false;
    await open(consoleAddress('/endpoints/new'));
    await page.getByLabel('URL', { exact: true }).fill(hook('/asked'));
    await page.getByText('More settings').click();
    await page.getByLabel('The server must grant webhooks in a handshake').check();
    await page.getByLabel('Pace: webhooks per minute, at most').fill('600');
    await press(page, 'Add an endpoint');
    await follow(page, 'Go to the handshake');
    await press(page, 'Make the handshake');
    await page.getByText('without the header WebHook-Allowed-Origin').waitFor();
    server.grants = true;
    await press(page, 'Make the handshake');
    await page.getByText('Your server grants webhooks: at most 120 webhooks a minute.').waitFor();
    await follow(page, 'To the endpoint');
    await page.getByText('Webhooks are sent as they occur.').waitFor();
    const [endpoint] = (await call('GET', `/${project}/endpoints`)).items;
    assert.deepEqual([endpoint.state, endpoint.pace, endpoint.ownershipProof.allowedRate], ['active', 600, 120]);
    assert.deepEqual(complaints, []);
    await leave();
  });

  test(`a signing secret is rotated and both sign during the overlap, ${how}`, async () => {
    const { project, page, complaints, open, leave } = await customer({ scripts });
    const path = `/rotated-${scripts}`;
    const endpoint = await call('POST', `/${project}/endpoints`, { url: hook(path) });
    await open(consoleAddress(`/endpoints/${endpoint.id}/secrets`));
    await main(page).locator('form').first().getByRole('button').click();
    const secret = (await page.locator('main pre').first().innerText()).trim();
    assert.notEqual(secret, endpoint.signingSecret);
    await call('POST', `/${project}/endpoints/${endpoint.id}/test`, { type: 'approved' });
    const webhook = server.webhooks.find((one) => one.path === path);
    assert.ok(isSigned(webhook, secret) && isSigned(webhook, endpoint.signingSecret), 'a signature is missing');
    assert.deepEqual(complaints, []);
    await leave();
  });

  test(`a failed delivery is found, understood and sent again, ${how}`, async () => {
    const { project, page, complaints, open, leave } = await customer({ scripts });
    await call('POST', `/${project}/endpoints`, { url: hook(`/fails-${scripts}`) });
    server.status = 422;
    await call('POST', `/${project}/events`, { type: 'aml', submissionId: 'sub_8f21', data: { hits: 0 } });
    await open(consoleAddress('/deliveries?submissionId=sub_8f21&state=failed'));
    // The attempts of this stack end after some seconds.
    for (let tries = 0; tries < 600 && await main(page).getByRole('link', { name: 'aml' }).count() === 0; tries += 1) await page.reload();
    await follow(page, 'aml');
    await page.getByText('422').first().waitFor();
    server.status = 200;
    const before = server.webhooks.length;
    await press(page, 'Send again');
    for (let tries = 0; tries < 100 && server.webhooks.length === before; tries += 1) await page.reload();
    assert.ok(server.webhooks.length > before, 'nothing was sent again');
    assert.deepEqual(complaints, []);
    await leave();
  });

  test(`a return URL is set and a person comes back, ${how}`, async () => {
    const { project, page, complaints, open, leave } = await customer({ scripts });
    await open(consoleAddress('/return-url'));
    await page.getByLabel('URL', { exact: true }).fill(hook('/back'));
    await page.getByLabel('User ID').check();
    await page.getByLabel('KYC status').check();
    await page.getByLabel('Skip the result page').check();
    await press(page, 'Save');
    await page.getByText('Saved.').waitFor();
    const link = await call('POST', `/${project}/return-links`, { kycStatus: 'approved', userid: 'user-1' });
    const answer = await fetch(link.url, { redirect: 'manual' });
    assert.equal(answer.headers.get('location'), `${hook('/back')}?userid=user-1&kycStatus=approved`);
    assert.deepEqual(complaints, []);
    await leave();
  });

  test(`a notification user is added, ${how}`, async () => {
    const { page, complaints, open, leave } = await customer({ scripts });
    await open(consoleAddress('/notification-users'));
    await follow(page, 'Add a user');
    await page.getByLabel('Name').fill('Grace');
    await page.getByLabel('E-mail address').fill(`grace-${scripts}@acme.example`);
    await press(page, 'Add a user');
    await page.getByText('not confirmed yet').waitFor();
    assert.deepEqual(complaints, []);
    await leave();
  });

  test(`an admin ends the session of another person, ${how}`, async () => {
    const { project, page, complaints, open, leave } = await customer({ scripts });
    const other = await person({ scripts });
    await other.open(await consoleLink(project, 'viewer', { user: { id: 'eve', name: 'Eve' } }));
    await open(consoleAddress('/access'));
    await page.getByRole('link', { name: 'End the session of Eve…' }).click();
    await press(page, 'End the session');
    await page.getByText('The session is over.').waitFor();
    // Another process of the console may keep a session for ten seconds.
    let status = 200;
    for (let tries = 0; tries < 120 && status !== 401; tries += 1) {
      ({ status } = await other.open(consoleAddress('/')));
      if (status !== 401) await new Promise((next) => setTimeout(next, 100));
    }
    assert.equal(status, 401);
    assert.deepEqual(complaints, []);
    await other.leave();
    await leave();
  });
}

test('a form that another site sends changes nothing', async () => {
  const { project, page, leave } = await customer();
  const answer = await page.request.post(consoleAddress('/notification-users/new'), {
    headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    form: { name: 'Eve', email: 'eve@evil.example', language: 'en' },
  });
  assert.equal(answer.status(), 403);
  assert.deepEqual((await call('GET', `/${project}/notification-users`)).items, []);
  await leave();
});
