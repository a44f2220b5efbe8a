// Checks that everybody can read and use the API's documentation page.

import assert from 'node:assert/strict';
import test from 'node:test';

import { apiAddress, DESKTOP, NARROW, person, PHONE, picture, violations } from './stage.mjs';

for (const [name, dark, viewport] of [['light, on a phone', false, PHONE], ['dark, on a desktop', true, DESKTOP]]) {
  test(`everybody can read the documentation, ${name}`, async () => {
    const { page, complaints, open, leave } = await person({ dark });
    await page.setViewportSize(viewport);
    assert.equal((await open(apiAddress('/docs'))).status, 200);
    // The whole page is too long for one picture.
    await picture(page, `docs-${dark ? 'dark-desktop' : 'light-phone'}`, { fullPage: false });
    assert.deepEqual(await violations(page), []);
    for (const size of [viewport, NARROW]) {
      await page.setViewportSize(size);
      const [needed, there] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
      assert.ok(needed <= there, `the page is ${needed} pixels wide in a window of ${there}`);
    }
    assert.deepEqual(complaints, []);
    await leave();
  });
}

test('the URL of a problem type leads to its description, without scripts', async () => {
  const { page, complaints, open, leave } = await person({ scripts: false });
  await open(apiAddress('/problems/limit-reached'));
  assert.equal(new URL(page.url()).hash, '#problem-limit-reached');
  assert.match(await page.locator(':target').innerText(), /422 \/problems\/limit-reached/);
  assert.deepEqual(complaints, []);
  await leave();
});
