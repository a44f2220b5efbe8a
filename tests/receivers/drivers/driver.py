"""Runs all cases on the Python receiver. Prints one line for each: its name and its result."""

import base64
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "docs/receivers/python"))

import inbox  # noqa: E402
import signpost  # noqa: E402


def keys_of(text):
    return dict(key.split("=") for key in text.split())


def verify_webhook(secrets, now, webhook_id, timestamp, signature, body):
    headers = {"webhook-id": webhook_id, "webhook-timestamp": timestamp, "webhook-signature": signature}
    present = {name: value for name, value in headers.items() if value}
    return signpost.verify_webhook(secrets.split(), present, body.encode(), int(now))


def decrypt_body(keys, encryption, body):
    return signpost.decrypt_body(keys_of(keys), encryption, body.encode())


def verify_return_url(keys, now, query):
    parameters = signpost.verify_return_url(keys_of(keys), query, int(now))
    return "; ".join(sorted("=".join(pair) for pair in parameters.items()))


def decrypt_return_url(keys, encryption, query):
    return signpost.decrypt_return_url(keys_of(keys), encryption, query)


def apply(last, sequence):
    return signpost.apply(int(last) if last else None, {"sequence": int(sequence)} if sequence else {})


def keep(webhook_id):
    with tempfile.TemporaryDirectory() as folder:
        try:
            return "kept" if inbox.keep(folder, webhook_id, b"{}") else "seen"
        except ValueError as error:
            raise signpost.Refused from error


class WorkFails(Exception):
    pass


def receive(secrets, now, keys, encryption, *requests):
    said, last = [], None
    with tempfile.TemporaryDirectory() as folder:
        for webhook_id, timestamp, signature, body, works in zip(*[iter(requests)] * 5):
            happened = []
            try:
                verify_webhook(secrets, now, webhook_id, timestamp, signature, body)
                happened.append("kept" if inbox.keep(folder, webhook_id, body.encode()) else "seen")
            except signpost.Refused:
                happened.append("refused")

            def handle(_, kept):
                nonlocal last
                if works == "no":
                    raise WorkFails
                event = json.loads(signpost.decrypt_body(keys_of(keys), encryption, kept) if encryption else kept)
                outcome = signpost.apply(last, event)
                if outcome == "new":
                    last = event.get("sequence", last)
                happened.append(outcome)

            try:
                inbox.work(folder, handle)
            except WorkFails:
                happened.append("failed")
            said.append(" ".join(happened))
    return ", ".join(said)


for line in Path(sys.argv[1]).read_text(encoding="utf-8").split("\n"):
    if not line or line.startswith("#"):
        continue
    name, call, _, *given = line.split("\t")
    try:
        said = globals()[call.replace("-", "_")](*given)
        print(name, "ok", base64.b64encode(said.encode()).decode(), sep="\t")
    except signpost.Refused:
        print(name, "refused", sep="\t")
