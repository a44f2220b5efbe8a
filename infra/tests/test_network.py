"""Deploys network.yaml on an emulator of EC2 and reads back what customers and the sender depend on."""

import ipaddress
import os
import unittest

from deployment import REGION, Deployment
from moto import mock_aws


class NetworkTest(unittest.TestCase):
    def setUp(self):
        os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION=REGION)
        emulator = mock_aws()
        emulator.start()
        self.addCleanup(emulator.stop)
        self.stack = Deployment()
        self.ec2 = self.stack.ec2

    def subnets(self, outputs):
        subnets = self.ec2.describe_subnets(SubnetIds=outputs["SubnetIds"].split(","))["Subnets"]
        return sorted(subnets, key=lambda subnet: subnet["AvailabilityZone"])

    def routes(self, subnet):
        """The routes of a subnet, from destination to target."""
        tables = self.ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [subnet["SubnetId"]]}])
        (table,) = tables["RouteTables"]
        targets = ("NatGatewayId", "EgressOnlyInternetGatewayId", "GatewayId")
        return {
            route.get("DestinationCidrBlock") or route["DestinationIpv6CidrBlock"]: next(route[t] for t in targets if route.get(t))
            for route in table["Routes"]
            if route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock")
        }

    def used_addresses(self):
        """The addresses of the NAT gateway's zones."""
        gateways = self.ec2.describe_nat_gateways()["NatGateways"]
        return {address["PublicIp"] for gateway in gateways if gateway["State"] == "available" for address in gateway["NatGatewayAddresses"]}

    def allocate(self):
        address = self.ec2.allocate_address(Domain="vpc")
        return address["AllocationId"], address["PublicIp"]

    def test_one_zone_sends_from_the_one_address_that_the_output_names(self):
        outputs = self.stack.deploy()
        (subnet,) = self.subnets(outputs)
        self.assertEqual(self.routes(subnet)["0.0.0.0/0"], outputs["NatGateway"])
        self.assertEqual({outputs["EgressIps"]}, self.used_addresses())

    def test_ipv6_leaves_through_the_egress_only_gateway_from_the_range_that_the_output_names(self):
        outputs = self.stack.deploy(Zones=2)
        gateway = self.stack.ids["EgressOnlyGateway"]
        prefix = ipaddress.ip_network(outputs["EgressIpv6Prefixes"])
        self.assertEqual(prefix.prefixlen, 56)
        for subnet in self.subnets(outputs):
            self.assertEqual(self.routes(subnet)["::/0"], gateway)
            (block,) = subnet["Ipv6CidrBlockAssociationSet"]
            self.assertTrue(ipaddress.ip_network(block["Ipv6CidrBlock"]).subnet_of(prefix))

    def test_no_subnet_of_the_sender_has_a_route_to_the_internet_gateway(self):
        outputs = self.stack.deploy(Zones=2)
        for subnet in self.subnets(outputs):
            self.assertNotIn(self.stack.ids["InternetGateway"], self.routes(subnet).values())

    def test_dynamodb_is_reached_through_the_free_endpoint_from_every_subnet(self):
        outputs = self.stack.deploy(Zones=2)
        (endpoint,) = self.ec2.describe_vpc_endpoints()["VpcEndpoints"]
        self.assertEqual((endpoint["VpcEndpointType"], endpoint["ServiceName"]), ("Gateway", f"com.amazonaws.{REGION}.dynamodb"))
        for subnet in self.subnets(outputs):
            tables = self.ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [subnet["SubnetId"]]}])
            self.assertEqual(endpoint["RouteTableIds"], [table["RouteTableId"] for table in tables["RouteTables"]])

    def test_the_sender_lets_nothing_in_and_only_the_two_ports_of_webhooks_out(self):
        outputs = self.stack.deploy()
        (group,) = self.ec2.describe_security_groups(GroupIds=[outputs["SecurityGroupIds"]])["SecurityGroups"]
        self.assertEqual(group["IpPermissions"], [])
        for ranges, key in (("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6")):
            out = {(rule["FromPort"], rule["ToPort"], r[key]) for rule in group["IpPermissionsEgress"] for r in rule[ranges]}
            everywhere = "0.0.0.0/0" if key == "CidrIp" else "::/0"
            self.assertEqual(out, {(443, 443, everywhere), (8443, 8443, everywhere)})

    def test_a_second_zone_adds_an_address_and_changes_nothing_that_exists(self):
        before = self.stack.deploy()
        ids = dict(self.stack.ids)
        after = self.stack.deploy(Zones=2)
        self.assertEqual(ids, {name: self.stack.ids[name] for name in ids})
        first, second = after["EgressIps"].split(",")
        self.assertEqual((before["EgressIps"], before["NatGateway"]), (first, after["NatGateway"]))
        self.assertEqual({first, second}, self.used_addresses())
        zones = {subnet["AvailabilityZone"]: self.routes(subnet)["0.0.0.0/0"] for subnet in self.subnets(after)}
        self.assertEqual(zones, dict.fromkeys(["eu-central-1a", "eu-central-1b"], after["NatGateway"]))

    def test_addresses_of_ones_own_are_used_and_none_is_allocated(self):
        (first, first_ip), (second, second_ip) = self.allocate(), self.allocate()
        outputs = self.stack.deploy(
            Zones=2, FirstAllocationId=first, FirstPublicIp=first_ip, SecondAllocationId=second, SecondPublicIp=second_ip
        )
        self.assertEqual(outputs["EgressIps"], f"{first_ip},{second_ip}")
        self.assertEqual({first_ip, second_ip}, self.used_addresses())
        self.assertEqual(len(self.ec2.describe_addresses()["Addresses"]), 2)

    def test_the_named_zones_are_used(self):
        outputs = self.stack.deploy(Zones=2, FirstZone="eu-central-1c", SecondZone="eu-central-1b")
        self.assertEqual([s["AvailabilityZone"] for s in self.subnets(outputs)], ["eu-central-1b", "eu-central-1c"])
        self.assertEqual(set(self.stack.zonal), {"eu-central-1b", "eu-central-1c"})

    def test_the_addresses_outlive_the_stack_and_serve_the_next_one(self):
        outputs = self.stack.deploy()
        self.stack.delete()
        (address,) = self.ec2.describe_addresses()["Addresses"]
        self.assertEqual(address["PublicIp"], outputs["EgressIps"])
        again = Deployment().deploy(FirstAllocationId=address["AllocationId"], FirstPublicIp=address["PublicIp"])
        self.assertEqual(again["EgressIps"], outputs["EgressIps"])

    def test_flow_logs_are_written_only_if_asked_for(self):
        self.stack.deploy()
        self.assertEqual(self.ec2.describe_flow_logs()["FlowLogs"], [])
        self.stack.deploy(FlowLogs="yes")
        (log,) = self.ec2.describe_flow_logs()["FlowLogs"]
        self.assertEqual((log["ResourceId"], log["LogGroupName"]), (self.stack.ids["Vpc"], "/aws/vpc/signpost"))


if __name__ == "__main__":
    unittest.main()
