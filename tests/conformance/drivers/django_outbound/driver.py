#!/usr/bin/env python3
"""Makes the open-source sender django-outbound-webhooks act for the conformance suite.

Needs the packages of `requirements.txt`. Each case has a database and a relay of its own, in the folder of the case. The relay
ends when the suite removes the folder.
"""

import base64
import os
import secrets
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.db import transaction

FOLDER = Path(os.environ["CONFORMANCE_FOLDER"])
ACTION = sys.argv[1] if len(sys.argv) > 1 else os.environ["CONFORMANCE_ACTION"]

settings.configure(
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django_domain_events",
        "django_outbound_webhooks",
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": FOLDER / "db.sqlite3",
            "OPTIONS": {"timeout": 30, "transaction_mode": "IMMEDIATE"},
        }
    },
    USE_TZ=True,
    # Short pauses between attempts, and receivers on this machine.
    DJANGO_DOMAIN_EVENTS={"WAKE": "poll", "POLL_SECONDS": 0.5, "BACKOFF_BASE_SECONDS": 0.5},
    DJANGO_OUTBOUND_WEBHOOKS={"ALLOW_PRIVATE_ADDRESSES": True},
)
django.setup()

from django_domain_events import event, fire  # noqa: E402
from django_outbound_webhooks import register_endpoint, replay_delivery, rotate_secret  # noqa: E402
from django_outbound_webhooks.models.delivery_attempt import DeliveryAttempt  # noqa: E402
from django_outbound_webhooks.models.endpoint import Endpoint  # noqa: E402


@event(name="conformance.case")
@dataclass(frozen=True)
class Case:
    data: str


def new_secret():
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


def create():
    call_command("migrate", verbosity=0)
    secret = new_secret()
    register_endpoint(name="case", url=os.environ["CONFORMANCE_URL"], secret=secret, event_names=["conformance.case"])
    nothing = subprocess.DEVNULL
    subprocess.Popen(
        [sys.executable, __file__, "relay"], stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
    )
    print(secret)


def publish():
    with transaction.atomic():
        fire(Case(data=os.environ["CONFORMANCE_DATA"]))


def rotate():
    secret = new_secret()
    rotate_secret(Endpoint.objects.get(), new_secret=secret)
    print(secret)


def replay():
    replay_delivery(message_id=DeliveryAttempt.objects.latest("pk").message_id)


def relay():
    def end_with_folder():
        while FOLDER.exists():
            time.sleep(0.5)
        os._exit(0)

    threading.Thread(target=end_with_folder, daemon=True).start()
    while True:
        # With SQLite there is only one relay, which runs pass by pass.
        call_command("deliver_events", once=True, verbosity=0)
        time.sleep(0.5)


{"create": create, "publish": publish, "rotate": rotate, "replay": replay, "relay": relay}[ACTION]()
