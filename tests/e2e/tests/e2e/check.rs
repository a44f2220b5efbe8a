//! The command line against the stack: the real program, as people and pipelines run it.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Instant;

use domain::foundation::random::SystemRandom;
use domain::projects::api_key::{ApiKey, ApiKeyKind};
use e2e::{Customer, WAIT_TIMEOUT, run, stack};
use serde_json::{Value, json};
use stack::api_client::ApiError;
use stack::{Stack, demo};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::program::{Ended, signpost};

trials! {
    a_check_with_its_own_receiver_works_and_leaves_nothing_behind,
    a_check_names_what_does_not_work_and_still_deletes_its_project,
    an_interrupted_check_deletes_its_project_and_lists_every_step,
    a_check_that_cannot_listen_lists_every_step,
    a_check_without_an_api_lists_every_step,
    a_check_interrupted_before_its_project_lists_every_step,
    a_check_with_an_unknown_key_fails_and_a_check_without_one_is_wrong_usage,
    a_triggered_event_is_listed_with_its_attempt,
    followed_deliveries_are_shown_when_they_change,
    sample_events_are_refused_for_live_projects,
}

/// The steps of a check, in order.
const STEPS: [&str; 14] = [
    "receiver",
    "api",
    "egress-ips",
    "project",
    "api-key",
    "concurrency",
    "endpoint",
    "event",
    "delivery",
    "signature",
    "source-address",
    "return-link",
    "confirmation-mail",
    "clean-up",
];

impl Ended {
    /// The names of a check's steps that have this state, in the order of the output.
    fn in_state(&self, state: &str) -> Vec<String> {
        let json = self.json();
        let steps = json["steps"].as_array().unwrap().iter().filter(|step| step["state"] == state);
        steps.map(|step| step["name"].as_str().unwrap().to_owned()).collect()
    }

    /// The steps of a check, by name.
    fn steps(&self) -> BTreeMap<String, Value> {
        let steps = self.json()["steps"].as_array().unwrap().clone();
        steps.into_iter().map(|step| (step["name"].as_str().unwrap().to_owned(), step)).collect()
    }
}

async fn assert_deleted(stack: &Stack, project: &str) {
    let read = stack.api().get(&format!("/v1/projects/{project}")).await;
    assert!(matches!(read, Err(ApiError::Refused { status: 404, .. })), "{read:?}");
}

fn a_check_with_its_own_receiver_works_and_leaves_nothing_behind() {
    run(async {
        let stack = stack().await;
        let email = "check@customer.example";
        let arguments = ["check", "--listen", "127.0.0.1:0", "--email", email, "--json"];
        let check = Ended::of(signpost(stack, &stack.operator_key, &arguments)).await;

        let steps = check.steps();
        assert_eq!((check.code, &check.json()["works"]), (Some(0), &json!(true)), "{}", check.stdout);
        // The stack has no fixed addresses.
        assert_eq!(check.in_state("warning"), ["egress-ips"], "{}", check.stdout);
        let others: Vec<_> = STEPS.into_iter().filter(|name| *name != "egress-ips").collect();
        assert_eq!(check.in_state("works"), others, "{}", check.stdout);
        assert!(steps["source-address"]["detail"].as_str().unwrap().starts_with("127.0.0.1"), "{}", check.stdout);
        let mail = demo::wait_for_mail(stack, email, 0, "confirmation mail").await.unwrap();
        assert!(mail.text.contains("/confirm/"), "{}", mail.text);
        assert_deleted(stack, steps["project"]["detail"].as_str().unwrap()).await;
        for secret in ["sp_", "whsec_"] {
            assert!(!check.stdout.contains(secret) && !check.stderr.contains(secret), "{}", check.stdout);
        }
    });
}

