//! The first items of a list in the order of their rank.

use serde::{Deserialize, Serialize};

use crate::foundation::id::DeliveryId;

/// An item of a ranked list. No two items of a list have the same rank.
pub(super) trait Rank {
    /// The item's place in the list, smallest first.
    fn rank(&self) -> (bool, DeliveryId);
}

/// The first `MAX` items, in the order of their rank. The order in which items are added makes no difference.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Ranked<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> Default for Ranked<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Rank, const MAX: usize> Ranked<T, MAX> {
    /// Adds an item. Returns whether the list was full, so that an item was left out.
    pub(super) fn add(&mut self, item: T) -> bool {
        let position = self.0.partition_point(|listed| listed.rank() < item.rank());
        self.0.insert(position, item);
        let is_full = self.0.len() > MAX;
        self.0.truncate(MAX);
        is_full
    }
}

impl<T, const MAX: usize> IntoIterator for Ranked<T, MAX> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
