"""Runs all cases on the Python receiver. Prints one line for each: its name and its result."""

import base64
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "docs/receivers/python"))

import signpost  # noqa: E402


def keys_of(text):
    return dict(key.split("=") for key in text.split())


def verify_webhook(secret, now, webhook_id, timestamp, signature, body):
    headers = {"webhook-id": webhook_id, "webhook-timestamp": timestamp, "webhook-signature": signature}
    present = {name: value for name, value in headers.items() if value}
    return signpost.verify_webhook(secret, present, body.encode(), int(now))


def decrypt_body(keys, encryption, body):
    return signpost.decrypt_body(keys_of(keys), encryption, body.encode())


def verify_return_url(keys, now, query):
    parameters = signpost.verify_return_url(keys_of(keys), query, int(now))
    return "; ".join(sorted("=".join(pair) for pair in parameters.items()))


def decrypt_return_url(keys, encryption, query):
    return signpost.decrypt_return_url(keys_of(keys), encryption, query)


for line in Path(sys.argv[1]).read_text(encoding="utf-8").split("\n"):
    if not line or line.startswith("#"):
        continue
    name, call, _, *given = line.split("\t")
    try:
        said = globals()[call.replace("-", "_")](*given)
        print(name, "ok", base64.b64encode(said.encode()).decode(), sep="\t")
    except signpost.Refused:
        print(name, "refused", sep="\t")
