//! Access to the console, the customer's settings pages.
//!
//! The operator mints a [`ConsoleLink`] for a user and a [`Role`]. Opening the link starts a [`ConsoleSession`], once. The
//! browser keeps the session in a [`SessionCookie`].

mod cookie;
mod link;
mod path;
mod return_to;
mod role;
mod session;
#[cfg(test)]
mod testing;
mod user;

pub use cookie::{AfterSession, BadSessionCookie, MAX_IDLE, SessionCookie};
pub use link::{BadConsoleLink, ConsoleLink, ConsoleLinkLifetime, MAX_CONSOLE_LINK_LIFETIME, NewConsoleLink};
pub use path::{BadConsolePath, ConsolePath};
pub use return_to::{BadReturnTo, ReturnTo};
pub use role::Role;
pub use session::{ConsoleSession, MAX_SESSION};
pub use user::ConsoleUser;
