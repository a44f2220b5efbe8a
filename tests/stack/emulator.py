"""Starts MiniStack, and records which permissions the functions need: each check of a role, once.

    emulator.py FILE

For the first check of an action on a resource, this script appends a line to FILE:

    {"role": "signpost-ApiRole-…", "action": "dynamodb:GetItem", "resource": "arn:aws:dynamodb:…", "allowed": true}

MiniStack checks roles only with AUTH=true. Otherwise, the file stays empty.
"""

import functools
import json
import re
import sys
import threading

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.services import sns, sqs


def recording(enforce, file):
    """Wraps `enforce`, which returns `None` for an allowed call, so that each check of a role is recorded."""
    recorded = set()

    def enforce_and_record(access_key, action, service, region, resource_arn="*", service_context=None):
        refusal = enforce(access_key, action, service, region, resource_arn, service_context)
        caller = iam_evaluator.resolve_caller_identity(access_key) or {"userArn": ""}
        # arn:aws:sts::000000000000:assumed-role/ROLE/SESSION
        _, _, session = caller["userArn"].partition(":assumed-role/")
        check = (session.split("/")[0], action, resource_arn, refusal is None)
        if session and check not in recorded:
            recorded.add(check)
            line = dict(zip(("role", "action", "resource", "allowed"), check))
            print(json.dumps(line), file=file, flush=True)
        return refusal

    return enforce_and_record


def with_batches_of_messages(action_of):
    """AWS checks `sqs:SendMessage` and `sqs:DeleteMessage` for batches too. MiniStack checks actions that AWS does not have."""

    def action_as_on_aws(*request):
        action = action_of(*request)
        return action.removesuffix("Batch") if action in ("sqs:SendMessageBatch", "sqs:DeleteMessageBatch") else action

    return action_as_on_aws


def with_batches_of_statements(checks_of):
    """AWS checks each PartiQL statement of a batch, on its table. MiniStack checks an action that AWS does not have."""

    def checks_as_on_aws(action, body, region, account):
        if action != "dynamodb:BatchExecuteStatement":
            return checks_of(action, body, region, account)
        statements = (statement["Statement"] for statement in json.loads(body)["Statements"])
        # Such as: INSERT INTO "signpost-ActivityTable" VALUE {…}
        parts = (re.match(r'(\w+)[^"]*"([^"]+)"', statement).groups() for statement in statements)
        return [
            (f"dynamodb:PartiQL{operation.capitalize()}", f"arn:aws:dynamodb:{region}:{account}:table/{table}")
            for operation, table in parts
        ]

    return checks_as_on_aws


def with_tls(value_of):
    """The policies of queues and topics refuse requests without TLS. The emulator has none, so its requests count as encrypted."""

    def value_on_aws(key, context):
        return "true" if key.lower() == "aws:securetransport" else value_of(key, context)

    return value_on_aws


def share_queues_between_threads():
    """Makes the event source mappings and the callers of SQS take turns on the queues.

    The mappings run in a thread of their own. MiniStack locks the queues only there, so a caller that receives at the same moment gets
    the same messages, and a message that is sent while others are deleted can be lost.
    """
    # The functions below call each other, so a thread must be able to lock twice.
    lock = sqs._queues_lock = threading.RLock()

    def locked(function):
        @functools.wraps(function)
        def call(*arguments, **options):
            with lock:
                return function(*arguments, **options)

        return call

    # `ReceiveMessage` waits for messages, so only the steps that change a queue are locked.
    for step in ("_expire_retained", "_dlq_sweep", "_collect_msgs"):
        setattr(sqs, step, locked(getattr(sqs, step)))
    for action in set(sqs._HANDLERS) - {"ReceiveMessage"}:
        sqs._HANDLERS[action] = locked(sqs._HANDLERS[action])
    sns._deliver_to_sqs = locked(sns._deliver_to_sqs)


def main(path):
    file = open(path, "w", encoding="utf-8")
    iam_evaluator.enforce = recording(iam_evaluator.enforce, file)
    iam_actions.extract_iam_action = with_batches_of_messages(iam_actions.extract_iam_action)
    iam_actions.dynamodb_transaction_checks = with_batches_of_statements(iam_actions.dynamodb_transaction_checks)
    iam_evaluator._resolve_condition_key = with_tls(iam_evaluator._resolve_condition_key)
    share_queues_between_threads()
    # MiniStack reads its own arguments from here.
    del sys.argv[1:]
    app.main()


if __name__ == "__main__":
    main(sys.argv[1])
