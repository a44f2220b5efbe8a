//! Compares the templates in `infra/` with the code, the runbook and each other. The tests read the templates as text.
//!
//! What AWS demands of the templates is tested in `infra/tests`, in Python, which has the tools to resolve and transform them.

#![expect(clippy::unwrap_used, reason = "all of this is tests")]

use std::fs;
use std::path::{Path, PathBuf};

mod alarms;
mod guards;
mod nesting;
mod operator_key;
mod parameters;
mod threats;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text_of(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The resources of a template: name and lines. Our templates indent the names by two spaces.
fn resources(template: &str) -> Vec<(String, String)> {
    let text = text_of(template);
    let (_, resources) = text.split_once("\nResources:\n").unwrap();
    let mut found: Vec<(String, String)> = Vec::new();
    for line in resources.lines().take_while(|line| line.is_empty() || line.starts_with(' ')) {
        let name = line.strip_prefix("  ").filter(|rest| rest.starts_with(char::is_alphabetic));
        match (name, found.last_mut()) {
            (Some(name), _) => found.push((name.trim_end_matches(':').to_owned(), String::new())),
            (None, Some((_, lines))) => lines.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    found
}
