//! What a conditional write did.

/// Whether the condition of a write held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOutcome {
    /// The row was written.
    Applied,
    /// The condition did not hold: the same write came before, or the row has changed. Nothing was written.
    Conflict,
}

/// Whether a quota has room for one more call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It was counted.
    Admitted,
    /// The quota is used up. Nothing was counted.
    Refused,
}

/// Whether a replay was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayStart {
    /// It runs from now on.
    Started,
    /// Another replay of the project runs, or this one was started before. Nothing changed.
    AlreadyRunning,
}
