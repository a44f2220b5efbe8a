"""Reads the feed of a project: every event once, oldest first, none left out.

Copy this file. It needs only Python 3.9 or newer.
"""

import http.client
import json
import time
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

# Longest pause between two attempts while the API cannot be reached.
MAX_PAUSE_SECONDS = 60


def catch_up(api, project, key, load, store, handle, wait=0, limit=100):
    """Handles all events after the stored cursor, and returns when there are no more.

    Call it again when a webhook arrives, and every minute; or in a loop with `wait=20`, which needs no webhooks. The
    cursor is stored after the events of a page were handled. After a crash, the last page comes again: drop known ids.

    `api` is the URL of the API, without a slash at its end. `key` is an API key with the scope `events:read`. `load()` returns
    the stored cursor; None reads from the oldest event, "latest" from now. `store(cursor)` stores it durably. `handle(event)`
    gets a dict with `id`, `type`, `timestamp` and `data`, and `submissionId` and `sequence` if the event has them. `wait` is
    the number of seconds, up to 20, that the API waits for the first event. `limit` is the number of events per page.
    """
    after = load()
    while True:
        query = {"limit": limit, "wait": wait}
        if after:
            query["after"] = after
        page = _get(f"{api}/v1/projects/{project}/feed?{urlencode(query)}", key, wait)
        for event in page["items"]:
            handle(event)
        if page["cursor"] != after:
            store(page["cursor"])
        if not page["hasMore"]:
            return
        after = page["cursor"]


def _get(url, key, wait):
    """Repeats a call that the API limits (429) or that fails for the moment. Raises HTTPError if repeating cannot help."""
    pause = 1
    while True:
        asked = None
        try:
            with urlopen(Request(url, headers={"x-api-key": key}), timeout=wait + 30) as response:
                return json.load(response)
        except HTTPError as error:
            if error.code != 429 and error.code < 500:
                raise
            asked = error.headers.get("retry-after", "")
        except (OSError, http.client.HTTPException):
            pass  # The network failed, which passes.
        time.sleep(int(asked) if asked and asked.isdecimal() else pause)
        pause = min(pause * 2, MAX_PAUSE_SECONDS)
