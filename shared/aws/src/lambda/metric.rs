//! CloudWatch metrics in the embedded metric format (EMF): one line of JSON among the logs.
//!
//! Each invocation writes one line. The only dimension is the function, because CloudWatch bills every combination of metric
//! and dimensions: there are no metrics per project or endpoint. The lines contain only numbers.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use domain::foundation::time::Timestamp;

/// The CloudWatch namespace.
pub const NAMESPACE: &str = "Signpost";

/// The only dimension: the name of the Lambda function.
pub const DIMENSION: &str = "Function";

/// Maximum number of values of one metric in a line (a CloudWatch limit).
const MAX_VALUES: usize = 100;

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Accepted events: stored, with their first messages on the queue.
    Accepted,
    /// API requests answered with 400 to 499.
    Refused,
    /// Deliveries that a receiver accepted.
    Delivered,
    /// Deliveries whose last attempt failed.
    Failed,
    /// Deliveries that expired because they were held or waited for too long.
    Expired,
    /// How many times a delivery was held because of its endpoint. A delivery that is held again counts again.
    Held,
    /// Duration of each attempt, successful or not, in milliseconds.
    AttemptDuration,
    /// Messages that could not be processed because of a fault on our side, which return to the queue or wait for the sweep. At
    /// authorizer: calls without a decision, which API Gateway answers with 500.
    OurFaults,
    /// Rows that this version cannot read: each delivery once, each endpoint and its health once an hour.
    UnreadableRows,
    /// Endpoints whose breaker opened. An endpoint that keeps failing counts once.
    EndpointsPaused,
    /// Endpoints disabled because their receiver failed for days or answered 410.
    EndpointsDisabled,
    /// Age of the most overdue delivery at the time of the sweep, in seconds. Every successful sweep reports it, so a missing
    /// value means no sweep succeeded.
    SweepLag,
    /// Deliveries whose first message was lost and that the daily reconciliation enqueued again.
    LostDeliveries,
    /// Mails sent: reports and notices.
    MailsSent,
    /// Daily runs that enqueued the report and the reconciliation of every project.
    DigestRuns,
}

/// The unit of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// A count; the values of one invocation are added up.
    Count,
    /// Milliseconds; each value is listed.
    Milliseconds,
    /// Seconds; each value is listed.
    Seconds,
}

impl Metric {
    /// All metrics.
    pub const ALL: [Self; 15] = [
        Self::Accepted,
        Self::Refused,
        Self::Delivered,
        Self::Failed,
        Self::Expired,
        Self::Held,
        Self::AttemptDuration,
        Self::OurFaults,
        Self::UnreadableRows,
        Self::EndpointsPaused,
        Self::EndpointsDisabled,
        Self::SweepLag,
        Self::LostDeliveries,
        Self::MailsSent,
        Self::DigestRuns,
    ];

    /// The name in CloudWatch. Alarms and dashboards use the same name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Refused => "Refused",
            Self::Delivered => "Delivered",
            Self::Failed => "Failed",
            Self::Expired => "Expired",
            Self::Held => "Held",
            Self::AttemptDuration => "AttemptDuration",
            Self::OurFaults => "OurFaults",
            Self::UnreadableRows => "UnreadableRows",
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
            | Self::Expired
            | Self::Held
            | Self::OurFaults
            | Self::UnreadableRows
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

/// The metrics of one invocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measured(BTreeMap<Metric, Vec<u64>>);

impl Measured {
    /// A single value.
    pub fn one(metric: Metric, value: u64) -> Self {
        let mut measured = Self::default();
        measured.add(metric, value);
        measured
    }

    /// Adds a value: counts are added up, durations are listed. A count of zero is not written.
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

    /// The sum of all values of a metric.
    pub fn total(&self, metric: Metric) -> u64 {
        self.0.get(&metric).map_or(0, |values| values.iter().sum())
    }

    /// The EMF lines: none without a value, several if one line cannot hold all values.
    pub fn lines(&self, function: &str, now: Timestamp) -> Vec<String> {
        let most = self.0.values().map(Vec::len).max().unwrap_or_default();
        (0..most.div_ceil(MAX_VALUES)).map(|part| self.line(part, function, now)).collect()
    }

    fn line(&self, part: usize, function: &str, now: Timestamp) -> String {
        let values = self.0.iter().filter_map(|(metric, values)| Some((*metric, values.chunks(MAX_VALUES).nth(part)?)));
        let line = Line { values: values.collect(), function, now };
        serde_json::to_string(&line).expect("numbers and names can be written as JSON")
    }
}

/// One EMF line.
struct Line<'a> {
    values: Vec<(Metric, &'a [u64])>,
    function: &'a str,
    now: Timestamp,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let metrics =
            self.values.iter().map(|(metric, _)| Definition { name: metric.name(), unit: metric.unit().name() });
        let directive = Directive { namespace: NAMESPACE, dimensions: [[DIMENSION]], metrics: metrics.collect() };
        let metadata = Metadata { timestamp: self.now.as_millis(), cloud_watch_metrics: [directive] };
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("_aws", &metadata)?;
        members.serialize_entry(DIMENSION, self.function)?;
        for (metric, values) in &self.values {
            match values {
                [value] => members.serialize_entry(metric.name(), value)?,
                values => members.serialize_entry(metric.name(), values)?,
            }
        }
        members.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    timestamp: i64,
    cloud_watch_metrics: [Directive; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: &'static str,
    dimensions: [[&'static str; 1]; 1],
    metrics: Vec<Definition>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    name: &'static str,
    unit: &'static str,
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

    use serde_json::{Value, json};

    use super::*;

    fn parse(line: &str) -> Value {
        serde_json::from_str(line).unwrap()
    }

    #[test]
    fn a_batch_is_one_line_with_summed_counts_and_listed_durations() {
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
    fn no_metrics_write_no_line_but_a_lag_of_zero_is_written() {
        let now = Timestamp::from_millis(0).unwrap();
        assert!(Measured::one(Metric::Delivered, 0).lines("f", now).is_empty());
        let lines = Measured::one(Metric::SweepLag, 0).lines("f", now);
        assert_eq!(parse(&lines[0])["SweepLag"], json!(0));
    }

    #[test]
    fn a_line_has_at_most_the_values_that_cloudwatch_accepts_and_each_value_is_written_once() {
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
    fn metric_names_are_distinct_and_differ_from_the_dimension() {
        let names: BTreeSet<&str> = Metric::ALL.into_iter().map(Metric::name).chain([DIMENSION]).collect();
        assert_eq!(names.len(), Metric::ALL.len() + 1);
    }
}
