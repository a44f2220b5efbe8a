//! The Content-Security-Policy of the pages. It allows our own style sheets and script, named by their hashes, and forms and live
//! previews that go to this console. Everything else is blocked, also `style` attributes.

use aws::lambda::accent::Accent;
use axum::http::HeaderValue;

use crate::config::Origin;

/// Returns the policy of a page with these sources. `frame_ancestors` are the sites that may show the console in a frame.
pub(crate) fn policy(style: &str, script: &str, accent: Option<&Accent>, frame_ancestors: &[Origin]) -> HeaderValue {
    let accent = accent.map(|accent| format!(" {}", accent.source)).unwrap_or_default();
    let ancestors = match frame_ancestors {
        [] => "'none'".to_owned(),
        origins => origins.iter().map(Origin::as_str).collect::<Vec<_>>().join(" "),
    };
    let policy = format!(
        "default-src 'none'; style-src {style}{accent}; script-src {script}; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
    );
    HeaderValue::from_str(&policy).expect("base64 and origins are visible ASCII")
}
