//! How the usual libraries write JSON.

use std::fmt::Write as _;

/// How a library writes JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    between_items: &'static str,
    pub(super) after_name: &'static str,
    /// Spaces per level. 0: everything is on one line.
    indent: usize,
    escapes: Escapes,
    numbers: Numbers,
    pub(super) is_sorted: bool,
}

/// Which characters a library escapes, besides those that it must.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escapes {
    None,
    /// All but ASCII.
    Unicode,
    /// All but ASCII, and slashes (PHP).
    UnicodeAndSlash,
    /// `<`, `>` and `&` (Go).
    Html,
    /// All but ASCII, and the characters of HTML, with upper-case digits (.NET).
    HtmlAndUnicode,
}

/// How a library writes numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numbers {
    /// As they were read.
    Kept,
    /// Floats in their shortest form, integers as they were read (Python, Ruby, Java).
    Shortest,
    /// All as floats, and whole ones without a fraction (JavaScript, Go, PHP).
    Floats,
}

/// Compact, with strings unescaped and the digits of numbers kept.
pub(super) const COMPACT: Style = Style {
    between_items: ",",
    after_name: ":",
    indent: 0,
    escapes: Escapes::None,
    numbers: Numbers::Kept,
    is_sorted: false,
};

/// Compact, with floats instead of numbers: equal for numbers that are equal.
pub(super) const FLOATS: Style = Style { numbers: Numbers::Floats, ..COMPACT };

/// The same, with the members of objects in the order of their names.
pub(super) const SORTED: Style = Style { is_sorted: true, ..FLOATS };

const SPACED: Style = Style { between_items: ", ", after_name: ": ", numbers: Numbers::Shortest, ..COMPACT };

/// How the usual libraries write JSON that they parsed before.
pub(super) const STYLES: [Style; 13] = [
    // Libraries that keep the digits.
    COMPACT,
    // Ruby: `value.to_json`; Java: Jackson.
    Style { numbers: Numbers::Shortest, ..COMPACT },
    // JavaScript: `JSON.stringify(value)`, and with an indent.
    FLOATS,
    Style { after_name: ": ", indent: 2, ..FLOATS },
    // Python: `json.dumps(value)`, with `ensure_ascii=False`, compact, with an indent, sorted.
    Style { escapes: Escapes::Unicode, ..SPACED },
    SPACED,
    Style { escapes: Escapes::Unicode, numbers: Numbers::Shortest, ..COMPACT },
    Style { escapes: Escapes::Unicode, indent: 4, between_items: ",", ..SPACED },
    Style { escapes: Escapes::Unicode, is_sorted: true, ..SPACED },
    // PHP: `json_encode($value)`.
    Style { escapes: Escapes::UnicodeAndSlash, ..FLOATS },
    // Go: `json.Marshal` of a map.
    Style { escapes: Escapes::Html, is_sorted: true, ..FLOATS },
    // .NET: `JsonSerializer.Serialize`.
    Style { escapes: Escapes::HtmlAndUnicode, ..COMPACT },
    // Canonical JSON.
    SORTED,
];

impl Style {
    /// Writes a list or an object with `count` items, which `item` writes.
    pub(super) fn container(
        self,
        text: &mut String,
        [open, close]: [char; 2],
        count: usize,
        depth: usize,
        mut item: impl FnMut(&mut String, usize),
    ) {
        text.push(open);
        for index in 0..count {
            if index > 0 {
                text.push_str(self.between_items);
            }
            self.new_line(text, depth + 1);
            item(text, index);
        }
        if count > 0 {
            self.new_line(text, depth);
        }
        text.push(close);
    }

    fn new_line(self, text: &mut String, depth: usize) {
        if self.indent > 0 {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', self.indent * depth));
        }
    }

    /// Writes a string.
    pub(super) fn string(self, text: &mut String, string: &str) {
        text.push('"');
        for character in string.chars() {
            match character {
                '"' if self.escapes == Escapes::HtmlAndUnicode => self.escape(text, character),
                '"' | '\\' => text.extend(['\\', character]),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                '\u{8}' => text.push_str("\\b"),
                '\u{c}' => text.push_str("\\f"),
                '/' if self.escapes == Escapes::UnicodeAndSlash => text.push_str("\\/"),
                _ if character.is_ascii_control() && character != '\u{7f}' => self.escape(text, character),
                _ if self.escapes(character) => self.escape(text, character),
                _ => text.push(character),
            }
        }
        text.push('"');
    }

    fn escapes(self, character: char) -> bool {
        let is_html = "<>&".contains(character);
        match self.escapes {
            Escapes::None => false,
            Escapes::Unicode | Escapes::UnicodeAndSlash => !character.is_ascii(),
            Escapes::Html => is_html || matches!(character, '\u{2028}' | '\u{2029}'),
            Escapes::HtmlAndUnicode => is_html || "'+`".contains(character) || !character.is_ascii(),
        }
    }

    fn escape(self, text: &mut String, character: char) {
        for unit in character.encode_utf16(&mut [0; 2]) {
            let written = match self.escapes {
                Escapes::HtmlAndUnicode => write!(text, "\\u{unit:04X}"),
                _ => write!(text, "\\u{unit:04x}"),
            };
            written.expect("a String can be written to");
        }
    }

    /// A number, `true`, `false` or `null`.
    pub(super) fn literal(self, literal: &str) -> String {
        let is_float = literal.contains(['.', 'e', 'E']);
        match (self.numbers, literal.parse::<f64>()) {
            // Outside of these ranges, libraries write an exponent, each in its own form.
            (Numbers::Floats, Ok(number)) if is_between(number, 1e-6, 1e21) => format!("{number}"),
            (Numbers::Shortest, Ok(number)) if is_float && is_between(number, 1e-4, 1e16) => format!("{number:?}"),
            _ => literal.to_owned(),
        }
    }
}

fn is_between(number: f64, low: f64, high: f64) -> bool {
    number == 0.0 || (low..high).contains(&number.abs())
}
