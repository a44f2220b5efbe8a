//! The phases of an attempt as one bar, with a legend.

use askama::Template;

use crate::layout::time::grouped;

/// The duration of each phase as a share of the whole.
#[derive(Template)]
#[template(path = "phases.html")]
pub(crate) struct PhasesBar<'a> {
    /// What the bar shows, for people who do not see it.
    pub(crate) title: &'a str,
    /// Names of the phases in their order, and milliseconds.
    pub(crate) phases: Vec<(&'a str, u64)>,
}

/// The classes of the colours, in the order of the phases.
const TONES: [&str; 5] = ["held", "warn", "ok", "idle", "bad"];

/// Minimum width of a phase in percent, so that short ones are visible.
const MIN_WIDTH: f64 = 1.0;

impl PhasesBar<'_> {
    /// Position and width in percent, and class of each phase.
    #[expect(clippy::cast_precision_loss, reason = "a drawing has two digits")]
    fn parts(&self) -> Vec<(String, String, &'static str)> {
        let widths = self.phases.iter().map(|(_, ms)| *ms as f64);
        let total = widths.clone().sum::<f64>().max(1.0);
        let widths: Vec<f64> = widths.map(|ms| (ms / total * 100.0).max(MIN_WIDTH)).collect();
        let scale = 100.0 / widths.iter().sum::<f64>();
        let mut x = 0.0;
        let parts = widths.into_iter().zip(TONES.into_iter().cycle()).map(|(width, tone)| {
            let part = (format!("{x:.2}"), format!("{:.2}", width * scale), tone);
            x += width * scale;
            part
        });
        parts.collect()
    }

    fn legend(&self) -> impl Iterator<Item = (&str, String, &'static str)> {
        let toned = self.phases.iter().zip(TONES.into_iter().cycle());
        toned.map(|((name, ms), tone)| (*name, grouped(*ms), tone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_fill_the_bar_and_short_ones_stay_visible() {
        let bar = PhasesBar { title: "Phases", phases: vec![("name", 0), ("connect", 25), ("answer", 75)] };
        let parts = bar.parts();
        assert_eq!(parts[0], ("0.00".to_owned(), "0.99".to_owned(), "held"));
        let total: f64 = parts.iter().map(|(_, width, _)| width.parse::<f64>().unwrap()).sum();
        assert!((total - 100.0).abs() < 0.1, "{total}");
        assert!(bar.render().unwrap().contains("connect 25 ms"));
        assert!(PhasesBar { title: "Phases", phases: Vec::new() }.render().is_ok());
    }
}
