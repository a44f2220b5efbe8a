//! Whether our own way out to the internet, the NAT, is to be suspected.

use std::collections::HashSet;
use std::time::{Duration, Instant};

/// How many hosts must have timed out before it is more likely that our way out is down than that all of them are.
const SUSPICIOUS_HOSTS: usize = 3;

/// For how long after something was reached a time-out is still the receiver's.
const TRUSTED_FOR: Duration = Duration::from_mins(1);

/// What was reached of late, and what was not.
#[derive(Debug, Default)]
pub(crate) struct Egress {
    reached_at: Option<Instant>,
    /// The hosts that have timed out since; no more than it takes to be suspicious.
    timed_out: HashSet<String>,
}

impl Egress {
    /// Notes that something out there was reached: it accepted a connection, refused one, or answered.
    pub(crate) fn reached(&mut self, now: Instant) {
        self.reached_at = Some(now);
        self.timed_out.clear();
    }

    /// Notes that connecting to `host` timed out. Whether that is our own fault: several hosts have timed out before it,
    /// and nothing was reached since the first of them, nor within the last minute.
    pub(crate) fn timed_out(&mut self, host: &str, now: Instant) -> bool {
        if self.timed_out.len() < SUSPICIOUS_HOSTS {
            self.timed_out.insert(host.to_owned());
            return false;
        }
        self.reached_at.is_none_or(|reached_at| now.saturating_duration_since(reached_at) >= TRUSTED_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_out_is_ours_once_three_other_hosts_have_timed_out() {
        let (mut egress, now) = (Egress::default(), Instant::now());
        let ours: Vec<bool> = ["a", "b", "c", "d", "a"].map(|host| egress.timed_out(host, now)).into();
        assert_eq!(ours, [false, false, false, true, true]);
    }

    #[test]
    fn one_dead_host_does_not_bring_our_way_out_under_suspicion() {
        let (mut egress, now) = (Egress::default(), Instant::now());
        assert!((0..100).all(|_| !egress.timed_out("a", now)));
    }

    #[test]
    fn one_host_that_is_reached_ends_the_suspicion() {
        let (mut egress, now) = (Egress::default(), Instant::now());
        for host in ["a", "b", "c", "d"] {
            egress.timed_out(host, now);
        }
        egress.reached(now);
        let later = now + TRUSTED_FOR;
        let ours: Vec<bool> = ["a", "b", "c", "d"].map(|host| egress.timed_out(host, later)).into();
        assert_eq!(ours, [false, false, false, true]);
    }

    #[test]
    fn for_a_minute_after_a_host_was_reached_time_outs_are_the_receivers() {
        let (mut egress, now) = (Egress::default(), Instant::now());
        egress.reached(now);
        for host in ["a", "b", "c"] {
            egress.timed_out(host, now);
        }
        assert!(!egress.timed_out("d", now + TRUSTED_FOR.saturating_sub(Duration::from_millis(1))));
        assert!(egress.timed_out("d", now + TRUSTED_FOR));
    }
}
