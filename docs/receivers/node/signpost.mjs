// Verifies and decrypts webhooks and return URLs of Signpost. Copy this file. It needs only Node.js 18 or newer.
// Every function returns only verified or decrypted values, and throws `Refused` otherwise.

import { createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';

/** Maximum difference between a webhook's timestamp and our clock. A return URL may be this far ahead. */
const TOLERANCE_SECONDS = 5 * 60;
/** Maximum age of a return URL: people may stay on the result page for a while. */
const MAX_AGE_SECONDS = 60 * 60;

/** The input is not authentic, or is malformed. */
export class Refused extends Error {}

/**
 * Verifies a webhook and returns its `webhook-id`. Process each id once.
 * @param {string[]} secrets the endpoint's signing secrets, `whsec_…`: one, or both during a rotation
 * @param {object} headers Node's `request.headers`, with names in lower case
 * @param {Buffer} body the raw bytes, before any parsing
 */
export function verifyWebhook(secrets, headers, body, now = Date.now() / 1000) {
  const keys = secrets.map(secretBytes);
  const id = headers['webhook-id'] ?? '';
  const timestamp = headers['webhook-timestamp'] ?? '';
  refuseUnless(id !== '' && /^[0-9]{1,12}$/.test(timestamp), 'headers are missing');
  refuseUnless(Math.abs(Math.floor(now) - Number(timestamp)) <= TOLERANCE_SECONDS, 'too old, or from the future');
  const signatures = (headers['webhook-signature'] ?? '').split(' ');
  const fits = keys.some((key) => {
    const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
    return signatures.some((signature) => isEqual(signature, `v1,${expected}`));
  });
  refuseUnless(fits, 'no signature fits');
  return id;
}

/**
 * Compares an event with the last one that you applied to the same submission. Returns 'new' if the event is newer: apply
 * it, and store its `sequence` as `last`. Returns 'seen' for the last one itself, and 'older' for an earlier one: ignore
 * both. An event without a `sequence` has no order and is 'new': leave `last` as it is.
 * @param {?number} last the stored `sequence` of the submission, or null if there is none yet
 * @param {{sequence?: number}} event the body of a webhook, or an item of the feed
 */
export function apply(last, event) {
  if (event.sequence == null || last == null) return 'new';
  // Some databases return whole numbers as strings, which would compare letter by letter.
  const difference = event.sequence - Number(last);
  if (difference > 0) return 'new';
  return difference === 0 ? 'seen' : 'older';
}

/**
 * Decrypts the body of a webhook that `verifyWebhook` accepted, and returns its JSON.
 * @param {object} secretKeys the project's `secretKey`s by id, `{ [key id]: secretKey }`
 * @param {string} encryption the endpoint's setting: `aes-256-gcm` or `aes-256-ecb`
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
 * Verifies the query of a return URL and returns its parameters. Accept each `nonce` once.
 * @param {string} query everything after the first `?`, unchanged
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
 * Decrypts the query of a return URL and returns the JSON of its fields. If your URLs are signed, call
 * `verifyReturnUrl` first.
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
      // ECB has no tag: under a wrong key the padding can look valid by chance, but the result is not a JSON object.
      if (text.startsWith('{') && text.endsWith('}')) return text;
    } catch {
      // Another key may have encrypted it.
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

function secretBytes(secret) {
  const key = base64(/^whsec_(.*)$/.exec(secret)?.[1] ?? '');
  refuseUnless(key.length >= 24, 'the signing secret is not whsec_ and base64');
  return key;
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
