#!/usr/bin/env python3
"""A sender of its own for the conformance suite: the library `standardwebhooks` from PyPI signs, and each event is posted once.

It never retries, so it fails the cases with retries. Needs `pip install standardwebhooks`.
"""

import base64
import http.client
import json
import os
import secrets
import sys
import urllib.error
import urllib.request
from datetime import datetime, timezone
from pathlib import Path

from standardwebhooks import Webhook

UNSUPPORTED = 3
SECRET = Path(os.environ["CONFORMANCE_FOLDER"], "secret")


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def create():
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    SECRET.write_text(secret)
    print(secret)


def publish():
    now = datetime.now(timezone.utc)
    data = json.loads(os.environ["CONFORMANCE_DATA"])
    event = {"type": "conformance.case", "timestamp": now.isoformat(), "data": data}
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    webhook_id = "msg_" + secrets.token_urlsafe(20)
    headers = {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET.read_text()).sign(webhook_id, now, body),
    }
    opener = urllib.request.build_opener(NoRedirects, urllib.request.ProxyHandler({}))
    request = urllib.request.Request(os.environ["CONFORMANCE_URL"], body.encode(), headers, method="POST")
    try:
        opener.open(request, timeout=15).close()
    except (OSError, http.client.HTTPException) as error:
        print(f"not delivered: {error}", file=sys.stderr)


actions = {"create": create, "publish": publish}
action = os.environ["CONFORMANCE_ACTION"]
if action not in actions:
    sys.exit(UNSUPPORTED)
actions[action]()
