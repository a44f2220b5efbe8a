// Shared by the page tests: a running stack, customers with a site of their own, and a browser that reports everything
// unexpected.
//
// STACK_JSON names the file with the stack's URLs; `cargo stack up` writes target/stack/stack.json.
// BROWSER_TOOLS names the folder where `npm ci` and unpack.mjs ran. CHROMIUM, if set, names another Chromium to use.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

const target = fileURLToPath(new URL('../../target', import.meta.url));
const home = process.env.BROWSER_TOOLS ?? `${target}/tools/browser`;
const tools = createRequire(`${home}/`);
const { chromium } = tools('playwright-core');
const axe = readFileSync(tools.resolve('axe-core/axe.min.js'), 'utf8');
const stack = JSON.parse(readFileSync(process.env.STACK_JSON ?? `${target}/stack/stack.json`, 'utf8'));

export const LANGUAGES = { en: 'en-GB', ko: 'ko-KR', es: 'es-419' };
export const PHONE = { width: 360, height: 780 };
export const DESKTOP = { width: 1280, height: 800 };

/** The narrowest window that pages must fit. A window of 1280 pixels becomes this narrow at a zoom of 400 %. */
export const NARROW = { width: 320, height: 640 };

const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** The unpacked Chromium finds its libraries and fonts by these variables. */
const unpacked = {
  executablePath: `${home}/chromium/chromium`,
  env: {
    ...process.env,
    LD_LIBRARY_PATH: `${home}/chromium/al2023/lib`,
    FONTCONFIG_FILE: `${home}/chromium/fonts.conf`,
  },
};

// The package recommends other arguments for Lambda. Some of them turn off the web security that these tests rely on.
const browser = await chromium.launch({
  ...(process.env.CHROMIUM ? { executablePath: process.env.CHROMIUM } : unpacked),
  args: [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync',
  ],
});
after(() => browser.close());

/** A customer's site. It records every visit. */
const visits = [];
const site = createServer((request, response) => {
  visits.push({ path: request.url, referer: request.headers.referer });
  response.setHeader('content-type', 'text/html');
  response.end('<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Home</title><h1>Home</h1>');
});
await new Promise((ready) => site.listen(0, '127.0.0.1', ready));
after(() => site.close());
const siteUrl = `http://localhost:${site.address().port}`;

/** Calls the settings API with the operator key. `path` is below `/v1/projects`. */
export async function call(method, path, body) {
  const headers = { 'x-api-key': stack.operatorKey, 'content-type': 'application/json' };
  const answer = await fetch(`${stack.api}/v1/projects${path}`, { method, headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path} was answered with ${answer.status}`);
  return answer.status === 204 ? undefined : answer.json();
}

/** Creates a link that opens the console of a project. */
export async function consoleLink(project, role, more = {}) {
  const link = { user: { id: `u-${role}`, name: 'Ada Kim' }, role, ...more };
  return (await call('POST', `/${project}/console-links`, link)).url;
}

/** Creates a project. Each return URL gets its own path on the site, which tells the visitors of projects apart. */
export async function customer(settings, returnUrl) {
  const { id } = await call('POST', '', { name: 'Acme Bank', ...settings });
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

/** The URL of a page that belongs to no project. */
export const address = (path) => stack.redirect + path;

/** The URL of a page of the console. */
export const consoleAddress = (path) => stack.console + path;

/** The URL of a page of the API. */
export const apiAddress = (path) => stack.api + path;

/**
 * Opens a tab in a person's browser. `complaints` collects every error, console message and request to a foreign host.
 * `holds` keeps the tab on the current page when it would go to the customer's site.
 */
export async function person({ language = 'en', dark = false, scripts = true, calm = false, holds = false } = {}) {
  const context = await browser.newContext({
    locale: LANGUAGES[language],
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: calm ? 'reduce' : 'no-preference',
    viewport: PHONE,
    javaScriptEnabled: scripts,
  });
  // A browser stays on its page when the response is 204.
  if (holds) await context.route(`${siteUrl}/**`, (route) => route.fulfill({ status: 204 }));
  const page = await context.newPage();
  const complaints = [];
  const ours = [stack.redirect, stack.api, stack.console, siteUrl].map((url) => new URL(url).host);
  page.on('request', (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol !== 'data:' && !ours.includes(host)) complaints.push(`requested something from ${host}`);
  });
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => {
    // Chromium also reports the status of pages that are meant to answer 404 or 410.
    const isOwnStatus = message.text().startsWith('Failed to load resource') && message.location().url === page.url();
    if (!isOwnStatus) complaints.push(`${message.type()}: ${message.text()}`);
  });
  const open = async (url) => {
    const answer = await page.goto(url);
    return { status: answer.status(), headers: answer.headers() };
  };
  return { page, complaints, open, leave: () => context.close() };
}

/** What axe-core finds wrong, or cannot decide, by its rules for WCAG 2.2 AA and its best practices. */
export async function violations(page) {
  await page.evaluate(axe);
  // axe-core turns this rule off by default, although WCAG 2.2 AA requires it.
  const options = { runOnly: { type: 'tag', values: AXE_TAGS }, rules: { 'target-size': { enabled: true } } };
  const found = await page.evaluate((options) => globalThis.axe.run(document, options), options);
  return [...found.violations, ...found.incomplete].map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`);
}

/** Saves a picture for people to look at: of the whole page, or of the visible part. */
export async function picture(page, name, { fullPage = true } = {}) {
  const folder = `${process.env.SCREENSHOTS ?? `${target}/browser-tests`}`;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage });
}
