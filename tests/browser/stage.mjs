// What the browser tests share: a running stack, customers with a site of their own, and a browser that tells of everything
// that is not as it should be.
//
// STACK_JSON names the file in which the stack tells where it is; `cargo stack up` writes target/stack/stack.json.
// BROWSER_TOOLS names the folder with the packages of package.json; CHROMIUM the browser.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

const target = fileURLToPath(new URL('../../target', import.meta.url));
const tools = createRequire(`${process.env.BROWSER_TOOLS ?? `${target}/tools/browser`}/`);
const { chromium } = tools('playwright-core');
const axe = readFileSync(tools.resolve('axe-core/axe.min.js'), 'utf8');
const stack = JSON.parse(readFileSync(process.env.STACK_JSON ?? `${target}/stack/stack.json`, 'utf8'));

export const LANGUAGES = { en: 'en-GB', ko: 'ko-KR', es: 'es-419' };
export const PHONE = { width: 360, height: 780 };
export const DESKTOP = { width: 1280, height: 800 };

/** The narrowest page there is, and what a wide one becomes at 400 %. */
export const NARROW = { width: 320, height: 640 };

const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync',
  ],
});
after(() => browser.close());

/** A customer's site: notes who comes back, and with what. */
const visits = [];
const site = createServer((request, response) => {
  visits.push({ path: request.url, referer: request.headers.referer });
  response.setHeader('content-type', 'text/html');
  response.end('<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Home</title><h1>Home</h1>');
});
await new Promise((ready) => site.listen(0, '127.0.0.1', ready));
after(() => site.close());
const siteUrl = `http://localhost:${site.address().port}`;

/** A call of the settings API with the operator's key. */
async function call(method, path, body) {
  const headers = { 'x-api-key': stack.operatorKey, 'content-type': 'application/json' };
  const answer = await fetch(`${stack.api}/v1/projects${path}`, { method, headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path} was answered with ${answer.status}`);
  return answer.json();
}

/** A project. Its return URL, if it is to have one, is at a path of its own, so that its visitors can be told apart. */
export async function customer(wishes, returnUrl) {
  const { id } = await call('POST', '', { name: 'Acme Bank', ...wishes });
  const home = `${siteUrl}/${id}`;
  if (returnUrl) {
    await call('PUT', `/${id}/return-url`, { url: home, fields: ['userid', 'kycStatus', 'errorCode'], ...returnUrl });
  }
  return {
    home,
    link: async (outcome) => (await call('POST', `/${id}/return-links`, outcome)).url,
    errorPage: (code) => `${stack.redirect}/r/${id}/error/${code}`,
    visits: () => visits.filter((visit) => visit.path.startsWith(`/${id}`)),
  };
}

/** The address of a page that is nobody's. */
export const address = (path) => stack.redirect + path;

/** The address of a page of the API. */
export const apiAddress = (path) => stack.api + path;

/**
 * A tab of a person's browser. `complaints` fills with all that it did or said and should not have. Who `holds` asks the
 * customer's site for pages, but does not get there.
 */
export async function person({ language = 'en', dark = false, scripts = true, calm = false, holds = false } = {}) {
  const context = await browser.newContext({
    locale: LANGUAGES[language],
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: calm ? 'reduce' : 'no-preference',
    viewport: PHONE,
    javaScriptEnabled: scripts,
  });
  // An answer without content leaves a browser where it is.
  if (holds) await context.route(`${siteUrl}/**`, (route) => route.fulfill({ status: 204 }));
  const page = await context.newPage();
  const complaints = [];
  const ours = [stack.redirect, stack.api, siteUrl].map((url) => new URL(url).host);
  page.on('request', (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol !== 'data:' && !ours.includes(host)) complaints.push(`asked ${host} for something`);
  });
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => {
    // That a page which is not there answers 404 is as it should be, and Chromium says so.
    const isOwnStatus = message.text().startsWith('Failed to load resource') && message.location().url === page.url();
    if (!isOwnStatus) complaints.push(`${message.type()}: ${message.text()}`);
  });
  const open = async (url) => {
    const answer = await page.goto(url);
    return { status: answer.status(), headers: answer.headers() };
  };
  return { page, complaints, open, leave: () => context.close() };
}

/** What axe-core, with all its rules for WCAG 2.2 AA and its best practices, finds wrong with a page, or too hard to judge. */
export async function violations(page) {
  await page.evaluate(axe);
  // Off unless asked for, although it is WCAG 2.2 AA.
  const options = { runOnly: { type: 'tag', values: AXE_TAGS }, rules: { 'target-size': { enabled: true } } };
  const found = await page.evaluate((options) => globalThis.axe.run(document, options), options);
  return [...found.violations, ...found.incomplete].map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`);
}

/** Takes a picture of a page, to be looked at: of the whole of it, or of what is to be seen at first. */
export async function picture(page, name, { fullPage = true } = {}) {
  const folder = `${process.env.SCREENSHOTS ?? `${target}/browser-tests`}`;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage });
}
