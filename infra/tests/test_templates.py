"""What each template must have so that it can be deployed, updated and left on AWS. Each test names what would go wrong."""

import json
import re
import unittest

from deployment import PSEUDO, ZONES
from templates import FOLDER, NAMES, Resolver, load, resources_of, transformed

REQUIRED = {"OperatorKeyHashes": "0" * 64, "MailFrom": "reports@example.com"}
TEMPLATES = {name: load(name) for name in NAMES}
APPLICATION = transformed("application")
ROOT = TEMPLATES["signpost"]


def resolved(**parameters):
    """The resources of the application for the given parameters, with the names and ARNs of other resources made up."""
    parameters = {"Name": "signpost", **REQUIRED, "SubnetIds": "", "SecurityGroupIds": "", **parameters}
    resolver = Resolver(APPLICATION, parameters, PSEUDO, ZONES)
    resources = resolver.resources()
    for name in resources:
        resolver.found[name] = name
        resolver.attributes[name] = {"Arn": f"arn:{name}", "Id": f"arn:{name}", "QueueName": name}
    return {name: resolver.value(resource) for name, resource in resources.items()}


class NamesTest(unittest.TestCase):
    # Limits of AWS for names that the templates choose.
    LIMITS = {
        "AWS::Lambda::Function": ("FunctionName", 64),
        "AWS::Scheduler::Schedule": ("Name", 64),
        "AWS::Scheduler::ScheduleGroup": ("Name", 64),
        "AWS::SES::ConfigurationSet": ("Name", 64),
        "AWS::ApiGatewayV2::Api": ("Name", 128),
        "AWS::Logs::LogGroup": ("LogGroupName", 512),
        "AWS::CloudWatch::Alarm": ("AlarmName", 255),
        "AWS::CloudWatch::Dashboard": ("DashboardName", 255),
    }

    def test_the_longest_allowed_name_fits_into_every_name_of_a_resource(self):
        longest = "n" * 40
        self.assertTrue(re.fullmatch(TEMPLATES["application"]["Parameters"]["Name"]["AllowedPattern"], longest))
        self.assertFalse(re.fullmatch(TEMPLATES["application"]["Parameters"]["Name"]["AllowedPattern"], longest + "n"))
        seen = set()
        for template in (APPLICATION, TEMPLATES["alarms"], TEMPLATES["network"]):
            for kind, (key, limit) in self.LIMITS.items():
                for resource, body in resources_of(template, kind).items():
                    name = json.dumps(body["Properties"][key])
                    seen.add(kind)
                    self.assertRegex(name, r'"(\$\{Name\}|/aws/\w+/\$\{Name\}|Name")', f"{resource} has the same name in every stack")
                    text = body["Properties"][key].get("Fn::Sub", "${Name}")
                    self.assertLessEqual(len(text.replace("${Name}", longest).replace("${AWS::Region}", "ap-southeast-2")), limit, resource)
        self.assertEqual(seen, set(self.LIMITS))

    def test_the_dashboard_of_each_region_has_its_own_name(self):
        (dashboard,) = resources_of(TEMPLATES["alarms"], "AWS::CloudWatch::Dashboard").values()
        self.assertEqual(dashboard["Properties"]["DashboardName"], {"Fn::Sub": "${Name}-${AWS::Region}"})

    def test_roles_have_no_name_so_that_their_length_is_no_matter(self):
        for role in resources_of(APPLICATION, "AWS::IAM::Role").values():
            self.assertNotIn("RoleName", role["Properties"])


# Actions that a role may allow on all resources, by their beginning, with the reason.
ON_ANY_RESOURCE = {
    "ses:SendEmail": "a condition limits the sender instead: SES may check identities that are not known in advance",
    "ec2:": "AWS supports no narrower resource for a function's network interfaces",
    "xray:": "AWS supports no resource for traces",
}
# Actions of the SDK that IAM does not have: they are checked as another action.
NO_ACTIONS_OF_IAM = {"sqs:SendMessageBatch", "sqs:DeleteMessageBatch", "sqs:ChangeMessageVisibilityBatch"}


