//! The size of the measurements.

/// Number of rounds, and work per round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// Number of rounds. Each round measures a function and its baseline once.
    pub(crate) rounds: usize,
    /// Batches per round, each of ten messages or ten requests.
    pub(crate) batches: usize,
    /// Hosts that one sender sends to.
    pub(crate) hosts: usize,
    /// Deliveries of the busy and of the quiet day that are reported.
    pub(crate) deliveries: [usize; 2],
    /// Projects of the large and of the small morning run.
    pub(crate) projects: [usize; 2],
    /// Due deliveries of the backlog, and of many projects.
    pub(crate) due: [usize; 2],
}

impl Size {
    /// For reliable figures.
    pub(crate) const FULL: Self = Self {
        rounds: 9,
        batches: 100,
        hosts: 5_000,
        // One message counts 25,000 events with one delivery each.
        deliveries: [20_000, 2_000],
        projects: [10_000, 100],
        due: [50_000, 5_000],
    };

    /// Only shows that everything works.
    pub(crate) const QUICK: Self =
        Self { rounds: 1, batches: 2, hosts: 50, deliveries: [200, 20], projects: [50, 5], due: [300, 150] };
}
