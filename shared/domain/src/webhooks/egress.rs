//! The addresses that webhooks come from, for the firewalls of receivers: since when, until when, and those to come.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::foundation::time::{Timestamp, UtcDay};

/// How long a former address is listed.
const FORMER_FOR: Duration = Duration::from_hours(90 * 24);

/// How long an address may be missing without a new start. While a deployment is updated, its versions know different addresses.
const GAP: Duration = Duration::from_hours(1);

/// Addresses that webhooks come from, in CIDR notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EgressIp {
    /// The addresses: IPv4 or IPv6.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "198.51.100.1/32"))]
    pub cidr: IpNet,
    /// From when on webhooks may come from these addresses.
    pub valid_from: Timestamp,
    /// Until when webhooks came from these addresses. Absent: they still do, or will.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}

/// The published list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EgressIps {
    /// When the list last changed.
    pub updated_at: Timestamp,
    /// Current addresses, addresses to come, and those of the last 90 days. Empty if webhooks come from changing addresses.
    pub ips: Vec<EgressIp>,
}

/// The addresses of a deployment, as its settings name them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeployedIps {
    /// The addresses in use.
    pub current: Vec<IpNet>,
    /// Addresses to come.
    pub announced: Vec<AnnouncedIp>,
}

impl DeployedIps {
    /// Joins the single addresses and the ranges that are in use, and those to come.
    pub fn of(addresses: Vec<IpAddr>, ranges: Vec<IpNet>, announced: Vec<AnnouncedIp>) -> Self {
        Self { current: addresses.into_iter().map(IpNet::from).chain(ranges).collect(), announced }
    }

    /// The single addresses in use, without the ranges.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.current.iter().filter(|cidr| is_single(cidr)).map(IpNet::addr)
    }
}

/// An address that webhooks will also come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnnouncedIp {
    cidr: IpNet,
    from: UtcDay,
}

/// Why a string is not an [`AnnouncedIp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be an address or a CIDR, \"@\" and a UTC day, such as 198.51.100.4@2027-01-31")]
pub struct BadAnnouncement;

impl FromStr for AnnouncedIp {
    type Err = BadAnnouncement;

    fn from_str(text: &str) -> Result<Self, BadAnnouncement> {
        let (address, day) = text.split_once('@').ok_or(BadAnnouncement)?;
        let address = address.parse::<IpAddr>().map(IpNet::from).or_else(|_| address.parse());
        Ok(Self { cidr: address.map_err(|_| BadAnnouncement)?, from: day.parse().map_err(|_| BadAnnouncement)? })
    }
}

/// Shows a single address without the length of its prefix.
impl fmt::Display for EgressIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_single(&self.cidr) { self.cidr.addr().fmt(f) } else { self.cidr.fmt(f) }
    }
}

fn is_single(cidr: &IpNet) -> bool {
    cidr.prefix_len() == cidr.max_prefix_len()
}

impl EgressIps {
    /// The list at `now`. `published` is the list that was published last.
    pub fn at(now: Timestamp, deployed: &DeployedIps, published: Option<&Self>) -> Self {
        let known = published.map(|list| &list.ips[..]).unwrap_or_default();
        let current = deployed.current.iter().map(|cidr| current(*cidr, known, now));
        let coming = deployed.announced.iter().filter(|announced| !deployed.current.contains(&announced.cidr));
        let coming = coming.map(|announced| EgressIp {
            cidr: announced.cidr,
            valid_from: announced.from.start(),
            valid_until: None,
        });
        let mut ips: Vec<EgressIp> = current.chain(coming).collect();
        let gone = known.iter().filter(|ip| !ips.iter().any(|listed| listed.cidr == ip.cidr));
        let former: Vec<EgressIp> = gone.filter_map(|ip| former(*ip, now)).collect();
        ips.extend(former);
        match published {
            Some(published) if published.ips == ips => published.clone(),
            _ => Self { updated_at: now, ips },
        }
    }
}

/// An address in use.
fn current(cidr: IpNet, known: &[EgressIp], now: Timestamp) -> EgressIp {
    let before = known.iter().find(|ip| ip.cidr == cidr);
    let has_gone = |ip: &EgressIp| ip.valid_until.is_some_and(|end| now.since(end) > GAP);
    let valid_from = before.filter(|ip| !has_gone(ip)).map_or(now, |ip| ip.valid_from.min(now));
    EgressIp { cidr, valid_from, valid_until: None }
}

