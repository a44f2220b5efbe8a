//! The threat model names only tests that exist.

use std::fs;
use std::path::Path;

use crate::{root, text_of};

const PAGE: &str = "docs/threats.md";

/// The names of all functions in the Rust and Python files below a folder.
fn functions_below(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(functions_below(&path));
        }
        let keyword = match path.extension().and_then(|extension| extension.to_str()) {
            Some("rs") => "fn ",
            Some("py") => "def ",
            _ => continue,
        };
        let text = fs::read_to_string(&path).unwrap();
        let after = text.split(keyword).skip(1);
        names.extend(after.map(|rest| rest.split(['(', '<']).next().unwrap().to_owned()));
    }
    names
}

#[test]
fn the_threat_model_names_only_tests_that_exist() {
    let existing: Vec<String> = ["functions", "shared", "tests", "infra"]
        .iter()
        .flat_map(|folder| functions_below(&root().join(folder)))
        .collect();
    let page = text_of(PAGE);
    let is_name = |word: &&str| {
        word.matches('_').count() > 1
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || b"_0123456789".contains(&byte))
    };
    let named: Vec<&str> = page.split('`').filter(is_name).collect();
    assert!(named.len() > 50, "{PAGE} names {} tests", named.len());
    for name in named {
        assert!(existing.iter().any(|existing| existing == name), "{PAGE} names {name}, which does not exist");
    }
}
