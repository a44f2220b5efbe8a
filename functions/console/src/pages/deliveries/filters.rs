//! The filters of the list, which are in its URL.

use api::ProblemKind;
use domain::foundation::draft::BadField;
use domain::foundation::id::{EndpointId, EventId};
use domain::foundation::time::UtcDay;
use domain::public_names;
use domain::webhooks::delivery::DeliveryState;
use domain::webhooks::event::{EventType, SubmissionId};

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use crate::http::pairs::Pairs;
use crate::http::problem::{ApiProblem, Problem};

public_names! {
    /// A filter. It is named like the api's query parameter.
    pub(super) enum Filter {
        /// State of the delivery.
        State = "state",
        /// Id of the endpoint.
        Endpoint = "endpoint",
        /// Type of the event.
        Type = "type",
        /// Submission that the event is about.
        Submission = "submissionId",
        /// Id of the event.
        Event = "event",
        /// First UTC day on which the event was accepted.
        From = "from",
        /// Last UTC day on which the event was accepted.
        To = "to",
    }
}

/// The names of all filters.
pub(super) const NAMES: [&str; Filter::ALL.len()] = {
    let mut names = [""; Filter::ALL.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = Filter::ALL[index].as_str();
        index += 1;
    }
    names
};

/// The filters of a list.
#[derive(Debug)]
pub(super) struct Filters {
    /// As they are in the URL.
    pub(super) shown: Pairs,
    /// As the api understands them.
    pub(super) query: Pairs,
    errors: Vec<BadField>,
}

impl Filters {
    /// Reads the filters in the query of the page.
    pub(super) fn read(query: &Pairs) -> Self {
        let shown = query.clone().only(&NAMES);
        let mut filters = Self { shown, query: Pairs::default(), errors: Vec::new() };
        for filter in Filter::ALL {
            let value = filters.shown.get(filter.as_str()).unwrap_or_default().trim().to_owned();
            match filter.parse(&value) {
                _ if value.is_empty() => {}
                Ok(value) => filters.query = filters.query.and(filter.as_str(), value),
                Err(detail) => filters.refuse(filter, detail),
            }
        }
        if filters.query.get("from").zip(filters.query.get("to")).is_some_and(|(from, to)| from > to) {
            filters.refuse(Filter::To, "must not be before the first day".to_owned());
        }
        filters
    }

    fn refuse(&mut self, filter: Filter, detail: String) {
        self.errors.push(BadField { pointer: format!("/{filter}"), detail });
    }

    /// Whether any filter is set.
    pub(super) fn are_set(&self) -> bool {
        self.query != Pairs::default()
    }

    /// What is wrong with the filters, if anything is.
    pub(super) fn problem(&self) -> Option<Problem> {
        let problem = || ApiProblem { kind: ProblemKind::BadQuery, errors: self.errors.clone(), retry_after: None };
        (!self.errors.is_empty()).then(|| Problem::Api(problem()))
    }
}

impl Filter {
    /// The value of the api's query parameter. Days become the times at which they begin and end.
    fn parse(self, value: &str) -> Result<String, String> {
        match self {
            Self::State => checked::<DeliveryState>(value),
            Self::Endpoint => checked::<EndpointId>(value),
            Self::Type => checked::<EventType>(value),
            Self::Submission => SubmissionId::try_from(value.to_owned()).map(String::from).map_err(detail),
            Self::Event => checked::<EventId>(value),
            Self::From => day(value).map(|day| day.start().to_string()),
            Self::To => day(value).map(|day| day.next().start().minus(Duration::from_millis(1)).to_string()),
        }
    }
}

fn checked<T: FromStr<Err: Display> + Display>(value: &str) -> Result<String, String> {
    value.parse::<T>().map(|value| value.to_string()).map_err(detail)
}

fn day(value: &str) -> Result<UtcDay, String> {
    value.parse().map_err(detail)
}

fn detail(error: impl Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Filters {
        Filters::read(&Pairs::parse(query.as_bytes()))
    }

    #[test]
    fn days_become_times_and_empty_filters_are_left_out() {
        let filters = read("state=failed&endpoint=&type=+&from=2026-11-21&to=2026-11-22&cursor=x&submissionId=+sub_1+");
        assert!(filters.problem().is_none() && filters.are_set());
        let expected =
            "state=failed&submissionId=sub_1&from=2026-11-21T00%3A00%3A00.000Z&to=2026-11-22T23%3A59%3A59.999Z";
        assert_eq!(filters.query.to_string(), expected);
        assert!(!read("cursor=x&done=queued&state=").are_set());
    }

    #[test]
    fn each_bad_filter_is_named() {
        let bad = "state=lost&endpoint=x&type=created&submissionId=a+b&event=x&from=20261121&to=tomorrow";
        let Some(Problem::Api(problem)) = read(bad).problem() else { panic!("no problem") };
        let pointers: Vec<&str> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/state", "/endpoint", "/type", "/submissionId", "/event", "/from", "/to"]);
        let Some(Problem::Api(problem)) = read("from=2026-11-22&to=2026-11-21").problem() else { panic!("no problem") };
        assert_eq!(problem.errors[0].pointer, "/to");
        assert!(read("from=2026-11-22&to=2026-11-22").problem().is_none());
    }
}
