"""Keeps verified webhooks in a folder, each id once, so that your server answers first and works later.

Copy this file. It needs only Python 3.9 or newer. ../README.md shows the same with a table of a database, for several servers.
"""

import os
import re
import time
import uuid
from pathlib import Path

# Signpost sends a webhook again for up to a week, so the ids of processed ones stay that long.
REMEMBERED_SECONDS = 7 * 24 * 60 * 60


def keep(folder, webhook_id, body):
    """Keeps a webhook that `verify_webhook` accepted, or an item of the feed. When it returns, answer the request with 204.

    Returns False if the id is known: there is nothing to do.
    """
    if not re.fullmatch("[0-9A-Za-z_-]{1,64}", webhook_id):
        raise ValueError("the id cannot be the name of a file")
    draft = Path(folder, f".{webhook_id}.{uuid.uuid4()}")
    try:
        with draft.open("xb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        # A link appears with the whole content, and fails if the id is known, even from two requests at once.
        os.link(draft, Path(folder, webhook_id))
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True


def work(folder, handle):
    """Calls `handle(id, body)` for each kept webhook. If it fails, the webhook stays for the next call.

    After a crash, `handle` can get a webhook again. Run one worker at a time.
    """
    for file in sorted(Path(folder).iterdir()):
        if file.name.startswith("."):
            continue
        body = file.read_bytes()
        if body:
            handle(file.name, body)
            os.truncate(file, 0)  # The empty file remembers the id.
        elif time.time() - file.stat().st_mtime > REMEMBERED_SECONDS:
            file.unlink()
