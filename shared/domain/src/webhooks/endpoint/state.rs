//! The state of an endpoint that the customer sets.

use crate::public_names;

public_names! {
    /// State of an endpoint, as set by the customer.
    pub enum EndpointState {
        /// Webhooks are sent.
        Active = "active",
        /// Webhooks are held until the customer resumes the endpoint.
        Paused = "paused",
    }
}
