"""Facts about requests and responses for schemathesis that an OpenAPI document cannot state."""

import re
import uuid

import schemathesis

# Problems of valid requests that depend on existing data or on the current time.
STATE_PROBLEMS = {"precondition-failed", "limit-reached", "day-to-come", "report-too-large", "event-gone"}

# Fields that may be rejected although they match the schema: the operation, the pointer, and the start of the detail.
SEMANTIC_PROBLEMS = [
    ("createApiKey", "/expiresAt", "must be in the future"),
    # Product scopes that the deployment does not have, and keys that were imported before.
    ("createApiKey", "/scopes", "the caller lacks "),
    ("createApiKey", "/hash", "is the hash of "),
    ("revokeLeakedApiKey", "/key", "has the form of an operator key"),
    ("rotateApiKey", "/expiresAt", "must be "),
    # Strings that common parsers and databases cannot hold.
    ("publishEvent", "/data(/.*)?", "must "),
    ("publishEvents", r"/events/\d+/data(/.*)?", "must "),
    ("startReplay", "/from", "must not be before"),
    ("startReplay", "/to", "must "),
    ("startReplay", "/endpointId", "is not an endpoint of this project"),
    ("addNotificationUser", "/email", "is already a notification user of this project"),
    ("setReturnUrl", "/url", "must "),
    ("setReturnUrl", r"/fields/\d+", "repeats "),
    ("issueReturnUrlKey", "/secretKey", ""),
    ("rotateSigningSecret", "/signingSecret", ""),
    ("createEndpoint", "/signingSecret", ""),
    ("createEndpoint", "/url", ""),
    ("changeEndpoint", "/url", ""),
    # PEM and pairs of keys are beyond a pattern. A static header or an earlier setting may exclude client credentials.
    ("createEndpoint", "/(oauth2|clientCertificate)(/.*)?", ""),
    ("changeEndpoint", "/(oauth2|clientCertificate)(/.*)?", ""),
    # The other setting is one that the endpoint already has.
    ("changeEndpoint", "/(format|payload|encryption)", "the format "),
    ("mintConsoleLink", "/returnTo", "must "),
]


@schemathesis.hook
def before_call(context, case, kwargs):
    """Gives each request its own idempotency key, and removes cursors and waiting times. Cursors are opaque, and generated ones are invalid."""
    headers = case.headers or {}
    for name, value in headers.items():
        # HTTP servers reject these characters, so a request with them would not reach the API.
        headers[name] = re.sub(r"[\x00-\x1f\x7f]", "", str(value))
    if not is_valid(case):
        return
    for name in [name for name in headers if name.lower() == "idempotency-key"]:
        headers[name] = uuid.uuid4().hex
    for name in ("cursor", "after", "wait"):
        (case.query or {}).pop(name, None)
    if isinstance(case.body, dict) and "cursor" in case.body:
        case.body["cursor"] = None


@schemathesis.check
def valid_requests_are_rejected_only_for_known_problems(ctx, response, case):
    """The configuration allows these status codes for valid requests. Only problems outside the schema may cause them."""
    if not is_valid(case) or response.status_code not in (410, 412, 422, 503):
        return
    problem = response.json()
    if problem["type"].removeprefix("/problems/") in STATE_PROBLEMS:
        return
    operation = case.operation.definition.raw["operationId"]
    for error in problem.get("errors", [{"pointer": "", "detail": problem["detail"]}]):
        assert any(is_known(operation, error, *known) for known in SEMANTIC_PROBLEMS), f"{operation}: {problem}"


def is_known(operation, error, known_operation, pointer, beginning):
    is_there = operation == known_operation and re.fullmatch(pointer, error["pointer"], re.DOTALL)
    return is_there and error["detail"].startswith(beginning)


def is_valid(case):
    return case.meta is not None and case.meta.generation.mode.is_positive
