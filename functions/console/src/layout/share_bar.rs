//! A bar that shows the shares of a whole, such as the phases of an attempt, with a legend.

use askama::Template;

/// The shares of a whole, side by side.
#[derive(Template)]
#[template(path = "share_bar.html")]
pub(crate) struct ShareBar<'a> {
    /// What the bar shows, for people who do not see it.
    pub(crate) title: &'a str,
    /// The shares in their order.
    pub(crate) shares: Vec<Share>,
}

/// One share.
pub(crate) struct Share {
    /// The text in the legend.
    pub(crate) label: String,
    /// The class of the colour: `ok`, `warn`, `bad`, `held` or `idle`.
    pub(crate) tone: &'static str,
    /// The size. A share of size 0 is only in the legend.
    pub(crate) size: u64,
}

/// Minimum width of a share in percent, so that small ones are visible.
const MIN_WIDTH: f64 = 1.0;

impl ShareBar<'_> {
    /// Position and width in percent, and class of each share that is drawn.
    #[expect(clippy::cast_precision_loss, reason = "a drawing has two digits")]
    fn drawn(&self) -> Vec<(String, String, &'static str)> {
        let some = || self.shares.iter().filter(|share| share.size > 0);
        let total = some().map(|share| share.size).sum::<u64>() as f64;
        let width = |share: &Share| (share.size as f64 / total * 100.0).max(MIN_WIDTH);
        let scale = 100.0 / some().map(width).sum::<f64>();
        let mut x = 0.0;
        let drawn = some().map(|share| {
            let (start, width) = (x, width(share) * scale);
            x += width;
            (format!("{start:.2}"), format!("{width:.2}"), share.tone)
        });
        drawn.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(sizes: &[(&'static str, u64)]) -> ShareBar<'static> {
        let share = |(tone, size): &(&'static str, u64)| Share { label: format!("{size} ms"), tone, size: *size };
        ShareBar { title: "Phases", shares: sizes.iter().map(share).collect() }
    }

    #[test]
    fn shares_fill_the_bar_and_small_ones_stay_visible() {
        let bar = bar(&[("ok", 999_999), ("bad", 1), ("idle", 0)]);
        let drawn = bar.drawn();
        assert_eq!(drawn[0], ("0.00".to_owned(), "99.01".to_owned(), "ok"));
        assert_eq!(drawn[1], ("99.01".to_owned(), "0.99".to_owned(), "bad"));
        assert_eq!(drawn.len(), 2);
        assert!(bar.render().unwrap().contains("0 ms"), "the legend has all shares");
    }

    #[test]
    fn a_bar_without_shares_is_empty() {
        assert!(bar(&[("ok", 0)]).drawn().is_empty() && bar(&[]).render().is_ok());
    }
}