def listed(value):
    return value if isinstance(value, list) else [value]


class RolesTest(unittest.TestCase):
    def roles(self):
        for template in (APPLICATION, TEMPLATES["network"]):
            yield from resources_of(template, "AWS::IAM::Role").items()

    def allowed(self):
        """The statements that allow something, also those under a condition: the role, the actions and the resources."""
        for name, role in self.roles():
            for policy in role["Properties"]["Policies"]:
                for statement in policy["PolicyDocument"]["Statement"]:
                    statement = statement["Fn::If"][1] if "Fn::If" in statement else statement
                    if statement["Effect"] == "Allow":
                        yield name, listed(statement["Action"]), listed(statement["Resource"])

    def test_every_action_exists_in_iam(self):
        # cfn-lint knows the actions of IAM and checks the transformed template (W3037). This names the trap.
        for role, actions, _ in self.allowed():
            self.assertFalse(NO_ACTIONS_OF_IAM & set(actions), role)

    def test_only_listed_actions_are_allowed_on_every_resource(self):
        for role, actions, resources in self.allowed():
            for action in actions if "*" in resources else []:
                self.assertTrue(action.startswith(tuple(ON_ANY_RESOURCE)), f"{role} may use {action} on every resource")

    def test_only_functions_that_open_sealed_values_read_the_key_ring(self):
        readers = {role for role, actions, _ in self.allowed() if "secretsmanager:GetSecretValue" in actions}
        self.assertEqual(readers, {"ApiRole", "ConsoleRole", "DailyDigestRole", "FeedRole", "RedirectRole", "WebhookSenderRole"})

    def test_no_role_has_a_wildcard_in_an_action_or_in_part_of_a_resource(self):
        for role, actions, resources in self.allowed():
            self.assertNotIn("*", json.dumps(actions), role)
            self.assertNotIn("*", json.dumps([resource for resource in resources if resource != "*"]), role)

    def test_every_role_has_the_path_and_the_boundary_of_the_organization(self):
        boundary = {"Fn::If": ["HasPermissionsBoundary", {"Ref": "PermissionsBoundaryArn"}, {"Ref": "AWS::NoValue"}]}
        for name, role in self.roles():
            self.assertEqual(role["Properties"].get("Path"), {"Ref": "RolePath"}, name)
            self.assertEqual(role["Properties"].get("PermissionsBoundary"), boundary, name)

    def test_the_sender_may_delete_its_network_interfaces_after_it_left_the_network(self):
        # The statement must be there with and without a VPC: Lambda deletes the interfaces with the role as it is then.
        statements = APPLICATION["Resources"]["WebhookSenderRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        allowed = [s for s in statements if s.get("Effect") == "Allow" and "ec2:DeleteNetworkInterface" in s["Action"]]
        self.assertEqual(len(allowed), 1)

    def test_every_statement_that_uses_the_key_depends_on_the_key(self):
        for name, role in self.roles():
            text = json.dumps(role)
            if name in ("ScheduleRole", "FlowLogRole"):
                self.assertNotIn("kms:", text, name)
            else:
                self.assertIn('{"Fn::If": ["HasKmsKey", {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"]', text, name)


class DataTest(unittest.TestCase):
    RETAINED = {
        "application": {"SettingsTable", "ActivityTable", "KeyRing"},
        "network": {"FirstAddress", "SecondAddress"},
    }

    def test_data_and_addresses_outlive_the_stack_but_not_a_deployment_that_failed(self):
        for template, names in self.RETAINED.items():
            resources = TEMPLATES[template]["Resources"]
            retained = {name for name, resource in resources.items() if resource.get("DeletionPolicy", "Delete") != "Delete"}
            self.assertEqual(retained, names)
            for name in names:
                self.assertEqual(resources[name]["DeletionPolicy"], "RetainExceptOnCreate", name)
                self.assertEqual(resources[name]["UpdateReplacePolicy"], "Retain", name)

    def test_existing_tables_and_an_existing_key_ring_are_used_and_none_is_created(self):
        arns = {
            "ExistingSettingsTable": "arn:aws:dynamodb:eu-central-1:1:table/old-settings",
            "ExistingActivityTable": "arn:aws:dynamodb:eu-central-1:1:table/old-activity",
            "ExistingKeyRing": "arn:aws:secretsmanager:eu-central-1:1:secret:old-ring-a1b2c3",
        }
        resources = resolved(**arns)
        self.assertFalse({"SettingsTable", "ActivityTable", "KeyRing"} & set(resources))
        variables = resources["Api"]["Properties"]["Environment"]["Variables"]
        self.assertEqual((variables["SETTINGS_TABLE"], variables["ACTIVITY_TABLE"]), ("old-settings", "old-activity"))
        self.assertEqual(variables["KEY_RING_SECRET"], arns["ExistingKeyRing"])
        role = json.dumps(resources["ApiRole"])
        for resource in [*arns.values(), arns["ExistingSettingsTable"] + "/index/key-hash", arns["ExistingActivityTable"] + "/index/held"]:
            self.assertIn(f'"{resource}"', role)

    def test_without_existing_data_the_functions_use_the_new_tables(self):
        variables = resolved()["Api"]["Properties"]["Environment"]["Variables"]
        self.assertEqual((variables["SETTINGS_TABLE"], variables["ACTIVITY_TABLE"]), ("SettingsTable", "ActivityTable"))

    def test_a_key_of_ones_own_encrypts_everything_that_is_stored(self):
        key = "arn:aws:kms:eu-central-1:1:key/1"
        with_key, without = resolved(KmsKeyArn=key), resolved()
        properties = {
            "AWS::DynamoDB::Table": lambda p: p.get("SSESpecification", {}).get("KMSMasterKeyId"),
            "AWS::SQS::Queue": lambda p: p.get("KmsMasterKeyId"),
            "AWS::SNS::Topic": lambda p: p.get("KmsMasterKeyId"),
            "AWS::SecretsManager::Secret": lambda p: p.get("KmsKeyId"),
            "AWS::Logs::LogGroup": lambda p: p.get("KmsKeyId"),
        }
        for resources, expected in ((with_key, key), (without, None)):
            for name, resource in resources.items():
                if resource["Type"] in properties:
                    self.assertEqual(properties[resource["Type"]](resource["Properties"]), expected, name)

    def test_deletion_protection_covers_both_tables(self):
        for wanted in ("yes", "no"):
            for name, table in resolved(DeletionProtection=wanted).items():
                if table["Type"] == "AWS::DynamoDB::Table":
                    self.assertEqual(table["Properties"]["DeletionProtectionEnabled"], wanted == "yes", name)


class SenderTest(unittest.TestCase):
    NETWORK = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}

    def sender(self, **parameters):
        return resolved(**parameters)["WebhookSender"]["Properties"]

    def test_the_sender_uses_ipv6_only_in_a_network_that_has_it(self):
        for parameters, expected in ((self.NETWORK, False), ({**self.NETWORK, "SubnetsHaveIpv6": "yes"}, True)):
            sender = self.sender(**parameters)
            self.assertEqual(sender["VpcConfig"]["Ipv6AllowedForDualStack"], expected)
            self.assertEqual(sender["Environment"]["Variables"]["AWS_USE_DUALSTACK_ENDPOINT"], str(expected).lower())
        self.assertNotIn("VpcConfig", self.sender())

    def test_the_network_that_the_stack_creates_has_ipv6(self):
        passed = ROOT["Resources"]["Application"]["Properties"]["Parameters"]
        self.assertEqual(passed["SubnetsHaveIpv6"], {"Fn::If": ["MakesNetwork", "yes", {"Ref": "SubnetsHaveIpv6"}]})


