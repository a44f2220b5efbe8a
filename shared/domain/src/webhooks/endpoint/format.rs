//! The format of webhook bodies.

use crate::public_names;

public_names! {
    /// Format of a webhook's body.
    #[derive(Default)]
    pub enum Format {
        /// The layout that Standard Webhooks recommends:
        /// `{"type","timestamp","id","projectId","submissionId"?,"data"}`.
        #[default]
        Standard = "standard",
        /// The layout of the ARGOS product, for receivers written for it: the members of `data` at top level, and
        /// `webhook_trigger`.
        Argos = "argos",
    }
}
