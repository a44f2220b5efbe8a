//! The addresses that the deployment publishes for its webhooks, and the address that a webhook came from.

use std::net::IpAddr;

use domain::foundation::time::Timestamp;
use domain::webhooks::egress::{EgressIp, EgressIps};

use super::step::Finding;

/// Whether the deployment publishes source addresses.
pub(crate) fn judge_list(list: &EgressIps, now: Timestamp) -> Finding {
    let valid: Vec<String> = valid_at(list, now).map(ToString::to_string).collect();
    if valid.is_empty() {
        return Finding::warning(
            "the deployment publishes no source addresses",
            "Webhooks come from changing addresses, so customers cannot allow them in a firewall. Deploy with a network, unless \
             Egress=none is what you want.",
        );
    }
    Finding::works(valid.join(", "))
}

/// Whether the source address of a webhook is published. `seen_by` says who saw it.
pub(crate) fn judge_source(list: &EgressIps, source: IpAddr, seen_by: &str, now: Timestamp) -> Finding {
    let source = source.to_canonical();
    if valid_at(list, now).next().is_none() {
        return Finding::works(format!("{source}, {seen_by}; there is no published list to compare it with"));
    }
    if valid_at(list, now).any(|ip| ip.cidr.contains(&source)) {
        return Finding::works(format!("{source}, {seen_by}, is among the published addresses"));
    }
    Finding::failed(
        format!("{source}, {seen_by}, is not among the published addresses"),
        "Firewalls of customers would block webhooks. Check that webhook-sender runs in the network of the deployment. If a \
         proxy or tunnel is in front of the receiver, it must add X-Forwarded-For, and --public-url must be given.",
    )
}

fn valid_at(list: &EgressIps, now: Timestamp) -> impl Iterator<Item = &EgressIp> {
    let is_valid = move |ip: &&EgressIp| ip.valid_from <= now && ip.valid_until.is_none_or(|until| now < until);
    list.ips.iter().filter(is_valid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::step::StepState;

    fn list() -> EgressIps {
        serde_json::from_str(
            r#"{"updatedAt":"2026-11-01T00:00:00.000Z","ips":[
                {"cidr":"198.51.100.1/32","validFrom":"2026-11-01T00:00:00.000Z"},
                {"cidr":"198.51.100.2/32","validFrom":"2026-12-01T00:00:00.000Z"},
                {"cidr":"198.51.100.3/32","validFrom":"2026-10-01T00:00:00.000Z","validUntil":"2026-11-20T00:00:00.000Z"},
                {"cidr":"2001:db8::/56","validFrom":"2026-11-01T00:00:00.000Z"}]}"#,
        )
        .unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    #[test]
    fn only_addresses_that_are_valid_now_count() {
        assert_eq!(judge_list(&list(), now()), Finding::works("198.51.100.1, 2001:db8::/56"));
        for (source, expected) in [
            ("198.51.100.1", StepState::Works),
            ("::ffff:198.51.100.1", StepState::Works),
            ("2001:db8::ff:1", StepState::Works),
            ("198.51.100.2", StepState::Failed),
            ("198.51.100.3", StepState::Failed),
            ("203.0.113.9", StepState::Failed),
        ] {
            assert_eq!(judge_source(&list(), source.parse().unwrap(), "seen", now()).state, expected, "{source}");
        }
    }

    #[test]
    fn a_deployment_without_fixed_addresses_works_with_a_warning() {
        let empty: EgressIps = serde_json::from_str(r#"{"updatedAt":"2026-11-01T00:00:00.000Z","ips":[]}"#).unwrap();
        assert_eq!(judge_list(&empty, now()).state, StepState::Warning);
        assert_eq!(judge_source(&empty, "203.0.113.9".parse().unwrap(), "seen", now()).state, StepState::Works);
    }
}