class ApisTest(unittest.TestCase):
    # A path may contain a token, a query may contain anything, and an address is personal data.
    ALLOWED = {"requestId", "requestTime", "httpMethod", "routeKey", "status", "responseLength", "responseLatency", "integrationLatency"}

    def test_access_logs_have_no_path_no_query_no_header_and_no_address(self):
        stages = resources_of(APPLICATION, "AWS::ApiGatewayV2::Stage")
        self.assertEqual(len(stages), 3)
        for name, stage in stages.items():
            condition, settings, _ = stage["Properties"]["AccessLogSettings"]["Fn::If"]
            variables = set(re.findall(r"\$context\.([\w.]+)", settings["Format"]))
            self.assertEqual((condition, variables), ("HasAccessLogs", self.ALLOWED), name)
            self.assertEqual(settings["Format"].count("$"), len(variables), f"{name} logs something other than $context")
            json.loads(settings["Format"])

    def test_every_stage_is_throttled(self):
        for name, stage in resources_of(APPLICATION, "AWS::ApiGatewayV2::Stage").items():
            settings = stage["Properties"]["DefaultRouteSettings"]
            self.assertTrue({"ThrottlingRateLimit", "ThrottlingBurstLimit"} <= set(settings), name)

    def test_an_alias_record_needs_the_target_and_its_zone(self):
        for template in (TEMPLATES["application"], ROOT):
            for api in ("Api", "Redirect", "Console"):
                self.assertTrue({f"{api}DomainTarget", f"{api}DomainZone"} <= set(template["Outputs"]))