fn a_check_names_what_does_not_work_and_still_deletes_its_project() {
    run(async {
        let stack = stack().await;
        // The receiver does not know this path and answers 401.
        let url = stack.receiver.url("/check/unknown?token=secret");
        let check = Ended::of(signpost(stack, &stack.operator_key, &["check", "--receiver", &url, "--json"])).await;

        let steps = check.steps();
        assert_eq!((check.code, &check.json()["works"]), (Some(1), &json!(false)), "{}", check.stdout);
        let delivery = &steps["delivery"];
        assert!(delivery["detail"].as_str().unwrap().contains("failed with status 401"), "{delivery}");
        assert_eq!(delivery["advice"], "The receiver must answer with a status of 200 to 299.");
        let skipped = ["receiver", "signature", "source-address", "confirmation-mail"];
        assert_eq!(check.in_state("skipped"), skipped, "{}", check.stdout);
        // The path and the query of a receiver may be secrets.
        assert_eq!(steps["endpoint"]["detail"], stack.receiver.url(""), "{}", check.stdout);
        for part in ["/check/unknown", "token"] {
            assert!(!check.stdout.contains(part) && !check.stderr.contains(part), "{}", check.stdout);
        }
        assert_eq!(steps["return-link"]["state"], "works", "{}", check.stdout);
        assert_deleted(stack, steps["project"]["detail"].as_str().unwrap()).await;
    });
}

fn an_interrupted_check_deletes_its_project_and_lists_every_step() {
    run(async {
        let stack = stack().await;
        // A receiver that takes connections and never answers keeps the check waiting.
        let receiver = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", receiver.local_addr().unwrap());
        let mut command = signpost(stack, &stack.operator_key, &["check", "--receiver", &url]);
        let mut check = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(check.stdout.take().unwrap());

        let (mut printed, started_at) = (String::new(), Instant::now());
        while !printed.contains(" event ") {
            assert_ne!(output.read_line(&mut printed).await.unwrap(), 0, "{printed}");
            assert!(started_at.elapsed() <= WAIT_TIMEOUT, "{printed}");
        }
        let id = check.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
        output.read_to_string(&mut printed).await.unwrap();

        assert_eq!(check.wait().await.unwrap().code(), Some(1), "{printed}");
        assert!(
            printed.contains("the check was interrupted") && printed.contains("the project is deleted"),
            "{printed}"
        );
        let names: Vec<_> = printed.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
        let listed: Vec<_> = names.into_iter().filter(|name| STEPS.contains(name)).collect();
        assert_eq!(listed, STEPS, "{printed}");
        assert!(printed.contains("skipped  delivery"), "{printed}");
        let line = printed.lines().find(|line| line.contains(" project ")).unwrap();
        assert_deleted(stack, line.split_whitespace().last().unwrap()).await;
    });
}

fn a_check_that_cannot_listen_lists_every_step() {
    run(async {
        let stack = stack().await;
        let occupied = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = occupied.local_addr().unwrap().to_string();
        let arguments = ["check", "--listen", &address, "--json"];
        let check = Ended::of(signpost(stack, &stack.operator_key, &arguments)).await;
        assert_eq!((check.code, check.in_state("failed")), (Some(1), vec!["receiver".to_owned()]), "{}", check.stdout);
        assert_eq!(check.in_state("skipped"), STEPS[1..], "{}", check.stdout);
    });
}

fn a_check_without_an_api_lists_every_step() {
    run(async {
        let stack = stack().await;
        let mut command = signpost(stack, &stack.operator_key, &["check", "--listen", "127.0.0.1:0", "--json"]);
        command.env("SIGNPOST_API", stack.receiver.url("/check/no-api"));
        let check = Ended::of(command).await;
        assert_eq!((check.code, check.in_state("failed")), (Some(1), vec!["api".to_owned()]), "{}", check.stdout);
        assert_eq!(check.in_state("skipped"), STEPS[2..], "{}", check.stdout);
    });
}

fn a_check_interrupted_before_its_project_lists_every_step() {
    run(async {
        let stack = stack().await;
        // An API that takes connections and never answers keeps the check waiting.
        let api = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut command = signpost(stack, &stack.operator_key, &["check", "--listen", "127.0.0.1:0", "--json"]);
        command.env("SIGNPOST_API", format!("http://{}", api.local_addr().unwrap()));
        let check = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let _connection = tokio::time::timeout(WAIT_TIMEOUT, api.accept()).await.unwrap().unwrap();
        let id = check.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
        let check = Ended::from(check.wait_with_output().await.unwrap());
        assert_eq!(
            (check.code, check.in_state("failed")),
            (Some(1), vec!["interrupted".to_owned()]),
            "{}",
            check.stdout
        );
        assert_eq!(check.in_state("skipped"), STEPS[1..], "{}", check.stdout);
    });
}

