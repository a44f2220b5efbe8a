//! Hashes of inline style sheets and scripts, for the Content-Security-Policy of pages.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

/// Returns the source expression that allows exactly this style sheet or script.
pub fn source(content: &str) -> String {
    format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(content)))
}
