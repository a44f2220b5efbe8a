//! Endpoints: the URLs that a project's webhooks go to, and the settings of each.
//!
//! | module | contains |
//! | --- | --- |
//! | [`settings`](Endpoint) | the stored endpoint |
//! | [`creation`](NewEndpoint), [`change`](EndpointChange) | requests to create and to change an endpoint |
//! | [`secrets`](SecretRotation) | rotation of its signing secrets |
//! | [`pace`](Pace), [`ownership`](Ownership) | how many webhooks the receiver gets, and whether it wants them |
//! | [`oauth2`](Oauth2), [`client_certificate`](ClientCertificate) | how Signpost authenticates to the receiver |
//! | [`sending`](SendingState) | what the settings permit |
//! | [`warning`](EndpointWarning) | warnings about valid but risky settings |
//! | [`url`](EndpointUrl), [`header`](HeaderName), [`format`](Format), [`state`](EndpointState), [`description`](Description) | single settings |

mod change;
mod client_certificate;
mod creation;
mod description;
mod fields;
mod format;
mod header;
mod oauth2;
mod ownership;
pub mod pace;
mod secrets;
mod sending;
mod settings;
mod state;
mod url;
mod warning;

pub use change::{EndpointChange, EndpointField};
pub use client_certificate::{CertificateFacts, ClientCertificate, NewClientCertificate, OpenedClientCertificate};
pub use creation::NewEndpoint;
pub use description::{BadDescription, Description};
pub use format::{Format, Payload};
pub use header::{BadHeaderName, BadHeaderValue, HeaderName, HeaderValue};
pub use oauth2::{
    BadClientSecret, BadOauth2Parameter, ClientAuthentication, ClientSecret, NewOauth2, Oauth2, Oauth2Parameter,
    OpenedOauth2,
};
pub use ownership::{Ownership, OwnershipProof, allows};
pub use pace::{BadPace, Pace};
pub use secrets::{MAX_RETIRING_SECRETS, SecretRotation, TooManyRetiring};
pub use sending::SendingState;
pub use settings::{Endpoint, MAX_ENDPOINTS, RetiringSecret};
pub use state::EndpointState;
pub use url::{BadEndpointUrl, EndpointUrl};
pub use warning::EndpointWarning;
