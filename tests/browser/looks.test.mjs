// Checks that everybody can read and use each page: in every language, light and dark, on a phone and on a desktop.

import assert from 'node:assert/strict';
import test from 'node:test';

import { address, customer, DESKTOP, LANGUAGES, NARROW, person, PHONE, picture, violations } from './stage.mjs';

const DEVICES = { phone: PHONE, desktop: DESKTOP };

const plain = await customer({}, {});
const silent = await customer({}, { fields: ['kycStatus'] });
const homeless = await customer({}, undefined);
const logos = { yellow: '#ffe600', white: '#ffffff', navy: '#101828', pink: '#d6336c', grey: '#808080' };

/** The pages: URL, status (200 by default), and whether the page leaves by `itself`, has a `button` to leave, or has `none`. */
const pages = {
  approved: { url: await plain.link({ kycStatus: 'approved', userid: 'user-1' }), way: 'itself' },
  pending: { url: await plain.link({ kycStatus: 'pending' }), way: 'itself' },
  rejected: { url: await plain.link({ kycStatus: 'rejected' }), way: 'itself' },
  'approved-stay': { url: `${await plain.link({ kycStatus: 'approved' })}?stay=1`, way: 'button' },
  'approved-homeless': { url: await homeless.link({ kycStatus: 'approved' }), way: 'none' },
  'error-wait': { url: await plain.link({ errorCode: 'SE-50031' }), way: 'button' },
  'error-device': { url: await plain.link({ errorCode: 'DE-20000' }), way: 'button' },
  'error-before-link': { url: plain.errorPage('LO-30001'), way: 'button' },
  'error-without-button': { url: await silent.link({ errorCode: 'TK-10001' }), way: 'none' },
  'error-unknown': { url: await plain.link({ errorCode: `unheard-of-${'x'.repeat(53)}` }), way: 'button' },
  'link-foreign': { url: address('/r/AAAA.k1.AAAA'), status: 404, way: 'none' },
  'no-such-page': { url: address('/nothing'), status: 404, way: 'none' },
};
for (const [name, logoColor] of Object.entries(logos)) {
  const branded = await customer({ name: 'Müller & Söhne Versicherungsgesellschaft', logoColor }, {});
  pages[`logo-${name}`] = { url: await branded.link({ kycStatus: 'approved' }), way: 'itself', languages: ['en'] };
}
// The shortest lifetime of a link is a minute. Its tests come last, when most of that has passed.
const expiring = await plain.link({ kycStatus: 'approved', expiresInSeconds: 60 });

async function check(name, { url, status = 200, way }, language) {
  const { page, complaints, open, leave } = await person({ language, holds: true });
  const answer = await open(url);
  assert.equal(answer.status, status);
  assert.equal(await page.getAttribute('html', 'lang'), language);
  assert.equal(await page.locator('.button').count(), way === 'none' ? 0 : 1);
  assert.equal(await page.locator('.stay').count(), way === 'itself' ? 1 : 0);
  for (const [device, viewport] of Object.entries(DEVICES)) {
    for (const scheme of ['light', 'dark']) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme: scheme });
      await picture(page, `${name}-${language}-${scheme}-${device}`);
      assert.deepEqual(await violations(page), [], `${scheme}, ${device}`);
    }
    await assertFits(page);
  }
  for (const link of await page.locator('a').all()) {
    const { width, height } = await link.boundingBox();
    assert.ok(Math.min(width, height) >= 44, `a link of ${width} × ${height} pixels is too small to hit`);
  }
  await page.setViewportSize(NARROW);
  await assertFits(page);
  await page.evaluate(() => { document.documentElement.style.fontSize = '200%'; });
  await assertFits(page);
  assert.deepEqual(complaints, []);
  await leave();
}

/** Fails if the page is wider than the window, so that people would scroll sideways. */
async function assertFits(page) {
  const [needed, there] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(needed <= there, `the page is ${needed} pixels wide in a window of ${there}`);
}

function checkAll(name, kind, languages) {
  for (const language of languages) {
    test(`${name}: everybody can read and use it in ${language}`, () => check(name, kind, language));
  }
}

for (const [name, kind] of Object.entries(pages)) {
  checkAll(name, kind, kind.languages ?? Object.keys(LANGUAGES));
}
test('a link answers 410 once it has expired', async () => {
  while ((await fetch(expiring)).status !== 410) await new Promise((again) => setTimeout(again, 500));
});
checkAll('link-expired', { url: expiring, status: 410, way: 'none' }, Object.keys(LANGUAGES));

test('the button has the exact logo colour, whatever it is', async () => {
  for (const color of Object.values(logos)) {
    const branded = await customer({ logoColor: color }, {});
    const { page, open, leave } = await person();
    await open(`${await branded.link({ kycStatus: 'approved' })}?stay=1`);
    const shown = await page.locator('.button').evaluate((button) => getComputedStyle(button).backgroundColor);
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
    assert.equal(shown, `rgb(${red}, ${green}, ${blue})`);
    await leave();
  }
});
