//! Networks from which an API key may be used.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;
use serde::Deserialize;
use thiserror::Error;

/// A network in a request: CIDR notation, or a single address. IPv4 addresses in IPv6 notation become IPv4, because callers'
/// addresses are compared in this form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Network(pub(super) IpNet);

/// Why a string is not a [`Network`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum BadNetwork {
    #[error("must be an IPv4 or IPv6 network such as 203.0.113.0/24 or 2001:db8::/32, or a single address")]
    Syntax,
    #[error("prefix length after the slash must be a number from 0 to {longest} for {}", family(*.longest))]
    Prefix { longest: u8 },
    #[error(
        "prefix length of an IPv4 network in IPv6 notation must be at least 96; write the network in IPv4 notation"
    )]
    MappedPrefix,
}

const fn family(longest: u8) -> &'static str {
    if longest == 32 { "an IPv4 network" } else { "an IPv6 network" }
}

/// Number of bits before the IPv4 address in an IPv6 address `::ffff:a.b.c.d`.
const MAPPED_BITS: u8 = 96;

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| BadNetwork::Syntax)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let length = prefix.map_or(Some(longest), read_prefix).filter(|length| *length <= longest);
        let length = length.ok_or(BadNetwork::Prefix { longest })?;
        let canonical = address.to_canonical();
        let length = match (address, canonical) {
            (IpAddr::V6(_), IpAddr::V4(_)) => length.checked_sub(MAPPED_BITS).ok_or(BadNetwork::MappedPrefix)?,
            _ => length,
        };
        Ok(Self(IpNet::new(canonical, length).expect("the prefix length was checked")))
    }
}

fn read_prefix(text: &str) -> Option<u8> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

impl TryFrom<String> for Network {
    type Error = BadNetwork;

    fn try_from(text: String) -> Result<Self, BadNetwork> {
        text.parse()
    }
}

/// Whether one of `networks` contains `address`. An IPv4 address in IPv6 notation counts as both.
pub(super) fn any_contains(networks: &[IpNet], address: IpAddr) -> bool {
    let canonical = address.to_canonical();
    // Keys of earlier versions may have networks in this notation.
    let mapped = match canonical {
        IpAddr::V4(address) => IpAddr::V6(address.to_ipv6_mapped()),
        IpAddr::V6(address) => IpAddr::V6(address),
    };
    networks.iter().any(|network| network.contains(&canonical) || (is_mapped(network) && network.contains(&mapped)))
}

/// An IPv4 network in IPv6 notation, which keys of earlier versions may have, in IPv4 notation. Other networks stay the same.
pub(super) fn canonical(network: IpNet) -> IpNet {
    if !is_mapped(&network) {
        return network;
    }
    IpNet::new(network.addr().to_canonical(), network.prefix_len() - MAPPED_BITS).expect("the prefix was checked")
}

fn is_mapped(network: &IpNet) -> bool {
    const FIRST_MAPPED: Ipv6Addr = Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0);
    let IpNet::V6(network) = network else { return false };
    network.prefix_len() >= MAPPED_BITS && network.addr().segments()[..6] == FIRST_MAPPED.segments()[..6]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Result<String, BadNetwork> {
        text.parse().map(|Network(network)| network.to_string())
    }

    #[test]
    fn networks_and_single_addresses_are_accepted() {
        for (text, expected) in [
            ("203.0.113.0/24", "203.0.113.0/24"),
            ("203.0.113.9", "203.0.113.9/32"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("2001:db8::9", "2001:db8::9/128"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(network(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn an_ipv4_network_in_ipv6_notation_becomes_an_ipv4_network() {
        for (text, expected) in [
            ("::ffff:127.0.0.1/128", "127.0.0.1/32"),
            ("::ffff:127.0.0.1", "127.0.0.1/32"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:a00:0/104", "10.0.0.0/8"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
        ] {
            assert_eq!(network(text).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(network("::ffff:10.0.0.0/95"), Err(BadNetwork::MappedPrefix));
    }

    #[test]
    fn an_error_says_what_is_wrong_with_a_network() {
        for (text, expected) in [
            ("127.0.0.0/33", BadNetwork::Prefix { longest: 32 }),
            ("127.0.0.0/", BadNetwork::Prefix { longest: 32 }),
            ("127.0.0.0/+8", BadNetwork::Prefix { longest: 32 }),
            ("127.0.0.0/-1", BadNetwork::Prefix { longest: 32 }),
            ("127.0.0.0/8/8", BadNetwork::Prefix { longest: 32 }),
            ("2001:db8::/129", BadNetwork::Prefix { longest: 128 }),
            ("2001:db8::/999", BadNetwork::Prefix { longest: 128 }),
            ("127.0.0/8", BadNetwork::Syntax),
            ("example.com", BadNetwork::Syntax),
            (" 127.0.0.1", BadNetwork::Syntax),
            ("", BadNetwork::Syntax),
        ] {
            assert_eq!(network(text), Err(expected), "{text}");
        }
        let detail = network("127.0.0.0/33").unwrap_err().to_string();
        assert_eq!(detail, "prefix length after the slash must be a number from 0 to 32 for an IPv4 network");
    }

    #[test]
    fn an_ipv4_caller_is_recognized_in_both_notations() {
        let stored: [IpNet; 1] = ["::ffff:203.0.113.9/128".parse().unwrap()];
        let parsed = [network("::ffff:203.0.113.9/128").unwrap().parse().unwrap()];
        for networks in [stored, parsed] {
            for (address, expected) in [("203.0.113.9", true), ("::ffff:203.0.113.9", true), ("203.0.113.8", false)] {
                assert_eq!(any_contains(&networks, address.parse().unwrap()), expected, "{address} in {networks:?}");
            }
        }
        // `::/0` does not include IPv4 addresses, although they can be written as IPv6.
        assert!(!any_contains(&["::/0".parse().unwrap()], "203.0.113.9".parse().unwrap()));
    }
}