class AlarmsTest(unittest.TestCase):
    def metrics(self, alarm):
        return json.dumps(resources_of(TEMPLATES["alarms"], "AWS::CloudWatch::Alarm")[alarm])

    def test_messages_that_fail_again_and_again_are_seen_although_the_age_of_the_queue_leaves_them_out(self):
        for name in ("NumberOfMessagesReceived", "NumberOfMessagesDeleted"):
            for queue in ("SendQueueName", "SlowQueueName"):
                self.assertIn(name, self.metrics("SendQueueFailures"))
                self.assertIn(queue, self.metrics("SendQueueFailures"))
        self.assertIn("ApproximateNumberOfMessagesNotVisible", self.metrics("SendQueueInFlight"))

    def test_a_new_deployment_does_not_miss_the_reports_of_hours_before_it_existed(self):
        alarm = resources_of(TEMPLATES["alarms"], "AWS::CloudWatch::Alarm")["DigestMissed"]["Properties"]
        result = next(metric for metric in alarm["Metrics"] if metric["Id"] == "result")
        self.assertIn("IF(FILL(sweeps, 0) > 0", result["Expression"])
        self.assertEqual(alarm["TreatMissingData"], "notBreaching")


class CodeTest(unittest.TestCase):
    def test_every_function_is_built_from_its_folder(self):
        functions = resources_of(TEMPLATES["application"], "AWS::Serverless::Function")
        folders = {function["Properties"]["CodeUri"].rsplit("/", 1)[1] for function in functions.values()}
        self.assertEqual(folders, {path.name for path in (FOLDER.parent / "functions").iterdir()})
        for name, function in functions.items():
            self.assertEqual(function["Metadata"]["BuildMethod"], "rust-cargolambda", name)

    def test_the_feed_has_its_own_small_function_so_that_waiting_calls_do_not_occupy_the_api(self):
        feed = APPLICATION["Resources"]["Feed"]["Properties"]
        self.assertEqual((feed["MemorySize"], feed["Timeout"]), (128, 29))
        route = APPLICATION["Resources"]["ApiFeedRoute"]["Properties"]
        self.assertEqual((route["RouteKey"], route["Target"]), ("GET /v1/projects/{pid}/feed", {"Fn::Sub": "integrations/${FeedIntegration}"}))

    def test_schedules_are_in_a_group_which_has_the_tags_of_the_stack(self):
        for name, schedule in resources_of(APPLICATION, "AWS::Scheduler::Schedule").items():
            self.assertEqual(schedule["Properties"]["GroupName"], {"Ref": "Schedules"}, name)


if __name__ == "__main__":
    unittest.main()
