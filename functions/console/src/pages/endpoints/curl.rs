//! Commands that repeat the request of a test or of a handshake.

use std::collections::BTreeMap;

/// The command for a POSIX shell. `headers` are those that the api shows, so it contains no secret.
pub(super) fn command(url: &str, headers: &BTreeMap<String, String>, body: &str) -> String {
    let headers = headers.iter().map(|(name, value)| format!("{name}: {value}"));
    format!("curl -i {}{} \\\n  --data-raw {}", quoted(url), arguments(headers), quoted(body))
}

/// The command that sends an `OPTIONS` request with these headers.
pub(super) fn options_command(url: &str, headers: impl Iterator<Item = String>) -> String {
    format!("curl -i -X OPTIONS {}{}", quoted(url), arguments(headers))
}

/// The arguments for headers, each on a line of its own.
fn arguments(headers: impl Iterator<Item = String>) -> String {
    headers.flat_map(|header| [" \\\n  -H ".to_owned(), quoted(&header)]).collect()
}

/// The text in single quotes, in which a shell changes nothing.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_changes_nothing_in_the_request() {
        let headers = BTreeMap::from([("webhook-id".to_owned(), "$(id) it's".to_owned())]);
        let expected = "curl -i 'https://a.example/?a=1&b=2' \\\n  -H 'webhook-id: $(id) it'\\''s' \\\n  --data-raw '{\"a\":\"`x` \\\\ '\\'''\\'' $HOME\"}'";
        let asked = options_command("https://a.example/", ["a: it's".to_owned()].into_iter());
        assert_eq!(asked, "curl -i -X OPTIONS 'https://a.example/' \\\n  -H 'a: it'\\''s'");
        assert_eq!(command("https://a.example/?a=1&b=2", &headers, "{\"a\":\"`x` \\\\ '' $HOME\"}"), expected);
    }
}
