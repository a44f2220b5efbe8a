//! A command that repeats the request of a test.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The command for a POSIX shell. `headers` are those that the api shows, so it contains no secret.
pub(super) fn command(url: &str, headers: &BTreeMap<String, String>, body: &str) -> String {
    let mut command = format!("curl -i {}", quoted(url));
    for (name, value) in headers {
        let header = quoted(&format!("{name}: {value}"));
        write!(command, " \\\n  -H {header}").expect("a String can be written to");
    }
    write!(command, " \\\n  --data-raw {}", quoted(body)).expect("a String can be written to");
    command
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
        assert_eq!(command("https://a.example/?a=1&b=2", &headers, "{\"a\":\"`x` \\\\ '' $HOME\"}"), expected);
    }
}
