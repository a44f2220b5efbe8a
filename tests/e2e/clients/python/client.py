"""Publishes an event and reads its delivery, with the client that openapi-python-client generated.

Prints the state of the delivery. The environment names the API, the API key and the project. PYTHONPATH leads to the client.
"""

import os
import time
from uuid import UUID

from signpost_client import AuthenticatedClient
from signpost_client.api.deliveries import list_deliveries
from signpost_client.api.events import publish_event
from signpost_client.models import AcceptedEvent, DeliveryList, EventType, NewEvent, NewEventData

client = AuthenticatedClient(
    base_url=os.environ["API_URL"],
    token=os.environ["API_KEY"],
    prefix="",
    auth_header_name="x-api-key",
    raise_on_unexpected_status=True,
)
project = UUID(os.environ["PROJECT"])

event = NewEvent(type_=EventType.APPROVED, data=NewEventData.from_dict({"score": 1.5}))
accepted = publish_event.sync(project, client=client, body=event)
assert isinstance(accepted, AcceptedEvent), accepted

deadline = time.monotonic() + 60
while True:
    page = list_deliveries.sync(project, client=client, event=accepted.id)
    assert isinstance(page, DeliveryList), page
    state = page.items[0].state.value
    if state == "delivered" or time.monotonic() > deadline:
        break
    time.sleep(0.1)
print(state)
