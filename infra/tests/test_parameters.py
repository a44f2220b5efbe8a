"""The parameters of the root template: their defaults, limits, rules and groups, and that they reach the nested templates."""

import json
import re
import tomllib
import unittest

from deployment import PSEUDO, ZONES
from templates import FOLDER, NAMES, Resolver, load

REQUIRED = {"OperatorKeyHashes": "0" * 64, "MailFrom": "reports@example.com"}
# Nested templates by their resource in the root template.
NESTED = {"Network": "network", "Application": "application", "Alarms": "alarms"}
TEMPLATES = {name: load(name) for name in NAMES}
ROOT = TEMPLATES["signpost"]


def root_rules_broken_by(**parameters):
    return Resolver(ROOT, {**REQUIRED, **parameters}, PSEUDO, ZONES).broken_rules()


class RootTest(unittest.TestCase):
    def test_a_first_deployment_needs_only_two_parameters(self):
        needed = {name for name, parameter in ROOT["Parameters"].items() if "Default" not in parameter}
        self.assertEqual(needed, set(REQUIRED))
        self.assertEqual(root_rules_broken_by(), [])

    def test_a_parameter_has_the_same_limits_and_the_same_default_in_root_and_nested_template(self):
        # The root template knows the names and the host of the canary, and takes lists as strings to check them by rules.
        differs = {"Name", "CanaryHost", "SubnetIds", "SecurityGroupIds"}
        for template in NESTED.values():
            for name, parameter in TEMPLATES[template]["Parameters"].items():
                if name in ROOT["Parameters"] and name not in differs:
                    of_root = {**ROOT["Parameters"][name], "Description": ""}
                    self.assertEqual(of_root, {**parameter, "Description": ""}, f"{template}: {name}")

    def test_every_rule_of_a_nested_template_stands_in_the_root_template(self):
        # The root template's own rule is stricter: it looks at Egress too.
        own = {"SubnetsHaveSecurityGroups"}
        for template in NESTED.values():
            for name, rule in TEMPLATES[template].get("Rules", {}).items():
                if name not in own:
                    self.assertEqual(ROOT["Rules"].get(name), rule, f"{template}: {name}")

    def test_every_parameter_reaches_a_nested_template_or_is_used_by_the_root_template(self):
        used = json.dumps([ROOT["Resources"], ROOT["Conditions"]])
        for name in ROOT["Parameters"]:
            self.assertIn(f'{{"Ref": "{name}"}}', used, name)

    def test_every_parameter_of_the_application_and_the_network_can_be_set_through_the_root_template(self):
        # For the local stack and the tests.
        only_nested = {"AllowedPrivateReceivers", "RetrySweepSchedule", "SendVisibilitySeconds"}
        for resource in ("Network", "Application"):
            passed = set(ROOT["Resources"][resource]["Properties"]["Parameters"])
            self.assertEqual(set(TEMPLATES[NESTED[resource]]["Parameters"]) - passed - only_nested, set(), resource)

    def test_every_parameter_is_in_one_group_of_the_form(self):
        groups = ROOT["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        listed = [name for group in groups for name in group["Parameters"]]
        self.assertEqual(sorted(listed), sorted(ROOT["Parameters"]))

    def test_mistakes_are_rejected_before_anything_is_created(self):
        network = {"Egress": "own-network", "SubnetIds": "subnet-1", "SecurityGroupIds": "sg-1", "EgressIps": "192.0.2.1"}
        table, secret = "arn:aws:dynamodb:eu-central-1:1:table/x", "arn:aws:secretsmanager:eu-central-1:1:secret:x"
        first = {"FirstAllocationId": "eipalloc-1", "FirstPublicIp": "192.0.2.1"}
        accepted = [
            network,
            {**network, "SubnetsHaveIpv6": "yes"},
            {"Egress": "none"},
            {"Zones": 2, "FirstZone": "us-east-1b", "SecondZone": "us-east-1c"},
            first,
            {"SenderConcurrency": 0, "SlowSenderConcurrency": 2},
            {"ExistingSettingsTable": table, "ExistingKeyRing": secret},
            {"ApiDomainName": "api.example.com", "ApiCertificateArn": "arn"},
            {"ProxySecretHashes": "0" * 64, "ApiBaseUrl": "https://api.example.com"},
        ]
        rejected = [
            {key: value for key, value in network.items() if key != "SecurityGroupIds"},
            {key: value for key, value in network.items() if key != "EgressIps"},
            {key: value for key, value in network.items() if key != "Egress"},
            {"SubnetsHaveIpv6": "yes"},
            {"Zones": 2, "FirstZone": "us-east-1b"},
            {"Zones": 2, "FirstZone": "us-east-1b", "SecondZone": "us-east-1b"},
            {"FirstAllocationId": "eipalloc-1"},
            {**first, "Egress": "none"},
            {**first, **network},
            {"SecondAllocationId": "eipalloc-2", "SecondPublicIp": "192.0.2.2", "Egress": "none"},
            {"SenderConcurrency": 1},
            {"SlowSenderConcurrency": 1},
            {"ReportConcurrency": 1},
            {"ExistingSettingsTable": table},
            {"ApiDomainName": "api.example.com"},
            {"ProxySecretHashes": "0" * 64},
            {"AlarmTopicArn": "arn", "AlarmEmail": "a@example.com"},
        ]
        for parameters in accepted:
            self.assertEqual(root_rules_broken_by(**parameters), [], parameters)
        for parameters in rejected:
            self.assertEqual(len(root_rules_broken_by(**parameters)), 1, parameters)

    def test_the_canary_has_a_port_that_the_security_group_of_the_sender_lets_out(self):
        rules = TEMPLATES["network"]["Resources"]["SenderSecurityGroup"]["Properties"]["SecurityGroupEgress"]
        pattern = ROOT["Parameters"]["CanaryHost"]["AllowedPattern"]
        for host in ("", "example.com", *(f"example.com:{rule['ToPort']}" for rule in rules)):
            self.assertRegex(host, pattern)
        for port in (80, 4430, 44, 8080):
            self.assertNotRegex(f"example.com:{port}", pattern)

    def test_warm_writes_are_none_or_as_many_as_dynamodb_accepts(self):
        pattern = ROOT["Parameters"]["WarmWrites"]["AllowedPattern"]
        for writes in ("0", "4000", "9999", "10000", "250000"):
            self.assertRegex(writes, pattern)
        for writes in ("", "00", "1", "3999", "04000", "-1", "4000.5"):
            self.assertNotRegex(writes, pattern)

    def test_the_canary_is_no_host_of_an_aws_service_that_a_private_endpoint_could_answer_for(self):
        # The host of a queue resolves to a private address in a network with an endpoint for SQS.
        host = ROOT["Parameters"]["CanaryHost"]["Default"]
        self.assertTrue(host)
        self.assertNotRegex(host, r"^(sqs|dynamodb|secretsmanager|s3|email|lambda)\.")

    def test_rules_use_only_the_functions_that_cloudformation_allows_in_rules(self):
        allowed = {"Fn::And", "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn", "Fn::Equals", "Fn::Not", "Fn::Or", "Fn::RefAll"}
        for name, template in TEMPLATES.items():
            used = set(re.findall(r'"(Fn::\w+)"', json.dumps(template.get("Rules", {}))))
            self.assertLessEqual(used, allowed, name)

    def test_rules_compare_strings_because_parameters_are_strings_there(self):
        def literals(value):
            if isinstance(value, list):
                return [literal for item in value for literal in literals(item)]
            if not isinstance(value, dict):
                return []
            compared = [item for item in value.get("Fn::Equals", []) if not isinstance(item, dict)]
            return compared + literals(list(value.values()))

        for name, template in TEMPLATES.items():
            for literal in literals(template.get("Rules", {})):
                self.assertIsInstance(literal, str, name)

    def test_the_ipv6_ranges_of_an_own_network_are_an_output(self):
        network = {"Egress": "own-network", "SubnetIds": "subnet-1", "SecurityGroupIds": "sg-1", "EgressIps": "192.0.2.1"}
        output = ROOT["Outputs"]["EgressIpv6Prefixes"]
        with_range = Resolver(ROOT, {**REQUIRED, **network, "EgressIpv6Prefixes": "2001:db8::/56"}, PSEUDO, ZONES)
        self.assertTrue(with_range.condition(output["Condition"]))
        self.assertEqual(with_range.value(output["Value"]), "2001:db8::/56")
        without = Resolver(ROOT, {**REQUIRED, **network}, PSEUDO, ZONES)
        self.assertFalse(without.condition(output["Condition"]))

    def test_nested_templates_are_local_files(self):
        for resource, template in NESTED.items():
            self.assertEqual(ROOT["Resources"][resource]["Properties"]["TemplateURL"], f"{template}.yaml")


class StagesTest(unittest.TestCase):
    def test_the_example_stages_would_be_accepted(self):
        stages = tomllib.loads((FOLDER.parent / "samconfig.toml").read_text())
        for name in ("dev", "prod"):
            parameters = dict(pair.split("=", 1) for pair in stages[name]["deploy"]["parameters"]["parameter_overrides"])
            self.assertEqual(Resolver(ROOT, parameters, PSEUDO, ZONES).broken_rules(), [], name)
            for parameter, value in parameters.items():
                limits = ROOT["Parameters"][parameter]
                self.assertRegex(value, limits.get("AllowedPattern", ".*"), f"{name}: {parameter}")
                self.assertIn(value, map(str, limits.get("AllowedValues", [value])), f"{name}: {parameter}")


if __name__ == "__main__":
    unittest.main()
