#!/usr/bin/env python3
"""Makes Signpost act for the conformance suite. Needs SIGNPOST_API (its URL) and SIGNPOST_OPERATOR_KEY.

Each case has a project of its own, because an event goes to all endpoints of its project.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

STATE = Path(os.environ["CONFORMANCE_FOLDER"], "state.json")


def call(path, body):
    headers = {"content-type": "application/json", "x-api-key": os.environ["SIGNPOST_OPERATOR_KEY"]}
    url = os.environ["SIGNPOST_API"] + path
    while True:
        try:
            request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            if error.code != 429:
                sys.exit(f"{path}: {error.code} {error.read().decode()}")
            time.sleep(int(error.headers.get("retry-after", "1")))


def create():
    project = call("/v1/projects", {"name": "conformance " + os.environ["CONFORMANCE_CASE"]})["id"]
    endpoint = call(f"/v1/projects/{project}/endpoints", {"url": os.environ["CONFORMANCE_URL"]})
    print(endpoint["signingSecret"])
    return {"project": f"/v1/projects/{project}", "endpoint": endpoint["id"]}


def publish(state):
    data = json.loads(os.environ["CONFORMANCE_DATA"])
    event = call(state["project"] + "/events", {"type": "updated", "data": data})
    return {**state, "delivery": next((delivery["id"] for delivery in event["deliveries"]), None)}


def rotate(state):
    path = f"{state['project']}/endpoints/{state['endpoint']}/signing-secret/rotate"
    print(call(path, {"overlapDays": 1})["signingSecret"])
    return state


def replay(state):
    call(f"{state['project']}/deliveries/{state['delivery']}/replay", {})
    return state


action = os.environ["CONFORMANCE_ACTION"]
if action == "create":
    following = create()
else:
    following = {"publish": publish, "rotate": rotate, "replay": replay}[action](json.loads(STATE.read_text()))
STATE.write_text(json.dumps(following))
