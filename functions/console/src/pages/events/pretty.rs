//! Lays out JSON for people. Strings and numbers stay as they are, byte for byte.

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
        let mut text = String::new();
        let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
        let mut characters = json.chars().peekable();
        while let Some(character) = characters.next() {
            if text.len() > max_bytes {
                text.truncate(text.floor_char_boundary(max_bytes));
                return Self { text, is_cut: true };
            }
            if in_string {
                in_string = is_escaped || character != '"';
                is_escaped = !is_escaped && character == '\\';
                text.push(character);
                continue;
            }
            match character {
                character if character.is_ascii_whitespace() => {}
                '{' | '[' => {
                    text.push(character);
                    while characters.next_if(char::is_ascii_whitespace).is_some() {}
                    if let Some(close) = characters.next_if(|next| matches!(next, '}' | ']')) {
                        text.push(close);
                    } else {
                        depth += 1;
                        new_line(&mut text, depth);
                    }
                }
                '}' | ']' => {
                    depth = depth.saturating_sub(1);
                    new_line(&mut text, depth);
                    text.push(character);
                }
                ',' => {
                    text.push(',');
                    new_line(&mut text, depth);
                }
                ':' => text.push_str(": "),
                _ => {
                    in_string = character == '"';
                    text.push(character);
                }
            }
        }
        Self { text, is_cut: false }
    }
}

fn new_line(text: &mut String, depth: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n(INDENT, depth));
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
