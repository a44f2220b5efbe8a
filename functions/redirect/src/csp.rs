//! The Content-Security-Policy: nothing but our own style sheets, named by their hashes, and the empty icon that keeps browsers
//! from asking for one.

use std::sync::LazyLock;

use axum::http::HeaderValue;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use crate::accent::Accent;
use crate::pages::STYLE;

static PLAIN: LazyLock<HeaderValue> = LazyLock::new(|| policy(&source(STYLE)));

/// The policy of a page, with the accent it has, if it has one.
pub(crate) fn of(accent: Option<&Accent>) -> HeaderValue {
    match accent {
        Some(accent) => policy(&format!("{} {}", source(STYLE), accent.source)),
        None => PLAIN.clone(),
    }
}

/// A style sheet as a source: it is let in, and no other.
pub(crate) fn source(style: &str) -> String {
    format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(style)))
}

fn policy(styles: &str) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; style-src {styles}; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).expect("base64 is visible ASCII")
}
