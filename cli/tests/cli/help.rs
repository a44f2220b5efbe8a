//! Help and completions.

use crate::program::{Ended, offline};

const COMMANDS: [&str; 8] = ["listen", "simulate", "trigger", "verify", "deliveries", "replay", "check", "completions"];

#[tokio::test]
async fn help_fits_on_a_terminal_and_says_what_exit_codes_mean() {
    let program = Ended::of(offline(&["--help"])).await;
    assert!(program.stdout.contains("Exit codes:"), "{program:?}");
    let mut pages = vec![program];
    for command in COMMANDS {
        let page = Ended::of(offline(&[command, "--help"])).await;
        assert!(page.stdout.contains(&format!("Examples:\n  signpost {command} ")), "{page:?}");
        pages.push(page);
    }
    for page in pages {
        assert_eq!(page.code, Some(0));
        let long: Vec<&str> = page.stdout.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(long.is_empty(), "{long:#?}");
    }
}

#[tokio::test]
async fn completions_know_commands_options_and_values() {
    // Completions of fish have no values of arguments without a name.
    for (shell, value) in [("bash", "review"), ("zsh", "review"), ("fish", "aml-ongoing")] {
        let script = Ended::of(offline(&["completions", shell])).await;
        assert_eq!(script.code, Some(0));
        for word in COMMANDS.into_iter().chain(["from-start", value]) {
            assert!(script.stdout.contains(word), "{shell} lacks {word}");
        }
    }
}

#[tokio::test]
async fn a_command_without_its_variables_names_them() {
    let ended = Ended::of(offline(&["deliveries"])).await;
    assert!(ended.code == Some(2) && ended.stderr.contains("SIGNPOST_API"), "{ended:?}");
    let mut no_project = offline(&["deliveries", "--api", "http://localhost:1"]);
    no_project.env("SIGNPOST_KEY", "sp_op_x");
    let ended = Ended::of(no_project).await;
    assert!(ended.code == Some(2) && ended.stderr.contains("SIGNPOST_KEY") && !ended.stderr.contains("sp_op_x"));
}
