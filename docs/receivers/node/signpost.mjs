// Takes what Signpost sends. Copy this file: it needs Node.js 18 or newer and nothing else.
// Every function returns what it has proved, and throws `Refused` for everything else.

import { createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';

/** How far a webhook's clock may be from ours, and how far a return URL's may be ahead of ours. */
const TOLERANCE_SECONDS = 5 * 60;
/** How old a return URL may be: people may stay on the result page for a while. */
const MAX_AGE_SECONDS = 60 * 60;

/** What came is not to be believed. */
export class Refused extends Error {}

/**
 * Verifies a webhook, and returns its `webhook-id`: handle each id once.
 * @param {string} secret the endpoint's signing secret, `whsec_…`
 * @param {object} headers as in Node's `request.headers`, names in lower case
 * @param {Buffer} body the bytes as they came, before any parsing
 */
export function verifyWebhook(secret, headers, body, now = Date.now() / 1000) {
  const key = base64(/^whsec_(.*)$/.exec(secret)?.[1] ?? '');
  refuseUnless(key.length >= 24, 'the signing secret is not whsec_ and base64');
  const id = headers['webhook-id'] ?? '';
  const timestamp = headers['webhook-timestamp'] ?? '';
  refuseUnless(id !== '' && /^[0-9]{1,12}$/.test(timestamp), 'headers are missing');
  refuseUnless(Math.abs(Math.floor(now) - Number(timestamp)) <= TOLERANCE_SECONDS, 'too old, or from the future');
  const expected = `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`;
  const signatures = (headers['webhook-signature'] ?? '').split(' ');
  refuseUnless(signatures.some((signature) => isEqual(signature, expected)), 'no signature fits');
  return id;
}

/**
 * Decrypts the body of a webhook that `verifyWebhook` has let pass, and returns the JSON text.
 * @param {object} secretKeys the project's keys, `{ [key id]: secretKey }`
 * @param {string} encryption as the endpoint is set: `aes-256-gcm` or `aes-256-ecb`
 */
export function decryptBody(secretKeys, encryption, body) {
  let data;
  try {
    ({ data } = JSON.parse(body));
  } catch {
    throw new Refused('the body is not JSON');
  }
  return decrypt(Object.values(secretKeys), encryption, data);
}

/**
 * Verifies the query of a return URL, and returns its parameters: take each `nonce` once.
 * @param {string} query what stands behind the first `?`, as it came
 */
export function verifyReturnUrl(secretKeys, query, now = Date.now() / 1000) {
  const at = query.lastIndexOf('&sig=');
  refuseUnless(at >= 0, 'there is no signature');
  const [signed, signature] = [query.slice(0, at), query.slice(at + '&sig='.length)];
  const fits = Object.values(secretKeys).map((secretKey) => {
    const expected = createHmac('sha256', keyBytes(secretKey)).update(signed).digest('base64url');
    return isEqual(signature, `v1,${expected}`);
  });
  refuseUnless(fits.includes(true), 'the signature does not fit');
  const parameters = parse(signed);
  refuseUnless(/^[0-9]{1,12}$/.test(parameters.ts ?? '') && parameters.nonce, 'ts or nonce is missing');
  const age = Math.floor(now) - Number(parameters.ts);
  refuseUnless(-TOLERANCE_SECONDS <= age && age <= MAX_AGE_SECONDS, 'too old, or from the future');
  return parameters;
}

/**
 * Decrypts the query of a return URL, and returns the JSON text of the fields. If your URLs are signed, let
 * `verifyReturnUrl` see the query first.
 */
export function decryptReturnUrl(secretKeys, encryption, query) {
  const { encrypted, kid } = parse(query);
  if (encryption === 'aes-256-ecb') return decrypt(Object.values(secretKeys), encryption, encrypted);
  return decrypt(Object.hasOwn(secretKeys, kid) ? [secretKeys[kid]] : [], encryption, encrypted);
}

function decrypt(secretKeys, encryption, data) {
  const bytes = base64(data);
  for (const secretKey of secretKeys) {
    try {
      const plain = encryption === 'aes-256-gcm' ? openGcm(secretKey, bytes) : openEcb(secretKey, bytes);
      const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain);
      // ECB has no tag: with a wrong key the padding may look right by chance, an object does not.
      if (text.startsWith('{') && text.endsWith('}')) return text;
    } catch {
      // Perhaps it is another key's.
    }
  }
  throw new Refused('no key decrypts it');
}

function openGcm(secretKey, bytes) {
  const decipher = createDecipheriv('aes-256-gcm', keyBytes(secretKey), bytes.subarray(0, 12), { authTagLength: 16 });
  decipher.setAuthTag(bytes.subarray(12).subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
}

function openEcb(secretKey, bytes) {
  const decipher = createDecipheriv('aes-256-ecb', keyBytes(secretKey), null);
  return Buffer.concat([decipher.update(bytes), decipher.final()]);
}

function keyBytes(secretKey) {
  refuseUnless(/^[0-9A-Za-z]{32}$/.test(secretKey), 'a secretKey is not 32 letters and digits');
  return Buffer.from(secretKey, 'ascii');
}

function base64(text) {
  const isBase64 = typeof text === 'string' && text.length % 4 === 0 && /^[0-9A-Za-z+/]*={0,2}$/.test(text);
  refuseUnless(isBase64, 'base64 is damaged');
  return Buffer.from(text, 'base64');
}

function parse(query) {
  const pairs = [...new URLSearchParams(query)];
  const parameters = Object.fromEntries(pairs);
  refuseUnless(Object.keys(parameters).length === pairs.length, 'a parameter comes twice');
  return parameters;
}

function isEqual(text, expected) {
  const [left, right] = [Buffer.from(text), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function refuseUnless(condition, message) {
  if (!condition) throw new Refused(message);
}
