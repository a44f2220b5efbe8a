"""Deploys the root template with its nested stacks on MiniStack, the emulator of the local stack.

Three things are replaced, because MiniStack lacks them: the application is transformed before (it does not transform nested
templates), alarms on expressions are left out, and Egress=none leaves out the network (no NAT gateways).
"""

import json
import os
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

import boto3
from templates import FOLDER, load, transformed

TOOLS = Path(os.environ.get("CARGO_TARGET_DIR", FOLDER.parent / "target")) / "tools"
EMULATOR = TOOLS / "local-stack/bin/python"
REGION = "us-east-1"
# As long as a name may be.
NAME = "signpost-with-a-name-of-forty-characters"
PARAMETERS = {
    "OperatorKeyHashes": "0" * 64,
    "MailFrom": "reports@example.com",
    "AlarmEmail": "on-call@example.com",
    "Egress": "none",
    "ProductAuthorizer": "yes",
    "ProductScopes": "submissions:read",
    "ProductRoutes": "GET /submissions=submissions:read",
    # The emulator cannot read a concurrency from a parameter.
    "SenderConcurrency": "0",
    "SlowSenderConcurrency": "0",
    "ReportConcurrency": "0",
}


def alarms():
    template = load("alarms")
    resources = template["Resources"].items()
    template["Resources"] = {name: r for name, r in resources if "Metrics" not in r["Properties"]}
    return template


class RootTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not EMULATOR.exists():
            raise unittest.SkipTest("MiniStack is not installed: run `cargo stack up` once")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        cls.endpoint = f"http://127.0.0.1:{port}"
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": folder.name,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "AWS_ENDPOINT_URL": cls.endpoint,
            "LOG_LEVEL": "ERROR",
        }
        emulator = subprocess.Popen(
            [EMULATOR, "-c", "from ministack.app import main; main()"],
            env=environment,
            cwd=folder.name,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        cls.addClassCleanup(emulator.wait)
        cls.addClassCleanup(emulator.terminate)
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"{cls.endpoint}/_ministack/health").close()
                break
            except OSError:
                assert time.monotonic() < deadline and emulator.poll() is None, "MiniStack did not start"
                time.sleep(0.1)
        cls.session = boto3.Session("test", "test", region_name=REGION)
        s3 = cls.client("s3")
        s3.create_bucket(Bucket="code")
        root = load("signpost")
        templates = {"network": load("network"), "application": transformed("application"), "alarms": alarms(), "signpost": root}
        for name, template in templates.items():
            if name != "signpost":
                nested = next(r for r in root["Resources"].values() if r["Properties"].get("TemplateURL") == f"{name}.yaml")
                nested["Properties"]["TemplateURL"] = f"{cls.endpoint}/code/{name}.json"
            s3.put_object(Bucket="code", Key=f"{name}.json", Body=json.dumps(template).encode())
        cls.cloudformation = cls.client("cloudformation")
        cls.create(NAME)

    @classmethod
    def client(cls, service):
        return cls.session.client(service, endpoint_url=cls.endpoint)

    @classmethod
    def create(cls, name, **parameters):
        cls.cloudformation.create_stack(
            StackName=name,
            TemplateURL=f"{cls.endpoint}/code/signpost.json",
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in {**PARAMETERS, **parameters}.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            OnFailure="DO_NOTHING",
        )
        cls.wait(name, "CREATE_COMPLETE")

    @classmethod
    def wait(cls, name, wanted):
        deadline = time.monotonic() + 120
        while (stack := cls.stack(name))["StackStatus"] != wanted:
            if not stack["StackStatus"].endswith("IN_PROGRESS") or time.monotonic() > deadline:
                events = cls.cloudformation.describe_stack_events(StackName=name)["StackEvents"]
                reasons = [event.get("ResourceStatusReason") for event in events if event["ResourceStatus"].endswith("FAILED")]
                raise AssertionError(f"{stack['StackStatus']}: {reasons}")
            time.sleep(0.2)

    @classmethod
    def stack(cls, name):
        return cls.cloudformation.describe_stacks(StackName=name)["Stacks"][0]

    def outputs(self, name):
        return {output["OutputKey"]: output["OutputValue"] for output in self.stack(name)["Outputs"]}

    def functions(self, prefix):
        functions = self.client("lambda").list_functions()["Functions"]
        return {f["FunctionName"]: f for f in functions if f["FunctionName"].startswith(f"{prefix}-")}

    def test_the_longest_name_deploys_and_names_every_function(self):
        folders = {path.name for path in (FOLDER.parent / "functions").iterdir() if path.is_dir()}
        # The feed has the code of api.
        self.assertEqual(set(self.functions(NAME)), {f"{NAME}-{function}" for function in [*folders, "feed"]})
        self.assertTrue({"ApiUrl", "RedirectUrl", "ConsoleUrl", "SettingsTable", "ActivityTable", "KeyRingSecret"} <= set(self.outputs(NAME)))

    def test_a_second_stack_works_on_the_data_of_the_first(self):
        data = self.outputs(NAME)
        tables = self.client("dynamodb")
        arn = lambda table: tables.describe_table(TableName=table)["Table"]["TableArn"]
        ring = self.client("secretsmanager").describe_secret(SecretId=data["KeyRingSecret"])["ARN"]
        before = tables.list_tables()["TableNames"]
        self.create(
            "recovered",
            ExistingSettingsTable=arn(data["SettingsTable"]),
            ExistingActivityTable=arn(data["ActivityTable"]),
            ExistingKeyRing=ring,
        )
        self.assertEqual(tables.list_tables()["TableNames"], before)
        recovered = self.outputs("recovered")
        self.assertEqual((recovered["SettingsTable"], recovered["ActivityTable"]), (data["SettingsTable"], data["ActivityTable"]))
        variables = self.functions("recovered")["recovered-api"]["Environment"]["Variables"]
        self.assertEqual((variables["SETTINGS_TABLE"], variables["KEY_RING_SECRET"]), (data["SettingsTable"], ring))

    # MiniStack ignores the deletion policies of nested stacks, so these two deploy the application alone.
    def application(self, name, wanted, template="application"):
        parameters = {key: value for key, value in PARAMETERS.items() if key not in ("AlarmEmail", "Egress")}
        self.cloudformation.create_stack(
            StackName=name,
            TemplateURL=f"{self.endpoint}/code/{template}.json",
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in {**parameters, "Name": name}.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        self.wait(name, wanted)

    def tables(self, stack):
        return [table for table in self.client("dynamodb").list_tables()["TableNames"] if table.startswith(f"{stack}-")]

    def test_data_outlives_its_stack(self):
        self.application("deleted", "CREATE_COMPLETE")
        before = self.tables("deleted")
        self.assertEqual(len(before), 2)
        self.cloudformation.delete_stack(StackName="deleted")
        deadline = time.monotonic() + 60
        while self.functions("deleted"):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.2)
        self.assertEqual(self.tables("deleted"), before)

    def test_a_deployment_that_fails_leaves_no_table_behind(self):
        template = transformed("application")
        data = ["SettingsTable", "ActivityTable", "KeyRing"]
        missing = {"TemplateURL": f"{self.endpoint}/code/missing.json"}
        template["Resources"]["Impossible"] = {"Type": "AWS::CloudFormation::Stack", "Properties": missing, "DependsOn": data}
        self.client("s3").put_object(Bucket="code", Key="failing.json", Body=json.dumps(template).encode())
        self.application("failed", "ROLLBACK_COMPLETE", template="failing")
        pages = self.cloudformation.get_paginator("describe_stack_events").paginate(StackName="failed")
        events = list(pages.search("StackEvents[]"))
        created = {event["LogicalResourceId"] for event in events if event["ResourceStatus"] == "CREATE_COMPLETE"}
        self.assertLessEqual(set(data), created)
        self.assertEqual(self.tables("failed"), [])


if __name__ == "__main__":
    unittest.main()
