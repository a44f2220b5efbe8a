//! Lays out JSON for people. Strings and numbers stay as they are, byte for byte.

use std::iter::Peekable;
use std::str::Chars;

/// JSON with a line for each member, or the beginning of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pretty {
    pub(super) text: String,
    /// Whether the end is left out.
    pub(super) is_cut: bool,
}

/// The spaces of one level.
const INDENT: &str = "  ";

impl Pretty {
    /// Lays out valid JSON in at most `max_bytes`.
    pub(super) fn of(json: &str, max_bytes: usize) -> Self {
        let mut layout = Layout::default();
        let mut characters = json.chars().peekable();
        while let Some(character) = characters.next() {
            if layout.text.len() > max_bytes {
                let mut text = layout.text;
                text.truncate(text.floor_char_boundary(max_bytes));
                return Self { text, is_cut: true };
            }
            if layout.in_string {
                layout.add_to_string(character);
            } else {
                layout.add(character, &mut characters);
            }
        }
        Self { text: layout.text, is_cut: false }
    }
}

/// What is laid out so far.
#[derive(Default)]
struct Layout {
    text: String,
    depth: usize,
    in_string: bool,
    /// Whether the next character of the string is escaped.
    is_escaped: bool,
}

impl Layout {
    fn add_to_string(&mut self, character: char) {
        self.in_string = self.is_escaped || character != '"';
        self.is_escaped = !self.is_escaped && character == '\\';
        self.text.push(character);
    }

    /// Adds a character outside of strings. `rest` is what follows it.
    fn add(&mut self, character: char, rest: &mut Peekable<Chars<'_>>) {
        match character {
            character if character.is_ascii_whitespace() => {}
            '{' | '[' => {
                self.text.push(character);
                while rest.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(close) = rest.next_if(|next| matches!(next, '}' | ']')) {
                    self.text.push(close);
                } else {
                    self.depth += 1;
                    self.new_line();
                }
            }
            '}' | ']' => {
                self.depth = self.depth.saturating_sub(1);
                self.new_line();
                self.text.push(character);
            }
            ',' => {
                self.text.push(',');
                self.new_line();
            }
            ':' => self.text.push_str(": "),
            _ => {
                self.in_string = character == '"';
                self.text.push(character);
            }
        }
    }

    fn new_line(&mut self) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n(INDENT, self.depth));
    }
}

#[cfg(test)]
mod tests {
    use domain::webhooks::event::EventType;
    use domain::webhooks::sample;
    use serde_json::Value;

    use super::*;

    const UNKNOWN_ID: &str = "019ab5e0-0000-7000-8000-000000000000";

    fn pretty(json: &str) -> String {
        Pretty::of(json, 10_000).text
    }

    #[test]
    fn members_are_on_lines_and_values_stay_as_they_are() {
        let json = r#"{ "b":1.10,"a": [ ],"c":{},"d":[12345678901234567890123,"x, {\"y\": \\",{"e":null}],
            "b" : 2 }"#;
        let expected = r#"{
  "b": 1.10,
  "a": [],
  "c": {},
  "d": [
    12345678901234567890123,
    "x, {\"y\": \\",
    {
      "e": null
    }
  ],
  "b": 2
}"#;
        assert_eq!(pretty(json), expected);
    }

    #[test]
    fn samples_mean_the_same_as_before() {
        for event_type in EventType::ALL {
            let (event, project) = (UNKNOWN_ID.parse().unwrap(), UNKNOWN_ID.parse().unwrap());
            let json = sample::event(event_type, event, project).data;
            let laid_out: Value = serde_json::from_str(&pretty(json.get())).unwrap();
            assert_eq!(laid_out, serde_json::from_str::<Value>(json.get()).unwrap());
        }
    }

    #[test]
    fn the_layout_of_large_or_deep_json_has_a_limit() {
        let deep = format!("{}{}", "[".repeat(120), "0,".repeat(100_000));
        for json in [deep, format!("\"{}\"", "한".repeat(50_000))] {
            let pretty = Pretty::of(&json, 1000);
            assert!(pretty.is_cut && pretty.text.len() <= 1000, "{}", pretty.text.len());
        }
        assert!(!Pretty::of("[]", 1000).is_cut);
    }
}
