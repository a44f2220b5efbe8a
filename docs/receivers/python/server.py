"""A server that receives webhooks of Signpost. Copy this file, signpost.py and inbox.py.

It needs Python 3.9 or newer, and `cryptography` to decrypt. README.md says how to run it.
"""

import hashlib
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from inbox import keep, work
from signpost import Refused, apply, decrypt_body, verify_webhook

SIGNING_SECRETS = os.environ["SIGNING_SECRETS"].split()
ENCRYPTION = os.environ.get("ENCRYPTION")
SECRET_KEYS = dict(key.split("=") for key in os.environ.get("SECRET_KEYS", "").split())
INBOX, SUBMISSIONS = Path("inbox"), Path("submissions")

arrived = threading.Event()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        try:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            # 1. Verify the raw bytes. While a secret is rotated, there are several.
            webhook_id = verify_webhook(SIGNING_SECRETS, self.headers, body)
            # 3. Drop webhooks that were seen: `keep` stores each id once. A test is only answered.
            if self.headers["webhook-test"] != "true" and keep(INBOX, webhook_id, body):
                arrived.set()
            # 5. Answer at once. The webhook is stored, so the work can wait.
            self.send_response(204)
        except Exception as error:
            print("not accepted:", error, file=sys.stderr)
            # After either status, Signpost sends the webhook again.
            self.send_response(400 if isinstance(error, Refused) else 500)
        self.end_headers()


def handle(webhook_id, body):
    """Handles a stored webhook. If it fails, the webhook stays in the inbox, and is handled again later."""
    # 2. Decrypt the body, if the endpoint has an encryption.
    event = json.loads(decrypt_body(SECRET_KEYS, ENCRYPTION, body) if ENCRYPTION else body)
    submission = event.get("submissionId")
    last = last_sequence(submission)
    # 4. Ignore an event that is older than the last one of its submission.
    outcome = apply(last, event)
    if outcome == "new":
        update(submission, event["type"], event.get("sequence", last))
    print(outcome, event["type"], webhook_id, flush=True)


# Replace these three functions by a table of your database. A file has the status and the `sequence` of a submission.


def last_sequence(submission):
    if not submission or not file_of(submission).exists():
        return None
    return json.loads(file_of(submission).read_text())["sequence"]


def update(submission, status, sequence):
    """Stores the status and the `sequence` together, so that a crash cannot separate them."""
    if not submission:
        return
    draft = file_of(submission).with_suffix(".new")
    draft.write_text(json.dumps({"submission": submission, "status": status, "sequence": sequence}))
    draft.replace(file_of(submission))


def file_of(submission):
    """Ids of submissions can have characters that names of files cannot have."""
    return SUBMISSIONS / hashlib.sha256(submission.encode()).hexdigest()


def work_later():
    """5. Works when the server starts, after each webhook, and every ten seconds in case the work failed."""
    while True:
        arrived.clear()
        try:
            work(INBOX, handle)
        except Exception as error:
            print("work failed:", error, file=sys.stderr)
        arrived.wait(timeout=10)


if __name__ == "__main__":
    INBOX.mkdir(exist_ok=True)
    SUBMISSIONS.mkdir(exist_ok=True)
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 3000))), Handler)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    threading.Thread(target=work_later, daemon=True).start()
    server.serve_forever()
