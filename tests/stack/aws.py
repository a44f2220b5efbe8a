"""Calls the emulator as a deployment pipeline calls AWS. Reads one JSON request from the command line, prints one JSON response.

    {"do": "deploy", "stack", "template", "bucket", "functions": {name: binary}, "parameters": {…}}
        → {"outputs": {…}}, when every resource exists
    {"do": "deploy-example", "stack", "template", "parameters": {…}} → {"outputs": {…}}, when every resource exists
    {"do": "invoke", "function", "payload"} → {"payload": …}
    {"do": "environment", "stack"} → {"variables": {…}}, those of all functions, merged: a name has the same value in all of them
    {"do": "permissions", "stack"} → {"roles": {function: {"name", "allowed": [{"action", "resource"}]}}, "resources": {physical id: logical id}},
        the roles of all functions with the permissions that their policies allow, and all resources of the stack
    {"do": "logs", "stack", "limit"} → {"lines": […]}, the log lines of all functions: the latest ones, or all if "limit" is null

The names of the functions of a stack begin with the name of the stack.

The usual AWS environment variables give the endpoint and the credentials. Errors go to standard error.
"""

import io
import json
import re
import sys
import time
import zipfile

import boto3

DEPLOYMENT_SECONDS = 120
# The maximum number of events in one page of logs.
LOG_PAGE = 10_000


def deploy(request):
    template = upload(request)
    # SES sends only from verified addresses. On AWS, the address is verified once, before the first deployment.
    boto3.client("sesv2").create_email_identity(EmailIdentity=request["parameters"]["MailFrom"])
    return create(request, TemplateURL=template)


def deploy_example(request):
    with open(request["template"], encoding="utf-8") as template:
        return create(request, TemplateBody=template.read())


def create(request, **template):
    cloudformation = boto3.client("cloudformation")
    name = request["stack"]
    cloudformation.create_stack(
        StackName=name,
        **template,
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


def upload(request):
    """Uploads the functions and the template. Returns the URL of the template, which is too large to be part of a call.

    As `sam deploy` does, this replaces the folder of each function in the template by the address of its zip file.
    """
    s3 = boto3.client("s3")
    bucket = request["bucket"]
    s3.create_bucket(Bucket=bucket)
    for name, binary in request["functions"].items():
        s3.put_object(Bucket=bucket, Key=f"{name}.zip", Body=zipped(binary))
    with open(request["template"], encoding="utf-8") as template:
        packaged = re.sub(r"CodeUri: \.\./functions/(\S+)", rf"CodeUri: s3://{bucket}/\1.zip", template.read())
    s3.put_object(Bucket=bucket, Key="application.yaml", Body=packaged.encode())
    return f"{s3.meta.endpoint_url}/{bucket}/application.yaml"


def zipped(binary):
    """The zip file that Lambda expects: the program as an executable file `bootstrap`. Compressing it would only cost time here."""
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


def functions_of(stack):
    functions = boto3.client("lambda").list_functions()["Functions"]
    return [function for function in functions if function["FunctionName"].startswith(f"{stack}-")]


def environment(request):
    variables = {}
    for function in functions_of(request["stack"]):
        variables.update(function["Environment"]["Variables"])
    return {"variables": variables}


def permissions(request):
    functions = functions_of(request["stack"])
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=request["stack"])
    resources = pages.search("StackResourceSummaries[]")
    return {
        "roles": {function["FunctionName"]: role(function["Role"].rsplit("/", 1)[1]) for function in functions},
        "resources": {resource["PhysicalResourceId"]: resource["LogicalResourceId"] for resource in resources},
    }


def role(name):
    iam = boto3.client("iam")
    if iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        sys.exit(f"{name} has managed policies, whose permissions are not listed here")
    policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"] for policy in policies]
    allowed = [
        {"action": action, "resource": resource}
        for document in documents
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    ]
    return {"name": name, "allowed": allowed}


def listed(value):
    return value if isinstance(value, list) else [value]


def logs(request):
    client = boto3.client("logs")
    events = []
    groups = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"/aws/lambda/{request['stack']}-")
    for group in groups.search("logGroups[].logGroupName"):
        for event in written_to(client, group):
            # Lambda adds these lines to each invocation. They are not from the function.
            if not event["message"].startswith(("START ", "END ", "REPORT ")):
                events.append((event["timestamp"], f"{group.rsplit('/', 1)[1]}: {event['message'].rstrip()}"))
    lines = [line for _, line in sorted(events)]
    return {"lines": lines if request["limit"] is None else lines[-request["limit"] :]}


def written_to(client, group):
    """All events of a log group. The emulator returns no token for the next page, so each page starts at the last event's time."""
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
    actions = {
        "deploy": deploy,
        "deploy-example": deploy_example,
        "invoke": invoke,
        "environment": environment,
        "permissions": permissions,
        "logs": logs,
    }
    json.dump(actions[asked["do"]](asked), sys.stdout)
