//! Lines on the terminal.

use std::io::{self, IsTerminal as _, Write};

/// Width of a terminal that lines are wrapped for.
const WIDTH: usize = 80;

/// Columns before the details of a result on a terminal.
const RECORD_INDENT: usize = 2;

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

    /// Writes one result for people: a line in a pipe. On a terminal, the details stand below the head, so that they fit.
    pub(crate) fn record(self, head: &str, details: &[&str]) {
        for line in self.record_lines(head, details) {
            self.line(&line);
        }
    }

    fn record_lines(self, head: &str, details: &[&str]) -> Vec<String> {
        if !self.is_terminal {
            let all: Vec<&str> = std::iter::once(head).chain(details.iter().copied()).collect();
            return vec![printable(&all.join("  "))];
        }
        let details = details.iter().flat_map(|detail| self.wrap(&printable(detail), RECORD_INDENT));
        let details = details.map(|line| format!("{:RECORD_INDENT$}{line}", ""));
        let head = Some(printable(head.trim_end())).filter(|head| !head.is_empty());
        head.into_iter().chain(details).collect()
    }
}

/// Writes a line. A reader that closed the pipe does not end the command, because what it created must still be deleted.
pub(crate) fn write_line(out: &mut impl Write, line: &str) {
    let _ = writeln!(out, "{line}");
}

/// Writes a message to the standard error, for people.
pub(crate) fn write_message(text: &str) {
    let errors = Output { is_json: false, is_terminal: io::stderr().is_terminal() };
    for line in errors.wrap(&printable(text), 0) {
        write_line(&mut io::stderr(), &line);
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
    fn a_result_is_one_line_in_a_pipe_and_several_on_a_terminal() {
        let (head, details) = ("08:30:00  aml        ", ["id", "failed\nagain"]);
        let terminal = Output { is_json: false, is_terminal: true };
        assert_eq!(terminal.record_lines(head, &details), ["08:30:00  aml", "  id", "  failed again"]);
        let pipe = Output { is_json: false, is_terminal: false };
        assert_eq!(pipe.record_lines(head, &details), ["08:30:00  aml          id  failed again"]);
        assert_eq!(terminal.record_lines("", &["a detail of the line above"]), ["  a detail of the line above"]);
    }

    #[test]
    fn strings_of_a_server_cannot_move_the_cursor() {
        assert_eq!(printable("a\u{1b}[2Jb\nc"), "a [2Jb c");
    }
}
