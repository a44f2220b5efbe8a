"""Reads the templates, resolves them for given parameters, and applies the SAM transform.

    python templates.py FOLDER    writes each template to FOLDER as JSON, application.yaml after its transform
"""

import ipaddress
import json
import os
import re
import sys
from pathlib import Path
from unittest.mock import Mock

from cfnlint.decode.cfn_yaml import load as load_yaml
from samtranslator.translator.transform import transform

FOLDER = Path(__file__).parent.parent
NAMES = ["application", "alarms", "network", "signpost"]
NO_VALUE = object()


def load(name):
    """The template as plain dictionaries, with intrinsic functions in their long form."""
    return json.loads(json.dumps(load_yaml(str(FOLDER / f"{name}.yaml"))))


def transformed(name):
    """The template that CloudFormation deploys: application.yaml after the SAM transform."""
    template = load(name)
    if "Transform" not in template:
        return template
    # The transform wants a region, and depends on it only for the partition.
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
    for function, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = f"s3://code/{function}.zip"
    return transform(template, {}, Mock(load=lambda: {}))


def resources_of(template, kind):
    return {name: resource for name, resource in template["Resources"].items() if resource["Type"] == kind}


class Resolver:
    """Evaluates the intrinsic functions of a template, except references to resources that `found` does not know yet."""

    def __init__(self, template, parameters, pseudo, zones):
        self.template = template
        self.zones = zones
        defaults = {name: parameter.get("Default") for name, parameter in template["Parameters"].items()}
        unknown = set(parameters) - set(defaults)
        assert not unknown, f"no such parameters: {unknown}"
        self.found = {**pseudo, **defaults, **parameters, "AWS::NoValue": NO_VALUE}
        self.attributes = {}

    def broken_rules(self):
        """The descriptions of the assertions that the parameters break."""
        broken = []
        for rule in self.template.get("Rules", {}).values():
            if self.value(rule.get("RuleCondition", True)):
                broken += [a["AssertDescription"] for a in rule["Assertions"] if not self.value(a["Assert"])]
        return broken

    def condition(self, name):
        return self.value(self.template["Conditions"][name])

    def resources(self):
        """The resources whose condition is true."""
        resources = self.template["Resources"].items()
        return {name: r for name, r in resources if "Condition" not in r or self.condition(r["Condition"])}

    def value(self, value):
        if isinstance(value, list):
            return [item for item in map(self.value, value) if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, argument), = value.items()
            function = getattr(self, "_" + name.replace("Fn::", "").lower(), None)
            if function and (name.startswith("Fn::") or name in ("Ref", "Condition")):
                return function(argument)
        resolved = {key: self.value(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}

    def _ref(self, name):
        return self.found[name]

    def _condition(self, name):
        return self.condition(name)

    def _getatt(self, argument):
        name, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
        return self.attributes[name][attribute]

    def _if(self, argument):
        condition, then, otherwise = argument
        return self.value(then if self.condition(condition) else otherwise)

    def _equals(self, argument):
        one, other = self.value(argument)
        return str(one) == str(other)

    def _not(self, argument):
        return not self.value(argument[0])

    def _and(self, argument):
        return all(map(self.value, argument))

    def _or(self, argument):
        return any(map(self.value, argument))

    def _eachmemberequals(self, argument):
        members, expected = self.value(argument)
        members = members.split(",") if isinstance(members, str) else members
        return all(member == expected for member in members)

    def _join(self, argument):
        separator, parts = argument
        return separator.join(map(str, self.value(parts)))

    def _split(self, argument):
        separator, text = self.value(argument)
        return text.split(separator)

    def _select(self, argument):
        index, items = argument
        return self.value(items)[int(index)]

    def _getazs(self, _):
        return self.zones

    def _cidr(self, argument):
        block, count, bits = self.value(argument)
        network = ipaddress.ip_network(block)
        subnets = network.subnets(new_prefix=network.max_prefixlen - int(bits))
        return [str(subnet) for subnet, _ in zip(subnets, range(int(count)))]

    def _sub(self, argument):
        text, values = argument if isinstance(argument, list) else (argument, {})

        def replaced(match):
            name = match[1]
            if name in values:
                return str(self.value(values[name]))
            return str(self._getatt(name) if "." in name else self._ref(name))

        return re.sub(r"\$\{([^!}]+)\}", replaced, text)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        (folder / f"{name}.json").write_text(json.dumps(transformed(name), indent=1))
