//! Questions that a person answers on the terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use crate::error::CommandError;

/// Asks a question, unless `is_confirmed` already. Fails without a terminal, because nobody could answer there.
///
/// # Panics
///
/// If the thread that reads the answer panics.
pub(crate) async fn confirm(question: &str, is_confirmed: bool) -> Result<bool, CommandError> {
    if is_confirmed {
        return Ok(true);
    }
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(CommandError::NotConfirmed);
    }
    let prompt = format!("{question} [y/N] ");
    // Reading blocks, and Ctrl-C must end the command meanwhile.
    tokio::task::spawn_blocking(move || ask(&prompt)).await.expect("reading a line does not panic")
}

fn ask(prompt: &str) -> Result<bool, CommandError> {
    let mut line = String::new();
    // The question is on the standard error, because a pipe may read the results.
    let asked = write!(io::stderr(), "{prompt}").and_then(|()| io::stderr().flush());
    asked.and_then(|()| io::stdin().lock().read_line(&mut line)).map_err(CommandError::Input)?;
    Ok(is_yes(&line))
}

fn is_yes(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_confirms() {
        assert!(is_yes("y\n") && is_yes(" YES "));
        assert!(!is_yes("") && !is_yes("n") && !is_yes("yep"));
    }
}
