//! Alarms, the runbook and our own metrics tell of the same things.

use std::collections::BTreeSet;

use shared::metric::{DIMENSION, Metric, NAMESPACE};

use crate::{resources, text_of};

const TEMPLATE: &str = "infra/alarms.yaml";
const RUNBOOK: &str = "docs/runbook.md";

fn alarms() -> Vec<(String, String)> {
    resources(TEMPLATE).into_iter().filter(|(_, lines)| lines.contains("Type: AWS::CloudWatch::Alarm\n")).collect()
}

/// What follows `before` wherever that stands, up to the first character that no name has.
fn names_after<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    let is_part = |character: char| character.is_alphanumeric() || "-_".contains(character);
    text.split(before).skip(1).map(|rest| rest.split(|character| !is_part(character)).next().unwrap()).collect()
}

/// The names that the runbook's headings are linked by; those of alarms are plain words already.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-")).collect()
}

#[test]
fn every_alarm_names_its_entry_of_the_runbook_and_every_entry_has_an_alarm() {
    let page = text_of(RUNBOOK);
    let anchors = anchors(&page);
    let mut named = BTreeSet::new();
    for (name, lines) in alarms() {
        let links = names_after(&lines, "docs/runbook.md#");
        let [anchor] = links.as_slice() else { panic!("{name} names {} entries", links.len()) };
        assert!(anchors.contains(*anchor), "{name} names {anchor}, which the runbook lacks");
        assert!(lines.contains(&format!("{anchor}\"\n")), "{name} is not called after its entry {anchor}");
        named.insert((*anchor).to_owned());
    }
    let (_, entries) = page.split_once("\n# Alarms\n").unwrap();
    let (entries, _) = entries.split_once("\n# ").unwrap();
    let entries: BTreeSet<String> = names_after(entries, "\n### ").into_iter().map(str::to_owned).collect();
    assert_eq!(named, entries);
}

#[test]
fn every_entry_says_what_is_seen_what_it_means_how_to_look_and_how_to_mend() {
    let page = text_of(RUNBOOK);
    let (_, alarms) = page.split_once("\n# Alarms\n").unwrap();
    let (alarms, _) = alarms.split_once("\n# ").unwrap();
    for entry in alarms.split("\n### ").skip(1) {
        for part in ["- **Seen:**", "- **Customers:**", "- **Look:**", "- **Mend:**"] {
            assert!(entry.contains(part), "{part} is missing of {}", entry.lines().next().unwrap());
        }
    }
}

#[test]
fn every_metric_of_ours_is_watched_and_no_other_is() {
    let text = text_of(TEMPLATE);
    let in_alarms = alarms().into_iter().flat_map(|(_, lines)| own_metrics(&lines));
    let dashboard = format!("[\"{NAMESPACE}\", \"");
    let on_dashboard = names_after(&text, &dashboard).into_iter().map(str::to_owned);
    let watched: BTreeSet<String> = in_alarms.chain(on_dashboard).collect();
    let measured: BTreeSet<String> = Metric::ALL.into_iter().map(|metric| metric.name().to_owned()).collect();
    assert_eq!(watched, measured);
}

#[test]
fn metrics_of_ours_are_asked_for_by_their_one_dimension() {
    let text = text_of(TEMPLATE);
    for line in text.lines().filter(|line| line.contains(&format!("[\"{NAMESPACE}\""))) {
        assert!(line.contains(&format!("\"{DIMENSION}\", \"${{")), "{line}");
    }
    for (name, lines) in alarms() {
        let asked = lines.matches(&format!("Namespace: {NAMESPACE}\n")).count();
        assert_eq!(lines.matches(&format!("{{ Name: {DIMENSION}, Value: !Ref ")).count(), asked, "{name}");
    }
}

/// The names that stand right behind our namespace in an alarm.
fn own_metrics(lines: &str) -> Vec<String> {
    let after = names_after_lines(lines, &format!("Namespace: {NAMESPACE}"));
    after.into_iter().map(|line| line.trim().strip_prefix("MetricName: ").unwrap().to_owned()).collect()
}

/// The lines that follow those that end in `before`.
fn names_after_lines<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    let lines: Vec<&str> = text.lines().collect();
    lines.windows(2).filter(|pair| pair[0].trim() == before).map(|pair| pair[1]).collect()
}
