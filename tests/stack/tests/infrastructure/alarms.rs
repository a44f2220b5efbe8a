//! The alarms, the runbook and our own metrics match each other.

use std::collections::BTreeSet;

use aws::lambda::metric::{DIMENSION, Metric, NAMESPACE};

use crate::{resources, text_of};

const TEMPLATE: &str = "infra/alarms.yaml";
const RUNBOOK: &str = "docs/runbook.md";

fn alarms() -> Vec<(String, String)> {
    resources(TEMPLATE).into_iter().filter(|(_, lines)| lines.contains("Type: AWS::CloudWatch::Alarm\n")).collect()
}

/// The names that directly follow each `before` in a text.
fn names_after<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    let is_part = |character: char| character.is_alphanumeric() || "-_".contains(character);
    text.split(before).skip(1).map(|rest| rest.split(|character| !is_part(character)).next().unwrap()).collect()
}

/// The link anchors of a page's headings. Headings of alarms have no punctuation, which an anchor would lose.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-")).collect()
}

#[test]
fn every_alarm_links_to_its_own_runbook_entry_and_every_entry_has_an_alarm() {
    let page = text_of(RUNBOOK);
    let anchors = anchors(&page);
    let mut named = BTreeSet::new();
    for (name, lines) in alarms() {
        let links = names_after(&lines, "docs/runbook.md#");
        let [anchor] = links.as_slice() else { panic!("{name} links to {} runbook entries", links.len()) };
        assert!(anchors.contains(*anchor), "{name} links to {anchor}, which the runbook lacks");
        assert!(lines.contains(&format!("{anchor}\"\n")), "{name} is not named after its entry {anchor}");
        named.insert((*anchor).to_owned());
    }
    let (_, entries) = page.split_once("\n# Alarms\n").unwrap();
    let (entries, _) = entries.split_once("\n# ").unwrap();
    let entries: BTreeSet<String> = names_after(entries, "\n### ").into_iter().map(str::to_owned).collect();
    assert_eq!(named, entries);
}

#[test]
fn every_runbook_entry_has_all_four_parts() {
    let page = text_of(RUNBOOK);
    let (_, alarms) = page.split_once("\n# Alarms\n").unwrap();
    let (alarms, _) = alarms.split_once("\n# ").unwrap();
    for entry in alarms.split("\n### ").skip(1) {
        for part in ["- **Symptom:**", "- **Impact:**", "- **Check:**", "- **Fix:**"] {
            assert!(entry.contains(part), "{part} is missing in {}", entry.lines().next().unwrap());
        }
    }
}

#[test]
fn alarms_and_dashboard_use_exactly_our_own_metrics() {
    let text = text_of(TEMPLATE);
    let in_alarms = alarms().into_iter().flat_map(|(_, lines)| own_metrics(&lines));
    let dashboard = format!("[\"{NAMESPACE}\", \"");
    let on_dashboard = names_after(&text, &dashboard).into_iter().map(str::to_owned);
    let watched: BTreeSet<String> = in_alarms.chain(on_dashboard).collect();
    let measured: BTreeSet<String> = Metric::ALL.into_iter().map(|metric| metric.name().to_owned()).collect();
    assert_eq!(watched, measured);
}

#[test]
fn alarms_and_dashboard_query_our_metrics_by_their_one_dimension() {
    let text = text_of(TEMPLATE);
    for line in text.lines().filter(|line| line.contains(&format!("[\"{NAMESPACE}\""))) {
        assert!(line.contains(&format!("\"{DIMENSION}\", \"${{")), "{line}");
    }
    for (name, lines) in alarms() {
        let asked = lines.matches(&format!("Namespace: {NAMESPACE}\n")).count();
        assert_eq!(lines.matches(&format!("{{ Name: {DIMENSION}, Value: !Ref ")).count(), asked, "{name}");
    }
}

/// The names of our own metrics in an alarm. In our templates, each follows the line with the namespace.
fn own_metrics(lines: &str) -> Vec<String> {
    let after = names_after_lines(lines, &format!("Namespace: {NAMESPACE}"));
    after.into_iter().map(|line| line.trim().strip_prefix("MetricName: ").unwrap().to_owned()).collect()
}

/// The lines that follow each line `before`.
fn names_after_lines<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    let lines: Vec<&str> = text.lines().collect();
    lines.windows(2).filter(|pair| pair[0].trim() == before).map(|pair| pair[1]).collect()
}
