"""Talks to the emulator the way a deployment pipeline talks to AWS. Reads one JSON request from the command line, writes one JSON answer.

    {"do": "deploy", "stack", "template", "bucket", "prefix", "functions": {name: binary}, "parameters": {…}}
        → {"outputs": {…}}, once every resource stands
    {"do": "invoke", "function", "payload"} → {"payload": …}
    {"do": "environment"} → {"variables": {…}}, those of all functions: where two have one, it is the same
    {"do": "logs", "most"} → {"lines": […]}, what the functions wrote; the last lines, if "most" is not null

Where the emulator is, and whose credentials to show, comes from the usual AWS variables. A failure is told on standard error.
"""

import io
import json
import sys
import time
import zipfile

import boto3

DEPLOYMENT_SECONDS = 120
# The most events that one call for logs answers.
LOG_PAGE = 10_000


def deploy(request):
    upload(request["bucket"], request["prefix"], request["functions"])
    # On AWS, whoever deploys has done this before; SES sends from verified addresses only.
    boto3.client("sesv2").create_email_identity(EmailIdentity=request["parameters"]["MailFrom"])
    cloudformation = boto3.client("cloudformation")
    name = request["stack"]
    with open(request["template"], encoding="utf-8") as template:
        cloudformation.create_stack(
            StackName=name,
            TemplateBody=template.read(),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in request["parameters"].items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            OnFailure="DO_NOTHING",
        )
    deadline = time.monotonic() + DEPLOYMENT_SECONDS
    while True:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if stack["StackStatus"] == "CREATE_COMPLETE":
            return {"outputs": {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}}
        if stack["StackStatus"] != "CREATE_IN_PROGRESS" or time.monotonic() > deadline:
            sys.exit("\n".join([f"the deployment stopped at {stack['StackStatus']}", *failures(cloudformation, name)]))
        time.sleep(0.1)


def failures(cloudformation, name):
    for event in cloudformation.describe_stack_events(StackName=name)["StackEvents"]:
        if event["ResourceStatus"].endswith("FAILED"):
            yield f"{event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', 'no reason given')}"


def upload(bucket, prefix, functions):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=bucket)
    for name, binary in functions.items():
        s3.put_object(Bucket=bucket, Key=f"{prefix}/{name}.zip", Body=zipped(binary))


def zipped(binary):
    """The zip file that Lambda expects: the program as `bootstrap`, executable. Not compressed, since it goes nowhere."""
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = 0o100755 << 16
    archive = io.BytesIO()
    with open(binary, "rb") as program, zipfile.ZipFile(archive, "w") as file:
        file.writestr(entry, program.read())
    return archive.getvalue()


def invoke(request):
    answer = boto3.client("lambda").invoke(FunctionName=request["function"], Payload=json.dumps(request["payload"]))
    payload = answer["Payload"].read().decode()
    if "FunctionError" in answer:
        sys.exit(f"{request['function']} failed: {payload}")
    return {"payload": json.loads(payload or "null")}


def environment(_):
    variables = {}
    for function in boto3.client("lambda").list_functions()["Functions"]:
        variables.update(function["Environment"]["Variables"])
    return {"variables": variables}


def logs(request):
    client = boto3.client("logs")
    events = []
    for group in client.get_paginator("describe_log_groups").paginate().search("logGroups[].logGroupName"):
        for event in written_to(client, group):
            # Lambda's own lines frame each invocation and tell nothing here.
            if not event["message"].startswith(("START ", "END ", "REPORT ")):
                events.append((event["timestamp"], f"{group.rsplit('/', 1)[1]}: {event['message'].rstrip()}"))
    lines = [line for _, line in sorted(events)]
    return {"lines": lines if request["most"] is None else lines[-request["most"] :]}


def written_to(client, group):
    """All that a group of logs holds. The emulator gives no token for the next page, so each goes on from the last one's time."""
    start = 0
    while True:
        page = client.filter_log_events(logGroupName=group, startTime=start, limit=LOG_PAGE)["events"]
        if len(page) < LOG_PAGE:
            yield from page
            return
        start = page[-1]["timestamp"]
        yield from (event for event in page if event["timestamp"] < start)


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    json.dump({"deploy": deploy, "invoke": invoke, "environment": environment, "logs": logs}[asked["do"]](asked), sys.stdout)
