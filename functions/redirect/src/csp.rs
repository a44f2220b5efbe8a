//! The Content-Security-Policy of the pages. It allows our own style sheets, named by their hashes, and the empty `data:` icon
//! that keeps browsers from requesting one. Everything else is blocked.

use axum::http::HeaderValue;

/// Returns the policy that allows the given style sheet sources.
pub(crate) fn policy(sources: &[&str]) -> HeaderValue {
    let styles = sources.join(" ");
    let policy = format!(
        "default-src 'none'; style-src {styles}; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).expect("base64 is visible ASCII")
}
