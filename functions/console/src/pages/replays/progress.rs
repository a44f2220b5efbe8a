//! The results of a replay's webhooks as one bar, with the numbers.

use askama::Template;

use crate::layout::time::grouped;
use crate::pages::replays::view::Replay;
use crate::pages::replays::words::Words;

/// Minimum width of a part in percent, so that small ones are visible.
const MIN_WIDTH: f64 = 1.0;

/// The share of each result.
#[derive(Template)]
#[template(path = "replays/progress.html")]
pub(super) struct ProgressBar<'a> {
    title: &'a str,
    parts: Vec<Part<'a>>,
}

/// Webhooks with one result.
struct Part<'a> {
    name: &'a str,
    /// The class of the colour.
    tone: &'static str,
    number: u64,
}

impl<'a> ProgressBar<'a> {
    /// The bar of a replay.
    pub(super) fn of(replay: &Replay, words: &'a Words) -> Self {
        let part = |name, tone, number| Part { name, tone, number };
        let progress = replay.progress;
        Self {
            title: words.bar,
            parts: vec![
                part(words.delivered, "ok", progress.delivered),
                part(words.failed, "bad", progress.failed),
                part(words.skipped, "idle", progress.skipped),
                part(words.waiting, "held", replay.waiting()),
            ],
        }
    }

    /// Position and width in percent, and class of each part that has webhooks.
    #[expect(clippy::cast_precision_loss, reason = "a drawing has two digits")]
    fn drawn(&self) -> Vec<(String, String, &'static str)> {
        let some = || self.parts.iter().filter(|part| part.number > 0);
        let total = some().map(|part| part.number).sum::<u64>() as f64;
        let width = |part: &Part<'_>| (part.number as f64 / total * 100.0).max(MIN_WIDTH);
        let scale = 100.0 / some().map(width).sum::<f64>();
        let mut x = 0.0;
        let parts = some().map(|part| {
            let (start, width) = (x, width(part) * scale);
            x += width;
            (format!("{start:.2}"), format!("{width:.2}"), part.tone)
        });
        parts.collect()
    }

    fn numbers(&self) -> impl Iterator<Item = (&str, &'static str, String)> {
        self.parts.iter().map(|part| (part.name, part.tone, grouped(part.number)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_fill_the_bar_and_small_ones_stay_visible() {
        let part = |tone, number| Part { name: "", tone, number };
        let bar = ProgressBar { title: "", parts: vec![part("ok", 999_999), part("bad", 1), part("idle", 0)] };
        let drawn = bar.drawn();
        assert_eq!(drawn[0], ("0.00".to_owned(), "99.01".to_owned(), "ok"));
        assert_eq!(drawn[1], ("99.01".to_owned(), "0.99".to_owned(), "bad"));
        assert_eq!(drawn.len(), 2);
        assert!(ProgressBar { title: "", parts: vec![part("ok", 0)] }.drawn().is_empty());
    }
}
