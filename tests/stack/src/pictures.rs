//! `cargo stack pictures`: takes the pictures of `docs/pictures` in a browser.

use thiserror::Error;

use crate::browser::{self, BrowserError};
use crate::options::StackOptions;
use crate::progress::Progress;
use crate::{Stack, StackError, paths};

/// Why the pictures could not be taken.
#[derive(Debug, Error)]
pub enum PicturesError {
    /// The stack did not start.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The browser failed.
    #[error(transparent)]
    Browser(#[from] BrowserError),
}

/// Starts a stack and replaces the pictures.
pub async fn take() -> Result<(), PicturesError> {
    let progress = Progress::shown();
    let stack = Stack::start(StackOptions { progress, ..StackOptions::default() }).await?;
    browser::run(&stack, "pictures.mjs", &paths::workspace().join("docs/pictures")).await?;
    Ok(())
}
