"""Runs the cases of webhooks on the public library for Python: public.py CASES.

Prints one line for each case: its name, its result, and the signatures that the library makes with the secrets.
"""

import sys
from datetime import datetime, timezone
from pathlib import Path

from standardwebhooks import Webhook, webhooks


class FixedClock(datetime):
    """The library takes the time from here."""

    seconds = 0

    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(cls.seconds, tz=tz)


webhooks.datetime = FixedClock


def verifies(secret, headers, body):
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except Exception:  # The library raises many kinds of errors.
        return False
    return True


def signature_of(secret, webhook_id, timestamp, body):
    try:
        at = datetime.fromtimestamp(int(timestamp), tz=timezone.utc)
        return Webhook(secret).sign(webhook_id, at, body)
    except Exception:
        return "-"


for line in Path(sys.argv[1]).read_text(encoding="utf-8").split("\n"):
    name, *fields = line.split("\t")
    if line.startswith("#") or not fields or fields[0] != "verify-webhook":
        continue
    secrets, now, webhook_id, timestamp, signatures, body = fields[2:]
    FixedClock.seconds = int(now)
    headers = {"webhook-id": webhook_id, "webhook-timestamp": timestamp, "webhook-signature": signatures}
    is_verified = any(verifies(secret, headers, body) for secret in secrets.split(" "))
    made = [signature_of(secret, webhook_id, timestamp, body) for secret in secrets.split(" ")]
    print(name, "ok" if is_verified else "refused", " ".join(made), sep="\t")
