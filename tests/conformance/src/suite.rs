//! Runs cases: starts the receivers, makes the sender act, waits, and judges.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::case::{Case, Step};
use crate::driver::{Action, Driver, DriverError};
use crate::judge;
use crate::receiver::{Receiver, ReceiverError, Receivers};
use crate::record::Record;

/// How the cases are run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the receivers listen.
    pub listen: SocketAddr,
    /// How the sender reaches `listen`, if not by `http://localhost`. Cases with TLS are skipped then.
    pub public_url: Option<String>,
    /// Secrets of the endpoints that no driver reports.
    pub secrets: Vec<String>,
    /// The driver and its arguments. If empty, the suite waits for a sender that is driven by hand.
    pub driver: Vec<String>,
    /// How long to wait for the next request.
    pub patience: Duration,
    /// How long to watch that no further request comes.
    pub quiet: Duration,
    /// The number of cases that run at once. Without a driver, all do.
    pub jobs: usize,
}

/// The result of a case.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The case.
    pub case: Case,
    /// The verdict.
    pub verdict: Verdict,
    /// What arrived.
    pub record: Record,
}

/// Whether a sender passed a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It did.
    Passed,
    /// It did not, for these reasons.
    Failed(Vec<String>),
    /// The case could not be run.
    Skipped(String),
}

impl Outcome {
    /// Whether the sender failed the case.
    pub fn is_failed(&self) -> bool {
        matches!(self.verdict, Verdict::Failed(_))
    }
}

/// Starts the receivers of the cases.
pub async fn start(cases: &[Case], options: &Options) -> Result<Receivers, ReceiverError> {
    Receivers::start(cases, options.listen, options.public_url.as_deref(), &options.secrets).await
}

/// Runs the cases and returns their outcomes in the same order. Calls `done` with each as soon as it is known.
///
/// # Panics
///
/// If `receivers` was started with other cases, or a case panics.
pub async fn run(
    cases: Vec<Case>,
    receivers: &Receivers,
    options: &Options,
    mut done: impl FnMut(&Outcome),
) -> Vec<Outcome> {
    let jobs = if options.driver.is_empty() { cases.len() } else { options.jobs };
    let slots = std::sync::Arc::new(Semaphore::new(jobs.max(1)));
    let mut running = JoinSet::new();
    for (place, case) in cases.into_iter().enumerate() {
        let (slots, options, receiver) = (slots.clone(), options.clone(), receivers.of(&case).clone());
        running.spawn(async move {
            let _slot = slots.acquire().await.expect("nobody closes it");
            let verdict = verdict(&case, &receiver, &options).await;
            (place, Outcome { verdict, record: receiver.record.get(), case })
        });
    }
    let mut outcomes = Vec::new();
    while let Some(finished) = running.join_next().await {
        let (place, outcome) = finished.expect("a case does not panic");
        done(&outcome);
        outcomes.push((place, outcome));
    }
    outcomes.sort_by_key(|(place, _)| *place);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

async fn verdict(case: &Case, receiver: &Receiver, options: &Options) -> Verdict {
    if case.https.is_some() && options.public_url.is_some() {
        return Verdict::Skipped("only runs with a sender on this machine".to_owned());
    }
    // The driver lives until the verdict: its folder may be in use by a sender that it started.
    let driver = match Driver::new(&options.driver, case, &receiver.url) {
        Ok(driver) => driver,
        Err(error) => return Verdict::Failed(vec![format!("cannot make a folder for the driver: {error}")]),
    };
    if let Err(error) = act(case, receiver, &driver, options).await {
        return match error {
            DriverError::Unsupported(_) => Verdict::Skipped(error.to_string()),
            DriverError::Failed { .. } | DriverError::Io(..) => Verdict::Failed(vec![error.to_string()]),
        };
    }
    let patience = options.patience + Duration::from_secs_f64(case.expect.waits);
    let expect = &case.expect;
    receiver
        .record
        .wait(|record, since| {
            let arrived = record.arrivals.len();
            let is_complete = arrived >= expect.requests.min && record.refused_handshakes >= expect.refused_handshakes;
            let limit = if is_complete { options.quiet } else { patience };
            arrived > expect.requests.max || record.open() == 0 && since >= limit
        })
        .await;
    match judge::faults(case, &receiver.record.get()) {
        faults if faults.is_empty() => Verdict::Passed,
        faults => Verdict::Failed(faults),
    }
}

/// Creates the endpoint and makes the sender do the steps of the case.
async fn act(case: &Case, receiver: &Receiver, driver: &Driver<'_>, options: &Options) -> Result<(), DriverError> {
    if options.driver.is_empty() {
        return match case.steps.as_slice() {
            [Step::Publish] => Ok(()),
            _ => Err(DriverError::Unsupported("do several steps without a driver")),
        };
    }
    let acts = async |action| {
        let secret = driver.act(action).await?;
        receiver.record.change(|record| record.secrets.extend(secret));
        Ok(())
    };
    acts(Action::Create).await?;
    for step in &case.steps {
        match step {
            Step::Publish => acts(Action::Publish).await?,
            Step::Rotate => acts(Action::Rotate).await?,
            Step::Replay => acts(Action::Replay).await?,
            Step::Settle => {
                let settled = |record: &Record, since| {
                    let limit = if record.arrivals.is_empty() { options.patience } else { options.quiet };
                    record.open() == 0 && since >= limit
                };
                receiver.record.wait(settled).await;
            }
        }
    }
    Ok(())
}