/// An address that is no longer in use. `None` if it never was, or if it need not be listed any more.
fn former(ip: EgressIp, now: Timestamp) -> Option<EgressIp> {
    let valid_until = ip.valid_until.unwrap_or(now);
    let is_listed = ip.valid_from < now && now.since(valid_until) <= FORMER_FOR;
    is_listed.then_some(EgressIp { valid_until: Some(valid_until), ..ip })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn now() -> Timestamp {
        time("2026-11-22T08:30:00Z")
    }

    fn deployed(current: &[&str], announced: &[&str]) -> DeployedIps {
        DeployedIps {
            current: current.iter().map(|text| text.parse().unwrap()).collect(),
            announced: announced.iter().map(|text| text.parse().unwrap()).collect(),
        }
    }

    fn ip(cidr: &str, from: Timestamp, until: Option<Timestamp>) -> EgressIp {
        EgressIp { cidr: cidr.parse().unwrap(), valid_from: from, valid_until: until }
    }

    const ONE: &str = "198.51.100.1/32";
    const TWO: &str = "198.51.100.2/32";

    #[test]
    fn the_list_changes_only_with_the_addresses() {
        let first = EgressIps::at(now(), &deployed(&[ONE], &[]), None);
        assert_eq!(first, EgressIps { updated_at: now(), ips: vec![ip(ONE, now(), None)] });
        assert_eq!(EgressIps::at(now().plus(HOUR), &deployed(&[ONE], &[]), Some(&first)), first);
        let second = EgressIps::at(now().plus(HOUR), &deployed(&[ONE, TWO], &[]), Some(&first));
        assert_eq!(second.updated_at, now().plus(HOUR));
        assert_eq!(second.ips, [ip(ONE, now(), None), ip(TWO, now().plus(HOUR), None)]);
    }

    #[test]
    fn an_address_is_announced_and_then_used() {
        let (from, announcement) = (time("2026-12-01T00:00:00Z"), deployed(&[ONE], &["198.51.100.2@2026-12-01"]));
        let announced = EgressIps::at(now(), &announcement, None);
        assert_eq!(announced.ips[1], ip(TWO, from, None));
        let used =
            EgressIps::at(from.plus(HOUR), &deployed(&[ONE, TWO], &["198.51.100.2@2026-12-01"]), Some(&announced));
        assert_eq!(used.ips, [ip(ONE, now(), None), ip(TWO, from, None)]);
        let early = EgressIps::at(now().plus(HOUR), &deployed(&[ONE, TWO], &[]), Some(&announced));
        assert_eq!(early.ips[1], ip(TWO, now().plus(HOUR), None), "it is used before the announced day");
        let withdrawn = EgressIps::at(now().plus(HOUR), &deployed(&[ONE], &[]), Some(&announced));
        assert_eq!(withdrawn.ips, [ip(ONE, now(), None)]);
    }

    #[test]
    fn a_former_address_is_listed_for_90_days() {
        let both = EgressIps::at(now(), &deployed(&[ONE, TWO], &[]), None);
        let end = now().plus(HOUR);
        let ended = EgressIps::at(end, &deployed(&[ONE], &[]), Some(&both));
        assert_eq!(ended.ips, [ip(ONE, now(), None), ip(TWO, now(), Some(end))]);
        let later = |hours| EgressIps::at(end.plus(HOUR * hours), &deployed(&[ONE], &[]), Some(&ended));
        assert_eq!(later(90 * 24), ended);
        assert_eq!(later(90 * 24 + 1).ips, [ip(ONE, now(), None)]);
    }

    #[test]
    fn an_address_that_an_older_version_did_not_know_has_no_gap() {
        let both = EgressIps::at(now(), &deployed(&[ONE, TWO], &[]), None);
        let ended = EgressIps::at(now().plus(HOUR), &deployed(&[ONE], &[]), Some(&both));
        let back = |hours| EgressIps::at(now().plus(HOUR * hours), &deployed(&[ONE, TWO], &[]), Some(&ended)).ips[1];
        assert_eq!((back(2), back(3)), (ip(TWO, now(), None), ip(TWO, now().plus(HOUR * 3), None)));
    }

    #[test]
    fn an_announcement_has_an_address_and_a_day() {
        for text in ["2001:db8::/56@2027-01-31", "198.51.100.4@2027-01-31"] {
            assert!(text.parse::<AnnouncedIp>().is_ok(), "{text}");
        }
        for text in ["", "198.51.100.4", "198.51.100.4@", "a@2027-01-31", "198.51.100.4@2027-02-30"] {
            assert_eq!(text.parse::<AnnouncedIp>(), Err(BadAnnouncement), "{text}");
        }
    }
}
