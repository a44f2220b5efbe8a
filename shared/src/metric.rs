//! Metrics: what CloudWatch counts and draws, told in its embedded metric format, one line of JSON among the logs.
//!
//! An invocation writes one line, whatever it did. There is one dimension, the function, whose name begins with the stack's:
//! each combination of metric and dimensions is paid for, so nothing is told apart by project or endpoint. Nothing but numbers is told.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::time::Timestamp;

/// Where in CloudWatch the metrics are.
pub const NAMESPACE: &str = "Signpost";

/// The one dimension: the function that measured.
pub const DIMENSION: &str = "Function";

/// How many values of a metric CloudWatch takes from one line.
const MOST_VALUES: usize = 100;

/// Something that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Events that were accepted: durable, with their first messages.
    Accepted,
    /// Requests to the API that were refused: answered with 400 to 499.
    Refused,
    /// Deliveries that were delivered.
    Delivered,
    /// Deliveries that were given up after their last attempt.
    Failed,
    /// Deliveries that were held because their endpoint takes no webhooks.
    Held,
    /// How long an attempt took, whatever came of it. As many values as attempts.
    AttemptDuration,
    /// Messages that came to nothing for a fault of our own, and go back to the queue or are left to the sweep.
    OurFaults,
    /// Endpoints that are left alone because their receiver failed; one that goes on failing counts once.
    EndpointsPaused,
    /// Endpoints that were disabled because their receiver failed for long, or was gone.
    EndpointsDisabled,
    /// How long the delivery that was due longest had been due when the sweep found it. Told by each sweep that succeeds, so that
    /// its absence says there was none.
    SweepLag,
    /// Deliveries whose first message was lost, and that the daily reconciliation sent anew.
    LostDeliveries,
    /// Mails that were sent: reports and notices.
    MailsSent,
    /// Daily runs that queued every project's report and reconciliation.
    DigestRuns,
}

/// What a metric's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// How many; those of an invocation are added up.
    Count,
    /// How long; each is told.
    Milliseconds,
    /// How long; each is told.
    Seconds,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Accepted,
        Self::Refused,
        Self::Delivered,
        Self::Failed,
        Self::Held,
        Self::AttemptDuration,
        Self::OurFaults,
        Self::EndpointsPaused,
        Self::EndpointsDisabled,
        Self::SweepLag,
        Self::LostDeliveries,
        Self::MailsSent,
        Self::DigestRuns,
    ];

    /// Its name in CloudWatch, which alarms and dashboards spell too.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Refused => "Refused",
            Self::Delivered => "Delivered",
            Self::Failed => "Failed",
            Self::Held => "Held",
            Self::AttemptDuration => "AttemptDuration",
            Self::OurFaults => "OurFaults",
            Self::EndpointsPaused => "EndpointsPaused",
            Self::EndpointsDisabled => "EndpointsDisabled",
            Self::SweepLag => "SweepLag",
            Self::LostDeliveries => "LostDeliveries",
            Self::MailsSent => "MailsSent",
            Self::DigestRuns => "DigestRuns",
        }
    }

    const fn unit(self) -> Unit {
        match self {
            Self::AttemptDuration => Unit::Milliseconds,
            Self::SweepLag => Unit::Seconds,
            Self::Accepted
            | Self::Refused
            | Self::Delivered
            | Self::Failed
            | Self::Held
            | Self::OurFaults
            | Self::EndpointsPaused
            | Self::EndpointsDisabled
            | Self::LostDeliveries
            | Self::MailsSent
            | Self::DigestRuns => Unit::Count,
        }
    }
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
            Self::Seconds => "Seconds",
        }
    }
}

/// What an invocation measured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measured(BTreeMap<Metric, Vec<u64>>);

impl Measured {
    /// One value and nothing else.
    pub fn one(metric: Metric, value: u64) -> Self {
        let mut measured = Self::default();
        measured.add(metric, value);
        measured
    }

    /// Adds a value: to what was counted before, or beside other durations. A count of nothing is not told.
    pub fn add(&mut self, metric: Metric, value: u64) {
        match metric.unit() {
            Unit::Count if value == 0 => {}
            Unit::Count => match self.0.entry(metric).or_default().as_mut_slice() {
                [] => drop(self.0.insert(metric, vec![value])),
                [count, ..] => *count = count.saturating_add(value),
            },
            Unit::Milliseconds | Unit::Seconds => self.0.entry(metric).or_default().push(value),
        }
    }

