//! Lines on the terminal.

use std::io::{self, IsTerminal as _, Write as _};

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
    /// Whether a closed pipe ends the command. It ends commands that run until Ctrl-C. All others finish, and return their exit code.
    pub(crate) ends_with_reader: bool,
}

impl Output {
    /// The output of commands in unit tests: without lines for people.
    #[cfg(test)]
    pub(crate) const SILENT: Self = Self { is_json: true, is_terminal: false, ends_with_reader: false };

    /// The standard output.
    pub(crate) fn new(is_json: bool, ends_with_reader: bool) -> Self {
        Self { is_json, is_terminal: io::stdout().is_terminal(), ends_with_reader }
    }

    /// Writes a line for people. Nothing if a program reads the output.
    pub(crate) fn line(self, line: &str) {
        if !self.is_json {
            self.write(line);
        }
    }

    /// Writes a JSON value in one line. Nothing if a person reads the output.
    pub(crate) fn json(self, value: &serde_json::Value) {
        if self.is_json {
            self.write(&value.to_string());
        }
    }

    /// Writes a line.
    pub(crate) fn write(self, line: &str) {
        let written = writeln!(io::stdout(), "{line}");
        let is_unread = written.is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        // Otherwise `signpost listen | head` would never end. The exit code is that of Ctrl-C.
        if is_unread && self.ends_with_reader {
            std::process::exit(0);
        }
    }

    /// Breaks text into lines of a terminal's width after an indent of `indent` columns. Piped output is not broken, so that
    /// programs such as `grep` see whole sentences.
    pub(crate) fn wrap(self, text: &str, indent: usize) -> Vec<String> {
        wrap_on(self.is_terminal, text, WIDTH.saturating_sub(indent))
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

/// Writes a message to the standard error, for people.
pub(crate) fn write_message(text: &str) {
    for line in wrap_on(io::stderr().is_terminal(), &printable(text), WIDTH) {
        let _ = writeln!(io::stderr(), "{line}");
    }
}

/// Replaces control characters, so that a string from a server cannot change the terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn wrap_on(is_terminal: bool, text: &str, width: usize) -> Vec<String> {
    if !is_terminal {
        return vec![text.to_owned()];
    }
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

    fn to_people(is_terminal: bool) -> Output {
        Output { is_json: false, is_terminal, ..Output::SILENT }
    }

    #[test]
    fn text_is_broken_between_words_on_a_terminal_only() {
        let [terminal, pipe] = [true, false].map(to_people);
        assert_eq!(terminal.wrap("one two three", WIDTH - 7), ["one two", "three"]);
        assert_eq!(terminal.wrap("a-very-long-word b", WIDTH - 4), ["a-very-long-word", "b"]);
        assert_eq!(pipe.wrap("one two three", WIDTH - 7), ["one two three"]);
    }

    #[test]
    fn a_result_is_one_line_in_a_pipe_and_several_on_a_terminal() {
        let (head, details) = ("08:30:00  aml        ", ["id", "failed\nagain"]);
        let [terminal, pipe] = [true, false].map(to_people);
        assert_eq!(terminal.record_lines(head, &details), ["08:30:00  aml", "  id", "  failed again"]);
        assert_eq!(pipe.record_lines(head, &details), ["08:30:00  aml          id  failed again"]);
        assert_eq!(terminal.record_lines("", &["a detail of the line above"]), ["  a detail of the line above"]);
    }

    #[test]
    fn strings_of_a_server_cannot_move_the_cursor() {
        assert_eq!(printable("a\u{1b}[2Jb\nc"), "a [2Jb c");
    }
}
