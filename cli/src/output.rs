//! Lines on the terminal.

use std::error::Error;
use std::io::{self, IsTerminal as _, Write};

/// Width of a terminal that lines are wrapped for.
const WIDTH: usize = 80;

/// Where results are written, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// Whether a program reads the output, as JSON.
    pub(crate) is_json: bool,
    /// Whether a person reads the output on a terminal, so that lines are wrapped.
    pub(crate) is_terminal: bool,
}

impl Output {
    /// The standard output.
    pub(crate) fn new(is_json: bool) -> Self {
        Self { is_json, is_terminal: io::stdout().is_terminal() }
    }

    /// Writes a line for people. Nothing if a program reads the output.
    pub(crate) fn line(self, line: &str) {
        if !self.is_json {
            write_line(&mut io::stdout(), line);
        }
    }

    /// Writes a JSON value in one line. Nothing if a person reads the output.
    pub(crate) fn json(self, value: &serde_json::Value) {
        if self.is_json {
            write_line(&mut io::stdout(), &value.to_string());
        }
    }

    /// Breaks text into lines of a terminal's width after an indent of `indent` columns. Piped output is not broken, so that
    /// programs such as `grep` see whole sentences.
    pub(crate) fn wrap(self, text: &str, indent: usize) -> Vec<String> {
        if self.is_terminal { wrap(text, WIDTH.saturating_sub(indent)) } else { vec![text.to_owned()] }
    }
}

/// Writes a line. A reader that closed the pipe does not end the command, because what it created must still be deleted.
pub(crate) fn write_line(out: &mut impl Write, line: &str) {
    let _ = writeln!(out, "{line}");
}

/// Joins an error and its causes in one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}

/// Replaces control characters, so that a string from a server cannot change the terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_between_words_on_a_terminal_only() {
        let terminal = Output { is_json: false, is_terminal: true };
        assert_eq!(terminal.wrap("one two three", WIDTH - 7), ["one two", "three"]);
        assert_eq!(terminal.wrap("a-very-long-word b", WIDTH - 4), ["a-very-long-word", "b"]);
        let pipe = Output { is_json: false, is_terminal: false };
        assert_eq!(pipe.wrap("one two three", WIDTH - 7), ["one two three"]);
    }

    #[test]
    fn strings_of_a_server_cannot_move_the_cursor() {
        assert_eq!(printable("a\u{1b}[2Jb\nc"), "a [2Jb c");
    }
}