    /// What was counted of a metric; of a duration, all of them together.
    pub fn total(&self, metric: Metric) -> u64 {
        self.0.get(&metric).map_or(0, |values| values.iter().sum())
    }

    /// The lines that tell it: none if nothing was measured, more than one if there are more values than a line may have.
    pub fn lines(&self, function: &str, now: Timestamp) -> Vec<String> {
        let most = self.0.values().map(Vec::len).max().unwrap_or_default();
        (0..most.div_ceil(MOST_VALUES)).map(|part| self.line(part, function, now)).collect()
    }

    fn line(&self, part: usize, function: &str, now: Timestamp) -> String {
        let values = self.0.iter().filter_map(|(metric, values)| Some((metric, values.chunks(MOST_VALUES).nth(part)?)));
        let (mut metrics, mut members) = (Vec::new(), Map::new());
        for (metric, values) in values {
            metrics.push(json!({ "Name": metric.name(), "Unit": metric.unit().name() }));
            let value = if let [value] = values { json!(value) } else { json!(values) };
            members.insert(metric.name().to_owned(), value);
        }
        let directive = json!({ "Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": metrics });
        members.insert("_aws".to_owned(), json!({ "Timestamp": now.as_millis(), "CloudWatchMetrics": [directive] }));
        members.insert(DIMENSION.to_owned(), json!(function));
        Value::Object(members).to_string()
    }
}

impl Extend<Self> for Measured {
    fn extend<T: IntoIterator<Item = Self>>(&mut self, parts: T) {
        for (metric, values) in parts.into_iter().flat_map(|part| part.0) {
            for value in values {
                self.add(metric, value);
            }
        }
    }
}

impl FromIterator<Self> for Measured {
    fn from_iter<T: IntoIterator<Item = Self>>(parts: T) -> Self {
        let mut all = Self::default();
        all.extend(parts);
        all
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn parse(line: &str) -> Value {
        serde_json::from_str(line).unwrap()
    }

    #[test]
    fn a_batch_is_one_line_with_counts_added_up_and_durations_side_by_side() {
        let delivered = |duration| {
            [Measured::one(Metric::Delivered, 1), Measured::one(Metric::AttemptDuration, duration)]
                .into_iter()
                .collect()
        };
        let measured: Measured =
            [delivered(112), delivered(98)].into_iter().collect::<Vec<Measured>>().into_iter().collect();
        let lines = measured.lines("signpost-webhook-sender", Timestamp::from_millis(1_795_336_200_000).unwrap());
        assert_eq!(lines.len(), 1);
        let expected = json!({
            "_aws": {
                "Timestamp": 1_795_336_200_000_u64,
                "CloudWatchMetrics": [{
                    "Namespace": "Signpost",
                    "Dimensions": [["Function"]],
                    "Metrics": [
                        { "Name": "Delivered", "Unit": "Count" },
                        { "Name": "AttemptDuration", "Unit": "Milliseconds" },
                    ],
                }],
            },
            "Function": "signpost-webhook-sender",
            "Delivered": 2,
            "AttemptDuration": [112, 98],
        });
        assert_eq!(parse(&lines[0]), expected);
    }

    #[test]
    fn nothing_measured_is_no_line_but_a_lag_of_nothing_is_told() {
        let now = Timestamp::from_millis(0).unwrap();
        assert!(Measured::one(Metric::Delivered, 0).lines("f", now).is_empty());
        let lines = Measured::one(Metric::SweepLag, 0).lines("f", now);
        assert_eq!(parse(&lines[0])["SweepLag"], json!(0));
    }

    #[test]
    fn no_line_has_more_values_than_cloudwatch_takes_and_none_is_told_twice() {
        let mut measured = Measured::one(Metric::Failed, 3);
        (0..250).for_each(|duration| measured.add(Metric::AttemptDuration, duration));
        let lines: Vec<Value> =
            measured.lines("f", Timestamp::from_millis(0).unwrap()).iter().map(|line| parse(line)).collect();
        let counts: Vec<usize> = lines.iter().map(|line| line["AttemptDuration"].as_array().unwrap().len()).collect();
        assert_eq!(counts, [100, 100, 50]);
        let failed: Vec<Option<u64>> = lines.iter().map(|line| line["Failed"].as_u64()).collect();
        assert_eq!(failed, [Some(3), None, None]);
    }

    #[test]
    fn no_two_metrics_have_one_name_and_none_that_of_the_dimension() {
        let names: BTreeSet<&str> = Metric::ALL.into_iter().map(Metric::name).chain([DIMENSION]).collect();
        assert_eq!(names.len(), Metric::ALL.len() + 1);
    }
}
