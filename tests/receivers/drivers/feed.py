"""Reads the feed once with the Python reader: feed.py URL PROJECT KEY FOLDER [ID]. The folder has the cursor and an inbox.

Prints each event with what the inbox says. Ends with status 3 after the event ID, as if the program crashed there.
"""

import json
import os
import sys
from pathlib import Path
from urllib.error import HTTPError

# The folder of this file comes first, and has a file of the same name.
sys.path[0] = str(Path(__file__).resolve().parents[3] / "docs/receivers/python")

import feed  # noqa: E402
import inbox  # noqa: E402

api, project, key, folder, *crash_at = sys.argv[1:]
cursor, kept = Path(folder, "cursor"), Path(folder, "inbox")
kept.mkdir(exist_ok=True)


def load():
    return cursor.read_text() if cursor.exists() else None


def store(following):
    cursor.with_suffix(".new").write_text(following)
    cursor.with_suffix(".new").replace(cursor)


def handle(event):
    is_kept = inbox.keep(kept, event["id"], json.dumps(event).encode())
    print(event["id"], event["sequence"], "kept" if is_kept else "seen", flush=True)
    if [event["id"]] == crash_at:
        os._exit(3)


try:
    feed.catch_up(api, project, key, load, store, handle, limit=4)
except HTTPError:
    print("refused")
