//! Checks the parameters and outputs that pass between `samconfig.toml`, the root template and the nested templates.
//! `cfn-lint` and `sam validate` look at one template at a time.

use std::collections::BTreeSet;

use crate::{resources, text_of};

const ROOT: &str = "infra/signpost.yaml";
const NESTED: [(&str, &str); 3] = [("Network", "network"), ("Application", "application"), ("Alarms", "alarms")];

/// The names in a section of a template, each with whether it has a default.
fn section(template: &str, name: &str) -> Vec<(String, bool)> {
    let text = text_of(template);
    let (_, section) = text.split_once(&format!("\n{name}:\n")).unwrap();
    let lines = section.lines().take_while(|line| line.is_empty() || line.starts_with(' '));
    let mut found: Vec<(String, bool)> = Vec::new();
    for line in lines {
        if line.starts_with("    Default:") {
            found.last_mut().unwrap().1 = true;
        } else if let Some(name) = line.strip_prefix("  ").filter(|rest| rest.starts_with(char::is_alphabetic)) {
            found.push((name.trim_end_matches(':').to_owned(), false));
        }
    }
    found
}

fn names(template: &str, of: &str) -> BTreeSet<String> {
    section(template, of).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn every_nested_template_gets_exactly_the_parameters_it_needs() {
    for (resource, template) in NESTED {
        let (_, lines) = resources(ROOT).into_iter().find(|(name, _)| name == resource).unwrap();
        assert!(lines.contains(&format!("TemplateURL: {template}.yaml\n")), "{resource} is not {template}.yaml");
        let (_, given) = lines.split_once("      Parameters:\n").unwrap();
        let name = |line: &str| line.strip_prefix("        ")?.split_once(": ").map(|(name, _)| name.to_owned());
        let given: BTreeSet<String> = given.lines().filter_map(name).collect();
        let template = format!("infra/{template}.yaml");
        let unknown: Vec<_> = given.difference(&names(&template, "Parameters")).cloned().collect();
        assert!(unknown.is_empty(), "{template} has no parameters {unknown:?}");
        for (name, has_default) in section(&template, "Parameters") {
            assert!(has_default || given.contains(&name), "{template} does not get {name}");
        }
    }
}

#[test]
fn every_output_used_by_the_root_template_exists() {
    let root = text_of(ROOT);
    for (resource, template) in NESTED {
        for asked in root.split(&format!("!GetAtt {resource}.Outputs.")).skip(1) {
            let asked = asked.split(|character: char| !character.is_alphanumeric()).next().unwrap();
            assert!(
                names(&format!("infra/{template}.yaml"), "Outputs").contains(asked),
                "{template} has no output {asked}"
            );
        }
    }
}

#[test]
fn every_stage_sets_only_existing_parameters_and_all_required_ones() {
    let stages = text_of("samconfig.toml");
    for stage in ["dev", "prod"] {
        let (_, text) = stages.split_once(&format!("[{stage}.deploy.parameters]")).unwrap();
        let (text, _) = text.split_once("\n]").unwrap();
        let name = |line: &str| line.trim().strip_prefix('"')?.split_once('=').map(|(name, _)| name.to_owned());
        let set: BTreeSet<String> = text.lines().filter_map(name).collect();
        let unknown: Vec<_> = set.difference(&names(ROOT, "Parameters")).cloned().collect();
        assert!(unknown.is_empty(), "{stage} sets unknown parameters {unknown:?}");
        for (name, has_default) in section(ROOT, "Parameters") {
            assert!(has_default || set.contains(&name), "{stage} does not set {name}");
        }
    }
}
