//! The table that a run prints.

use std::fmt;

/// The measured figures.
#[derive(Default)]
pub(crate) struct Table(Vec<Line>);

struct Line {
    what: String,
    ours: String,
    baseline: String,
    ratio: Option<f64>,
    goal: &'static str,
}

/// Figures of a function and its baseline, one pair per round.
#[derive(Default)]
pub(crate) struct Rounds(Vec<(f64, f64)>);

impl Rounds {
    pub(crate) fn add(&mut self, ours: f64, baseline: f64) {
        self.0.push((ours, baseline));
    }
}

impl Table {
    /// Adds a line with the medians of both sides and the median of the ratios.
    pub(crate) fn compare(&mut self, what: impl Into<String>, unit: &str, rounds: &Rounds, goal: &'static str) {
        let of = |side: fn(&(f64, f64)) -> f64| median(rounds.0.iter().map(side).collect());
        self.0.push(Line {
            what: what.into(),
            ours: figure(of(|pair| pair.0), unit),
            baseline: figure(of(|pair| pair.1), unit),
            ratio: Some(of(|(ours, baseline)| ours / baseline)),
            goal,
        });
    }

    /// Adds a line with figures that need no rounds because they are the same each time.
    pub(crate) fn count(&mut self, what: impl Into<String>, unit: &str, ours: f64, baseline: f64, goal: &'static str) {
        let mut rounds = Rounds::default();
        rounds.add(ours, baseline);
        self.compare(what, unit, &rounds, goal);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "| measured | ours | baseline | ratio | goal |")?;
        writeln!(formatter, "| --- | --- | --- | --- | --- |")?;
        for Line { what, ours, baseline, ratio, goal } in &self.0 {
            let ratio = ratio.filter(|ratio| ratio.is_finite()).map_or("–".to_owned(), |ratio| format!("{ratio:.2}"));
            writeln!(formatter, "| {what} | {ours} | {baseline} | {ratio} | {goal} |")?;
        }
        Ok(())
    }
}

fn figure(value: f64, unit: &str) -> String {
    let decimals = if value >= 100.0 { 0 } else { 2 };
    format!("{value:.decimals$} {unit}")
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        _ if values.is_empty() => f64::NAN,
        0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}
