"""What the document cannot say of requests and answers, for schemathesis."""

import re
import uuid

import schemathesis

# Refusals of good requests: for what there is already, or for when they come.
FOR_WHAT_THERE_IS = {"precondition-failed", "limit-reached", "day-to-come", "report-too-large", "event-gone"}

# Fields that may be refused although they are as documented: the operation, where in the body, and how the reason begins.
FOR_WHAT_IT_MEANS = [
    ("rotateApiKey", "/expiresAt", "must be in the future"),
    ("startReplay", "/from", "must not be before"),
    ("startReplay", "/to", "must "),
    ("startReplay", "/endpointId", "is not an endpoint of this project"),
    ("addNotificationUser", "/email", "is a notification user of this project already"),
    ("setReturnUrl", "/url", "must "),
    ("setReturnUrl", r"/fields/\d+", "names "),
    ("createEndpoint", "/url", ""),
    ("changeEndpoint", "/url", ""),
]


@schemathesis.hook
def before_call(context, case, kwargs):
    """A key stands for one request, so each gets its own. Cursors are opaque: the ones made up here stand for nothing."""
    headers = case.headers or {}
    for name, value in headers.items():
        # No HTTP server hands these on, so that whatever stands in front of the API answers.
        headers[name] = re.sub(r"[\x00-\x1f\x7f]", "", str(value))
    if not is_good(case):
        return
    for name in [name for name in headers if name.lower() == "idempotency-key"]:
        headers[name] = uuid.uuid4().hex
    (case.query or {}).pop("cursor", None)
    if isinstance(case.body, dict) and "cursor" in case.body:
        case.body["cursor"] = None


@schemathesis.check
def good_requests_are_refused_for_a_reason(ctx, response, case):
    """Of the refusals that the configuration lets pass, only those that no document could foresee."""
    if not is_good(case) or response.status_code not in (410, 412, 422, 503):
        return
    problem = response.json()
    if problem["type"].removeprefix("/problems/") in FOR_WHAT_THERE_IS:
        return
    operation = case.operation.definition.raw["operationId"]
    for error in problem.get("errors", [{"pointer": "", "detail": problem["detail"]}]):
        assert any(is_known(operation, error, *known) for known in FOR_WHAT_IT_MEANS), f"{operation}: {problem}"


def is_known(operation, error, known_operation, pointer, beginning):
    is_there = operation == known_operation and re.fullmatch(pointer, error["pointer"])
    return is_there and error["detail"].startswith(beginning)


def is_good(case):
    return case.meta is not None and case.meta.generation.mode.is_positive
