//! Rules for URLs that several areas share.

use url::{Host, Url};

/// Whether a URL is `https`, or `http` for `localhost`, `127.0.0.1` or `[::1]`, which people use to develop.
pub fn is_secure(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => is_local(url),
        _ => false,
    }
}

/// Whether a string has a control character, or a space at its start or end. The parser drops most of them silently, and the URL would
/// then have another path than the caller wrote.
pub fn has_dropped_character(text: &str) -> bool {
    text.contains(char::is_control) || text.trim() != text
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address == std::net::Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == std::net::Ipv6Addr::LOCALHOST,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_for_the_own_device_only() {
        for (url, expected) in [
            ("https://app.example/", true),
            ("http://localhost:3000/", true),
            ("http://LOCALHOST/", true),
            ("http://127.0.0.1/", true),
            ("http://127.1/", true),
            ("http://[::1]:8080/", true),
            ("http://127.0.0.2/", false),
            ("http://localhost.evil.example/", false),
            ("http://localhost./", false),
            ("http://app.example/", false),
            ("http://[::ffff:127.0.0.1]/", false),
            ("ftp://localhost/", false),
            ("data:,", false),
        ] {
            assert_eq!(is_secure(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
