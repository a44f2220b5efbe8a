//! Prints outcomes: as lines, as a table in Markdown, and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::judge;
use crate::suite::{Outcome, Verdict};

/// One line for a terminal, such as `failed   retry-500: 1 requests instead of 2`.
pub fn line(outcome: &Outcome) -> String {
    let name = &outcome.case.name;
    match &outcome.verdict {
        Verdict::Passed => format!("passed   {name}"),
        Verdict::Failed(faults) => format!("failed   {name}: {}", faults.join("; ")),
        Verdict::Skipped(reason) => format!("skipped  {name}: {reason}"),
    }
}

/// The last line: how many cases passed, failed and were skipped.
pub fn summary(outcomes: &[Outcome]) -> String {
    let count = |is: fn(&Verdict) -> bool| outcomes.iter().filter(|outcome| is(&outcome.verdict)).count();
    let (passed, failed) = (count(|v| *v == Verdict::Passed), count(|v| matches!(v, Verdict::Failed(_))));
    format!("{passed} passed, {failed} failed, {} skipped", count(|v| matches!(v, Verdict::Skipped(_))))
}

/// A table of all outcomes in Markdown.
pub fn table(outcomes: &[Outcome]) -> String {
    let mut table =
        "| case | what a sender must do | result | requests after |\n| --- | --- | --- | --- |\n".to_owned();
    for outcome in outcomes {
        let result = match &outcome.verdict {
            Verdict::Passed => "passed".to_owned(),
            Verdict::Failed(faults) => format!("**failed**: {}", faults.join("; ")),
            Verdict::Skipped(reason) => format!("skipped: {reason}"),
        };
        let (name, rule, times) = (&outcome.case.name, &outcome.case.rule, times(outcome));
        let _ = writeln!(table, "| `{name}` | {rule} | {result} | {times} |");
    }
    table
}

/// When the requests arrived, in seconds after the first, and who signed the last one if there are several secrets.
fn times(outcome: &Outcome) -> String {
    let arrivals = &outcome.record.arrivals;
    let since = |arrival: &crate::record::Arrival| (arrival.at - arrivals[0].at).as_secs_f64();
    let mut parts: Vec<String> = arrivals.iter().map(|arrival| format!("{:.1} s", since(arrival))).collect();
    if outcome.record.secrets.len() > 1 {
        let names = judge::signers(&outcome.record).into_iter().map(|place| format!("secret {}", place + 1));
        parts.push(format!("signed by {}", names.collect::<Vec<_>>().join(", ")));
    }
    if let Some(after) = arrivals.first().and_then(|arrival| arrival.given_up_after) {
        parts.push(format!("first answer given up after {:.1} s", after.as_secs_f64()));
    }
    if outcome.record.refused_handshakes > 0 {
        parts.push(format!("{} handshakes broken off", outcome.record.refused_handshakes));
    }
    parts.join(", ")
}

/// All outcomes for programs. Secrets and bodies are left out.
pub fn json(outcomes: &[Outcome]) -> Value {
    let one = |outcome: &Outcome| {
        let (result, reasons) = match &outcome.verdict {
            Verdict::Passed => ("passed", Vec::new()),
            Verdict::Failed(faults) => ("failed", faults.clone()),
            Verdict::Skipped(reason) => ("skipped", vec![reason.clone()]),
        };
        let arrivals = &outcome.record.arrivals;
        let times: Vec<f64> = arrivals.iter().map(|arrival| (arrival.at - arrivals[0].at).as_secs_f64()).collect();
        json!({
            "case": outcome.case.name, "rule": outcome.case.rule, "result": result, "reasons": reasons,
            "secondsAfterFirstRequest": times, "signers": judge::signers(&outcome.record),
        })
    };
    json!({ "summary": summary(outcomes), "cases": outcomes.iter().map(one).collect::<Vec<_>>() })
}
