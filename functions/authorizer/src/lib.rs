//! A Lambda authorizer: API Gateway asks it whether a caller of the operator's own API may call a route.
//!
//! It serves HTTP APIs (payload format 2.0, simple response) and REST APIs (type REQUEST, policy response). The caller's API key
//! must be one of a project, be valid at the caller's address, and have the scope that the route needs. Routes that the deployment
//! does not list are closed.
//!
//! If a service of ours fails, so does the invocation: API Gateway answers 500 and does not call the product. It caches no failed
//! invocation, so the next call is checked again. A denial would be cached. The invocation also fails if a key has used up its rate
//! limit, because the key soon has calls left again.

mod authorizer;
mod config;
mod request;
mod response;

pub use authorizer::{Authorizer, CannotDecide};
pub use config::Config;
pub use request::GatewayRequest;
pub use response::GatewayResponse;
