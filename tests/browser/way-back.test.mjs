// Checks how people leave the pages: after the countdown, by keyboard, or not at all.

import assert from 'node:assert/strict';
import test from 'node:test';

import { customer, person } from './stage.mjs';

const plain = await customer({}, {});
const skipping = await customer({}, { skipResultPage: true });
const approved = { kycStatus: 'approved', userid: 'user 1&x=ü' };
const approvedQuery = '?userid=user%201%26x%3D%C3%BC&kycStatus=approved';

/** The class of the focused element and the style of its outline. */
const outline = (page) => page.evaluate(() => {
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  return `${document.activeElement.className} ${outlineStyle} ${outlineWidth}`;
});

test('without scripts, a result page leaves after five seconds unless the person chose to stay', async () => {
  const [stays, goes] = [await person({ scripts: false }), await person({ scripts: false })];
  await stays.open(await plain.link(approved));
  await stays.page.click('.stay');
  await stays.page.waitForURL('**?stay=1');

  const { headers } = await goes.open(await plain.link(approved));
  assert.equal(headers.refresh, `5; url=${plain.home}${approvedQuery}`);
  assert.equal(await goes.page.locator('h1').textContent(), 'You are verified');
  await goes.page.waitForURL(`${plain.home}**`);

  // `stays` opened its page first, so it would have left by now.
  assert.equal(goes.page.url(), plain.home + approvedQuery);
  assert.ok(stays.page.url().endsWith('?stay=1'));
  assert.equal(await stays.page.locator('.stay').count(), 0);
  assert.deepEqual(plain.visits().map(({ referer }) => referer), [undefined]);
  assert.deepEqual([stays.complaints, goes.complaints], [[], []]);

  await stays.page.click('.button');
  await stays.page.waitForURL(plain.home + approvedQuery);
  await Promise.all([stays.leave(), goes.leave()]);
});

test('without scripts, only the person who opened a single-use link can stay on its page', async () => {
  const [opener, other] = [await person({ scripts: false }), await person({ scripts: false })];
  const link = await plain.link({ ...approved, singleUse: true });
  await opener.open(link);
  for (const url of [link, `${link}?stay=1`]) assert.equal((await other.open(url)).status, 410);
  await opener.page.click('.stay');
  await opener.page.waitForURL('**?stay=*');
  assert.equal(await opener.page.locator('h1').textContent(), 'You are verified');
  await opener.page.click('.button');
  await opener.page.waitForURL(plain.home + approvedQuery);
  assert.deepEqual([opener.complaints, other.complaints], [[], []]);
  await Promise.all([opener.leave(), other.leave()]);
});

test('OK is the first element that Tab reaches, shows its focus, and leads back on Enter', async () => {
  for (const dark of [false, true]) {
    const { page, complaints, open, leave } = await person({ dark });
    // With `stay=1` the page does not leave by itself, so only the key can lead back.
    await open(`${await plain.link(approved)}?stay=1`);
    await page.keyboard.press('Tab');
    assert.equal(await outline(page), 'button solid 3px');
    await page.keyboard.press('Enter');
    await page.waitForURL(plain.home + approvedQuery);
    assert.deepEqual(complaints, []);
    await leave();
  }
});

test('the keyboard can stop the countdown', async () => {
  const { page, complaints, open, leave } = await person({ holds: true });
  await open(await plain.link(approved));
  await page.keyboard.press('Tab');
  assert.equal(await outline(page), 'button timed solid 3px');
  await page.keyboard.press('Tab');
  assert.equal(await outline(page), 'stay solid 3px');
  await page.keyboard.press('Enter');
  await page.waitForURL('**?stay=1');
  assert.deepEqual(complaints, []);
  await leave();
});

test('an error page leaves only by its button', async () => {
  const { page, complaints, open, leave } = await person();
  const { headers } = await open(await plain.link({ errorCode: 'DE-20000' }));
  assert.equal(headers.refresh, undefined);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${plain.home}?kycStatus=rejected&errorCode=DE-20000`);
  assert.deepEqual(complaints, []);
  await leave();
});

test('the page for an undocumented code has no link and does not show the code', async () => {
  const { page, complaints, open, leave } = await person();
  const { status } = await open(plain.errorPage('call-0800-123456'));
  assert.equal(status, 200);
  assert.equal(await page.locator('h1').textContent(), 'Something went wrong');
  assert.equal(await page.locator('a').count(), 0);
  assert.ok(!(await page.content()).includes('0800'));
  assert.deepEqual(complaints, []);
  await leave();
});

test('with skipResultPage people return at once', async () => {
  const { page, complaints, open, leave } = await person({ scripts: false });
  await open(await skipping.link(approved));
  assert.equal(page.url(), skipping.home + approvedQuery);
  assert.deepEqual(complaints, []);
  await leave();
});

test('with reduced motion only the countdown number is animated', async () => {
  const names = async (calm) => {
    const { page, open, leave } = await person({ calm, holds: true });
    await open(await plain.link(approved));
    const running = await page.evaluate(() => document.getAnimations().map(({ animationName }) => animationName));
    await leave();
    return running.sort();
  };
  assert.deepEqual(await names(true), ['count']);
  assert.ok((await names(false)).length > 1);
});

test('the content security policy blocks foreign styles and scripts', async () => {
  const { page, complaints, open, leave } = await person();
  await open(`${await plain.link(approved)}?stay=1`);
  const [color, ran] = await page.evaluate(() => {
    document.head.append(Object.assign(document.createElement('style'), { textContent: 'h1 { color: rgb(1, 2, 3) }' }));
    document.head.append(Object.assign(document.createElement('script'), { textContent: 'globalThis.ran = true' }));
    return [getComputedStyle(document.querySelector('h1')).color, globalThis.ran];
  });
  assert.notEqual(color, 'rgb(1, 2, 3)');
  assert.equal(ran, undefined);
  assert.equal(complaints.filter((said) => said.includes('Content Security Policy')).length, 2);
  await leave();
});
