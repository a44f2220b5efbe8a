"""Verifies and decrypts webhooks and return URLs of Signpost.

Copy this file. It needs Python 3.9 or newer, and `cryptography` to decrypt.
Every function returns only verified or decrypted values, and raises `Refused` otherwise.
"""

import base64
import hashlib
import hmac
import json
import re
import time
from urllib.parse import parse_qsl

# Maximum difference between a webhook's timestamp and our clock. A return URL may be this far ahead.
TOLERANCE_SECONDS = 5 * 60
# Maximum age of a return URL: people may stay on the result page for a while.
MAX_AGE_SECONDS = 60 * 60


class Refused(ValueError):
    """The input is not authentic, or is malformed."""


def verify_webhook(secrets, headers, body, now=None):
    """Verifies a webhook and returns its `webhook-id`. Process each id once.

    `secrets` is a list of the endpoint's `whsec_…`: one, or both during a rotation. `headers` looks names up in any case, as
    the headers of frameworks do. `body` is the raw bytes, before any parsing.
    """
    keys = [_secret_bytes(secret) for secret in secrets]
    webhook_id = headers.get("webhook-id") or ""
    timestamp = headers.get("webhook-timestamp") or ""
    _refuse_unless(webhook_id and re.fullmatch("[0-9]{1,12}", timestamp), "headers are missing")
    _refuse_unless(abs(_seconds(now) - int(timestamp)) <= TOLERANCE_SECONDS, "too old, or from the future")
    content = f"{webhook_id}.{timestamp}.".encode() + body
    expected = [b"v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)) for key in keys]
    signatures = (headers.get("webhook-signature") or "").encode().split(b" ")
    fits = [hmac.compare_digest(signature, one) for signature in signatures for one in expected]
    _refuse_unless(any(fits), "no signature fits")
    return webhook_id


def apply(last, event):
    """Compares an event with the last one that you applied to the same submission.

    `last` is the stored `sequence` of the submission, or None if there is none yet. `event` is the parsed body of a webhook,
    or an item of the feed. Returns "new" if the event is newer: apply it, and store its `sequence` as `last`. Returns "seen"
    for the last one itself, and "older" for an earlier one: ignore both. An event without a `sequence` has no order and is
    "new": leave `last` as it is.
    """
    sequence = event.get("sequence")
    if sequence is None or last is None or sequence > last:
        return "new"
    return "seen" if sequence == last else "older"


def decrypt_body(secret_keys, encryption, body):
    """Decrypts the body of a webhook that `verify_webhook` accepted, and returns its JSON.

    `secret_keys` is the project's `{key id: secretKey}`. `encryption` is the endpoint's setting: `aes-256-gcm` or
    `aes-256-ecb`.
    """
    try:
        data = json.loads(body)["data"]
    except (ValueError, LookupError, TypeError) as error:
        raise Refused("the body has no data") from error
    return _decrypt(secret_keys.values(), encryption, data)


def verify_return_url(secret_keys, query, now=None):
    """Verifies the query of a return URL and returns its parameters. Accept each `nonce` once.

    `query` is everything after the first `?`, unchanged.
    """
    signed, mark, signature = query.rpartition("&sig=")
    _refuse_unless(mark, "there is no signature")
    fits = []
    for secret_key in secret_keys.values():
        digest = hmac.digest(_key_bytes(secret_key), signed.encode(), hashlib.sha256)
        expected = b"v1," + base64.urlsafe_b64encode(digest).rstrip(b"=")
        fits.append(hmac.compare_digest(signature.encode(), expected))
    _refuse_unless(any(fits), "the signature does not fit")
    parameters = _parse(signed)
    timestamp = parameters.get("ts", "")
    _refuse_unless(re.fullmatch("[0-9]{1,12}", timestamp) and parameters.get("nonce"), "ts or nonce is missing")
    age = _seconds(now) - int(timestamp)
    _refuse_unless(-TOLERANCE_SECONDS <= age <= MAX_AGE_SECONDS, "too old, or from the future")
    return parameters


def decrypt_return_url(secret_keys, encryption, query):
    """Decrypts the query of a return URL and returns the JSON of its fields.

    If your URLs are signed, call `verify_return_url` first.
    """
    parameters = _parse(query)
    candidates = list(secret_keys.values())
    if encryption != "aes-256-ecb":
        candidates = [key for kid, key in secret_keys.items() if kid == parameters.get("kid")]
    return _decrypt(candidates, encryption, parameters.get("encrypted"))


def _decrypt(secret_keys, encryption, data):
    ciphertext = _base64(data)
    for secret_key in secret_keys:
        try:
            opened = _open_gcm if encryption == "aes-256-gcm" else _open_ecb
            text = opened(_key_bytes(secret_key), ciphertext).decode()
        except ValueError:
            continue  # Another key may have encrypted it.
        # ECB has no tag: under a wrong key the padding can look valid by chance, but the result is not a JSON object.
        if text.startswith("{") and text.endswith("}"):
            return text
    raise Refused("no key decrypts it")


# `cryptography` is imported where it is needed, because verification works without it.
def _open_gcm(key, ciphertext):
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(ciphertext[:12], ciphertext[12:], None)
    except InvalidTag as error:
        raise ValueError from error


def _open_ecb(key, ciphertext):
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    decryptor = Cipher(algorithms.AES(key), modes.ECB()).decryptor()
    unpadder = PKCS7(128).unpadder()
    return unpadder.update(decryptor.update(ciphertext) + decryptor.finalize()) + unpadder.finalize()


def _secret_bytes(secret):
    prefix, _, encoded = secret.partition("_")
    key = _base64(encoded)
    _refuse_unless(prefix == "whsec" and len(key) >= 24, "the signing secret is not whsec_ and base64")
    return key


def _key_bytes(secret_key):
    _refuse_unless(re.fullmatch("[0-9A-Za-z]{32}", secret_key), "a secretKey is not 32 letters and digits")
    return secret_key.encode()


def _base64(text):
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, TypeError) as error:
        raise Refused("base64 is damaged") from error


def _parse(query):
    pairs = parse_qsl(query, keep_blank_values=True)
    parameters = dict(pairs)
    _refuse_unless(len(parameters) == len(pairs), "a parameter comes twice")
    return parameters


def _seconds(now):
    return int(time.time() if now is None else now)


def _refuse_unless(condition, message):
    if not condition:
        raise Refused(message)