fn a_check_with_an_unknown_key_fails_and_a_check_without_one_is_wrong_usage() {
    run(async {
        let stack = stack().await;
        let key = ApiKey::generate(ApiKeyKind::Operator, &SystemRandom);
        let arguments = ["check", "--listen", "127.0.0.1:0"];
        let check = Ended::of(signpost(stack, key.expose(), &arguments)).await;
        assert_eq!(check.code, Some(1), "{}", check.stdout);
        assert!(check.stdout.contains("OperatorKeyHashes"), "{}", check.stdout);
        assert!(!check.stdout.contains(key.expose()) && !check.stderr.contains(key.expose()));

        let mut command = signpost(stack, "", &arguments);
        command.env_remove("SIGNPOST_KEY");
        let check = Ended::of(command).await;
        assert_eq!((check.code, check.stdout.as_str()), (Some(2), ""));
        assert!(check.stderr.contains("SIGNPOST_KEY"), "{}", check.stderr);
    });
}

fn a_triggered_event_is_listed_with_its_attempt() {
    run(async {
        let stack = stack().await;
        let api = stack.api();
        let project = api.post("/v1/projects", &json!({ "name": "cli", "mode": "test" })).await.unwrap();
        let project = project["id"].as_str().unwrap();
        let url = stack.receiver.url("/check/trigger");
        let endpoint = api.post(&format!("/v1/projects/{project}/endpoints"), &json!({ "url": url })).await.unwrap();
        stack.receiver.expect("/check/trigger", endpoint["signingSecret"].as_str().unwrap());
        let key = api.post(&format!("/v1/projects/{project}/api-keys"), &json!({ "name": "cli" })).await.unwrap();
        let key = key["key"].as_str().unwrap();

        let trigger =
            Ended::of(signpost(stack, key, &["trigger", "aml-ongoing", "--project", project, "--json"])).await;
        let event = trigger.json();
        stack.receiver.wait_for("/check/trigger", WAIT_TIMEOUT, |received| !received.is_empty()).await.unwrap();

        // The attempt is recorded after the receiver has answered.
        let started_at = Instant::now();
        loop {
            let list = Ended::of(signpost(stack, key, &["deliveries", "--project", project])).await;
            assert_eq!(list.code, Some(0), "{}", list.stderr);
            let line = list.stdout.lines().next().unwrap();
            if line.contains("delivered") {
                assert!(line.contains("aml-ongoing") && line.contains(event["id"].as_str().unwrap()), "{line}");
                assert!(line.contains("attempt 1 was accepted with status 200"), "{line}");
                break;
            }
            assert!(started_at.elapsed() <= WAIT_TIMEOUT, "{line}");
        }
        let failed = Ended::of(signpost(stack, key, &["deliveries", "--failed", "--project", project])).await;
        assert_eq!((failed.code, failed.stdout.as_str()), (Some(0), ""), "{}", failed.stderr);
    });
}

fn followed_deliveries_are_shown_when_they_change() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/check/follow").await;
        // The first attempt fails and the second succeeds a second later.
        customer.receiver().answer(customer.path(), [500]);
        let mut follow = signpost(stack, customer.key(), &["deliveries", "--follow", "--project", customer.project()]);
        let mut follow = follow.stdout(Stdio::piped()).spawn().unwrap();
        let event = customer.publish(&json!({ "type": "token", "data": {} })).await;

        let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
        let last = tokio::time::timeout(WAIT_TIMEOUT, async {
            loop {
                let line = lines.next_line().await.unwrap().unwrap();
                assert!(line.contains(&event), "{line}");
                if line.contains("delivered") {
                    return line;
                }
            }
        });
        let last = last.await.unwrap();
        assert!(last.contains("attempt 2 was accepted with status 200"), "{last}");
    });
}

fn sample_events_are_refused_for_live_projects() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/check/live").await;
        for key in [customer.key(), &stack.operator_key] {
            let trigger =
                Ended::of(signpost(stack, key, &["trigger", "approved", "--project", customer.project()])).await;
            assert_eq!((trigger.code, trigger.stdout.as_str()), (Some(2), ""), "{}", trigger.stderr);
            assert!(trigger.stderr.contains("only test projects"), "{}", trigger.stderr);
        }
        assert!(customer.deliveries().await.unwrap().is_empty());
    });
}
