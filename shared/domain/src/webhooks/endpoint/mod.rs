//! Endpoints: the URLs that a project's webhooks go to, and the settings of each.
//!
//! | module | contains |
//! | --- | --- |
//! | [`settings`](Endpoint) | the stored endpoint |
//! | [`creation`](NewEndpoint), [`change`](EndpointChange) | requests to create and to change an endpoint |
//! | [`secrets`](SecretRotation) | rotation of its signing secrets |
//! | [`warning`](EndpointWarning) | warnings about valid but risky settings |
//! | [`url`](EndpointUrl), [`header`](HeaderName), [`format`](Format), [`state`](EndpointState), [`description`](Description) | single settings |

mod change;
mod creation;
mod description;
mod fields;
mod format;
mod header;
mod secrets;
mod settings;
mod state;
mod url;
mod warning;

pub use change::{EndpointChange, EndpointField};
pub use creation::NewEndpoint;
pub use description::{BadDescription, Description};
pub use format::{Format, Payload};
pub use header::{BadHeaderName, BadHeaderValue, HeaderName, HeaderValue};
pub use secrets::{MAX_RETIRING_SECRETS, SecretRotation, TooManyRetiring};
pub use settings::{Endpoint, MAX_ENDPOINTS, RetiringSecret};
pub use state::EndpointState;
pub use url::{BadEndpointUrl, EndpointUrl};
pub use warning::EndpointWarning;
