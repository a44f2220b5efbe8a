//! `signpost check`: runs the main job against a deployment by its public API, and says what works.
//!
//! Everything that the check creates belongs to one project, which is deleted at the end, also after failures and Ctrl-C.

mod advice;
mod concurrency;
mod egress;
mod mail;
mod receiver;
mod return_link;
mod setup;
mod step;
mod verdict;
mod webhook;

use std::time::{Duration, Instant};

use domain::foundation::error_chain::chain;
use domain::foundation::id::ProjectId;

use crate::api::ApiClient;
use crate::arguments::CheckOptions;
use crate::config::Config;
use crate::interrupt::Interrupts;
use crate::output::Output;

use self::setup::Prepared;
use self::step::{Finding, StepName, Steps};

/// The detail of the steps that an interruption leaves without a result.
const INTERRUPTED: &str = "the check was interrupted";

/// Runs the check. Returns whether everything works.
///
/// # Panics
///
/// If the process cannot listen for signals.
pub(crate) async fn run(config: &Config, options: &CheckOptions, output: Output) -> bool {
    let mut interrupts = Interrupts::listen().expect("a process can listen for signals");
    let mut steps = Steps::new(output);
    output.line(&format!("Checking {}\n", config.api.as_str()));
    try_check(&ApiClient::new(config), options, &mut steps, &mut interrupts).await;
    steps.finish(config.api.as_str());
    steps.all_work()
}

async fn try_check(api: &ApiClient, options: &CheckOptions, steps: &mut Steps, interrupts: &mut Interrupts) {
    let prepared = tokio::select! {
        biased;
        () = interrupts.next() => Err(Interrupted),
        prepared = prepare(api, options, steps) => Ok(prepared),
    };
    let prepared = match prepared {
        Ok(Some(prepared)) => prepared,
        Ok(None) => return steps.skip_up_to(StepName::CleanUp, "a step before it failed"),
        Err(Interrupted) => {
            add_interruption(steps);
            return steps.skip_up_to(StepName::CleanUp, INTERRUPTED);
        }
    };
    // This call is not interrupted: otherwise a project could exist whose id is unknown.
    let Some(project) = steps.run(StepName::Project, setup::create_project(api)).await else {
        return steps.skip_up_to(StepName::CleanUp, "there is no project");
    };
    let done = tokio::select! {
        biased;
        () = interrupts.next() => Err(Interrupted),
        () = main_job(api, project, &prepared, options, steps) => Ok(()),
    };
    if done.is_err() {
        add_interruption(steps);
        steps.skip_up_to(StepName::ConfirmationMail, INTERRUPTED);
    }
    clean_up(api, project, steps, interrupts).await;
}

/// Somebody asked the command to end.
struct Interrupted;

fn add_interruption(steps: &mut Steps) {
    steps.add(StepName::Interrupted, Duration::ZERO, Finding::failed(INTERRUPTED, "Run it again."));
}

/// Reads what is public, and starts the receiver. `None` if it makes no sense to go on.
async fn prepare(api: &ApiClient, options: &CheckOptions, steps: &mut Steps) -> Option<Prepared> {
    let receiver = match options.listen {
        Some(address) => {
            Some(steps.run(StepName::Receiver, setup::start_receiver(address, options.public_url.as_ref())).await?)
        }
        None => {
            steps.skip(StepName::Receiver, "not tried without --listen");
            None
        }
    };
    steps.run(StepName::Api, setup::read_version(api)).await?;
    let egress = steps.run(StepName::EgressIps, setup::read_egress_ips(api)).await;
    Some(Prepared { egress, receiver })
}

/// Everything that needs the project.
async fn main_job(api: &ApiClient, project: ProjectId, prepared: &Prepared, options: &CheckOptions, steps: &mut Steps) {
    let Some(api) = steps.run(StepName::ApiKey, setup::create_key(api, project)).await else {
        return steps.skip_up_to(StepName::ConfirmationMail, "there is no API key");
    };
    steps.run(StepName::Concurrency, concurrency::check(&api, project)).await;
    webhook::check(&api, project, prepared, options, steps).await;
    steps.run(StepName::ReturnLink, return_link::check(&api, project)).await;
    match &options.email {
        Some(email) => {
            steps.run(StepName::ConfirmationMail, mail::check(&api, project, email)).await;
        }
        None => steps.skip(StepName::ConfirmationMail, "not tried without --email"),
    }
}

/// Deletes the project. A second interruption ends this too.
async fn clean_up(api: &ApiClient, project: ProjectId, steps: &mut Steps, interrupts: &mut Interrupts) {
    let (started_at, path) = (Instant::now(), format!("/v1/projects/{project}"));
    let deleted = tokio::select! {
        biased;
        () = interrupts.next() => Err("the deletion was interrupted".to_owned()),
        deleted = api.delete(&path) => deleted.map_err(|error| chain(&error)),
    };
    let finding = match deleted {
        Ok(()) => Finding::works("the project is deleted"),
        Err(reason) => {
            Finding::failed(reason, format!("Delete what is left: call DELETE {path} with the operator key."))
        }
    };
    steps.add(StepName::CleanUp, started_at.elapsed(), finding);
}
