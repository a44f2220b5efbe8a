//! How much is measured.

/// How often and how long each thing is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// Rounds, in each of which a thing and its baseline are measured in turn.
    pub(crate) rounds: usize,
    /// Batches of ten, or tens of requests, in a round.
    pub(crate) batches: usize,
    /// Deliveries of the busy day that is reported, and of the quiet one.
    pub(crate) deliveries: [usize; 2],
    /// Projects that are enumerated, and the few.
    pub(crate) projects: [usize; 2],
}

impl Size {
    /// Enough for figures.
    pub(crate) const FULL: Self =
        Self { rounds: 9, batches: 100, deliveries: [200_000, 2_000], projects: [10_000, 100] };

    /// Enough to see that everything works.
    pub(crate) const QUICK: Self = Self { rounds: 1, batches: 2, deliveries: [200, 20], projects: [50, 5] };
}
