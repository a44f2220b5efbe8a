"""Deploys network.yaml on moto, an emulator of EC2: creates, updates and deletes its resources as CloudFormation would.

moto's own CloudFormation knows neither regional NAT gateways nor IPv6. Here, each resource type is one call of the EC2 API, so
moto checks address ranges, dependencies and routes. moto has only zonal NAT gateways: each zone of the regional gateway is one
of them, and routes lead to the first.
"""

import json

import boto3
from templates import Resolver, load

REGION = "eu-central-1"
ZONES = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
PSEUDO = {
    "AWS::Region": REGION,
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::StackName": "signpost",
    "AWS::URLSuffix": "amazonaws.com",
}


class Deployment:
    """The stack of network.yaml."""

    def __init__(self):
        self.ec2 = boto3.client("ec2", region_name=REGION)
        self.ids = {}
        self.properties = {}
        self.attributes = {}

    def deploy(self, **parameters):
        """Creates or updates the stack. Returns the outputs."""
        template = load("network")
        resolver = Resolver(template, {"Name": "signpost", **parameters}, PSEUDO, ZONES)
        assert not resolver.broken_rules()
        resolver.attributes = self.attributes
        wanted = resolver.resources()
        for name in in_order(wanted):
            kind = wanted[name]["Type"].rsplit("::", 1)[1].lower()
            properties = resolver.value(wanted[name].get("Properties", {}))
            if name not in self.ids:
                self.ids[name] = getattr(self, f"create_{kind}")(name, properties)
            elif properties != self.properties[name]:
                # Only these can change in place. A test fails here if an update replaces another resource.
                getattr(self, f"update_{kind}")(name, properties)
            self.properties[name] = properties
            resolver.found[name] = self.ids[name]
        return {name: resolver.value(output["Value"]) for name, output in template["Outputs"].items()}

    def delete(self):
        """Deletes the stack, except resources that are retained."""
        resources = load("network")["Resources"]
        for name in reversed(in_order({name: resources[name] for name in self.ids})):
            if not resources[name].get("DeletionPolicy", "Delete").startswith("Retain"):
                kind = resources[name]["Type"].rsplit("::", 1)[1].lower()
                getattr(self, f"delete_{kind}", lambda _: None)(self.ids[name])

    # ------------------------------------------------------------------------------------------------ resource types

    def create_vpc(self, name, properties):
        vpc = self.ec2.create_vpc(CidrBlock=properties["CidrBlock"])["Vpc"]["VpcId"]
        self.attributes[name] = {}
        return vpc

    def create_vpccidrblock(self, _, properties):
        self.ec2.associate_vpc_cidr_block(VpcId=properties["VpcId"], AmazonProvidedIpv6CidrBlock=True)
        vpc = self.ec2.describe_vpcs(VpcIds=[properties["VpcId"]])["Vpcs"][0]
        blocks = [block["Ipv6CidrBlock"] for block in vpc["Ipv6CidrBlockAssociationSet"]]
        self.attributes["Vpc"]["Ipv6CidrBlocks"] = blocks
        return blocks[0]

    def create_internetgateway(self, _, properties):
        return self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]

    def create_vpcgatewayattachment(self, _, properties):
        self.ec2.attach_internet_gateway(VpcId=properties["VpcId"], InternetGatewayId=properties["InternetGatewayId"])
        return "attached"

    def create_egressonlyinternetgateway(self, _, properties):
        created = self.ec2.create_egress_only_internet_gateway(VpcId=properties["VpcId"])
        return created["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]

    def create_eip(self, name, properties):
        address = self.ec2.allocate_address(Domain=properties["Domain"])
        self.attributes[name] = {"AllocationId": address["AllocationId"], "PublicIp": address["PublicIp"]}
        return address["PublicIp"]

    def create_natgateway(self, _, properties):
        assert properties["AvailabilityMode"] == "regional" and "SubnetId" not in properties
        self.zonal = {}
        self.update_natgateway(None, properties)
        return next(iter(self.zonal.values()))

    def update_natgateway(self, _, properties):
        for zone in properties["AvailabilityZoneAddresses"]:
            if zone["AvailabilityZone"] in self.zonal:
                continue
            # A range that is not used, because moto wants a subnet for a gateway.
            block = f"10.80.{250 + len(self.zonal)}.0/24"
            subnet = self.ec2.create_subnet(VpcId=properties["VpcId"], CidrBlock=block, AvailabilityZone=zone["AvailabilityZone"])
            (allocation,) = zone["AllocationIds"]
            created = self.ec2.create_nat_gateway(SubnetId=subnet["Subnet"]["SubnetId"], AllocationId=allocation)
            self.zonal[zone["AvailabilityZone"]] = created["NatGateway"]["NatGatewayId"]

    def create_subnet(self, _, properties):
        wanted = {key: properties[key] for key in ("VpcId", "AvailabilityZone", "CidrBlock", "Ipv6CidrBlock")}
        return self.ec2.create_subnet(**wanted)["Subnet"]["SubnetId"]

    def create_routetable(self, _, properties):
        return self.ec2.create_route_table(VpcId=properties["VpcId"])["RouteTable"]["RouteTableId"]

    def create_route(self, name, properties):
        self.ec2.create_route(**properties)
        return name

    def create_subnetroutetableassociation(self, _, properties):
        return self.ec2.associate_route_table(**properties)["AssociationId"]

    def create_vpcendpoint(self, _, properties):
        return self.ec2.create_vpc_endpoint(**properties)["VpcEndpoint"]["VpcEndpointId"]

    def create_securitygroup(self, name, properties):
        group = self.ec2.create_security_group(
            GroupName=name, Description=properties["GroupDescription"][:255], VpcId=properties["VpcId"]
        )["GroupId"]
        # CloudFormation removes the default rules if the template has its own.
        default = self.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissionsEgress"]
        self.ec2.revoke_security_group_egress(GroupId=group, IpPermissions=default)
        for rule in properties["SecurityGroupEgress"]:
            ranges = {"IpRanges": [{"CidrIp": rule["CidrIp"]}]} if "CidrIp" in rule else {"Ipv6Ranges": [{"CidrIpv6": rule["CidrIpv6"]}]}
            ports = {key: rule[key] for key in ("IpProtocol", "FromPort", "ToPort")}
            self.ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[{**ports, **ranges}])
        self.attributes[name] = {"GroupId": group}
        return group

    def create_loggroup(self, name, properties):
        boto3.client("logs", region_name=REGION).create_log_group(logGroupName=properties["LogGroupName"])
        self.attributes[name] = {"Arn": f"arn:aws:logs:{REGION}:123456789012:log-group:{properties['LogGroupName']}:*"}
        return properties["LogGroupName"]

    def create_role(self, name, properties):
        role = boto3.client("iam", region_name=REGION).create_role(
            RoleName=name, Path=properties["Path"], AssumeRolePolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"])
        )["Role"]
        self.attributes[name] = {"Arn": role["Arn"]}
        return name

    def create_flowlog(self, _, properties):
        wanted = {key: value for key, value in properties.items() if key != "ResourceId"}
        created = self.ec2.create_flow_logs(ResourceIds=[properties["ResourceId"]], **wanted)
        assert not created["Unsuccessful"], created
        return created["FlowLogIds"][0]

    def delete_natgateway(self, _):
        for gateway in self.zonal.values():
            self.ec2.delete_nat_gateway(NatGatewayId=gateway)
        # AWS frees the addresses of a deleted gateway. moto does not.
        for address in self.ec2.describe_addresses()["Addresses"]:
            self.ec2.disassociate_address(AssociationId=address["AssociationId"])

    def delete_eip(self, address):
        self.ec2.release_address(PublicIp=address)


def in_order(resources):
    """The names of the resources, each after those that it refers to."""
    done = []

    def add(name):
        if name in done:
            return
        resource = resources[name]
        depends = resource.get("DependsOn", [])
        for other in [depends] if isinstance(depends, str) else depends:
            add(other)
        for other in references(resource):
            if other in resources:
                add(other)
        done.append(name)

    for name in resources:
        add(name)
    return done


def references(value):
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "Ref":
                yield item
            elif key == "Fn::GetAtt":
                yield item[0] if isinstance(item, list) else item.split(".")[0]
            else:
                yield from references(item)
