//! `signpost verify`: explains whether a captured webhook verifies, with the rules that the API uses.

use std::io::{self, IsTerminal as _, Read};
use std::path::Path;

use domain::foundation::clock::{Clock as _, SystemClock};
use domain::webhooks::signature::SigningSecret;
use domain::webhooks::verification::{CapturedWebhook, MAX_CAPTURED_BODY_BYTES};

use crate::arguments::VerifyOptions;
use crate::config::ConfigError;
use crate::error::CommandError;
use crate::output::Output;

mod judgement;
mod jwks;

use judgement::judge;
pub(crate) use jwks::BadJwks;
use jwks::Jwk;

/// Maximum size of the input: a body, and room for headers.
const MAX_INPUT_BYTES: usize = MAX_CAPTURED_BODY_BYTES + 64 * 1024;

/// Checks the webhook. Returns whether a receiver accepts it.
pub(crate) fn run(
    options: &VerifyOptions,
    var: impl Fn(&str) -> Option<String>,
    output: Output,
) -> Result<bool, CommandError> {
    let verifiers = Verifiers::read(options, var)?;
    let mut captured = match (&options.headers, &options.body) {
        (Some(headers), Some(body)) => captured(&read_file(headers)?, &read_file(body)?)?,
        _ => read_request(&mut io::stdin().lock(), io::stdin().is_terminal())?,
    };
    captured.computed_signature.clone_from(&options.computed);
    let result = judge(&captured, verifiers, options.at.unwrap_or_else(|| SystemClock.now()));
    result.show(output);
    Ok(result.verifies())
}

/// What can verify signatures: at least one secret or public key.
#[derive(Debug, Default)]
struct Verifiers {
    secrets: Vec<SigningSecret>,
    keys: Vec<Jwk>,
}

impl Verifiers {
    fn read(options: &VerifyOptions, var: impl Fn(&str) -> Option<String>) -> Result<Self, CommandError> {
        let secrets = secrets(options.secret_file.as_deref(), var)?;
        let keys = match &options.jwks {
            Some(path) => jwks::parse(&read_file(path)?).map_err(|error| CommandError::Jwks(path.clone(), error))?,
            None => Vec::new(),
        };
        let is_empty = secrets.is_empty() && keys.is_empty();
        if is_empty { Err(CommandError::NothingToVerifyWith) } else { Ok(Self { secrets, keys }) }
    }
}

/// The signing secrets: those of the file, or the one of the environment.
fn secrets(file: Option<&Path>, var: impl Fn(&str) -> Option<String>) -> Result<Vec<SigningSecret>, CommandError> {
    let text = match file {
        Some(path) => String::from_utf8_lossy(&read_file(path)?).into_owned(),
        None => var("SIGNPOST_SIGNING_SECRET").unwrap_or_default(),
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    Ok(lines.map(str::parse).collect::<Result<_, _>>().map_err(ConfigError::BadSecret)?)
}

fn read_file(path: &Path) -> Result<Vec<u8>, CommandError> {
    std::fs::read(path).map_err(|error| CommandError::File(path.to_owned(), error))
}

/// Reads a raw HTTP request: perhaps a request line, headers, an empty line, and the body.
fn read_request(input: &mut impl Read, is_terminal: bool) -> Result<CapturedWebhook, CommandError> {
    if is_terminal {
        return Err(CommandError::NoRequest);
    }
    let mut request = Vec::new();
    let limit = u64::try_from(MAX_INPUT_BYTES + 1).unwrap_or(u64::MAX);
    input.take(limit).read_to_end(&mut request).map_err(CommandError::Input)?;
    let (headers, body) = split(&request).ok_or(CommandError::NotARequest)?;
    let is_chunked = String::from_utf8_lossy(headers).lines().any(|line| {
        let line = line.to_ascii_lowercase();
        line.starts_with("transfer-encoding:") && line.contains("chunked")
    });
    if is_chunked { Err(CommandError::Chunked) } else { captured(headers, body) }
}

/// Splits a request at its first empty line.
fn split(request: &[u8]) -> Option<(&[u8], &[u8])> {
    let ends = [&b"\r\n\r\n"[..], b"\n\n"].map(|end| {
        let start = request.windows(end.len()).position(|window| window == end)?;
        Some((start, start + end.len()))
    });
    let (end, start) = ends.into_iter().flatten().min()?;
    Some((&request[..end], &request[start..]))
}

fn captured(headers: &[u8], body: &[u8]) -> Result<CapturedWebhook, CommandError> {
    for (name, bytes) in [("headers", headers), ("body", body)] {
        if bytes.len() > MAX_CAPTURED_BODY_BYTES {
            return Err(CommandError::TooLarge(name, MAX_CAPTURED_BODY_BYTES));
        }
    }
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Ok(CapturedWebhook { headers: text(headers), body: text(body), computed_signature: None })
}

#[cfg(test)]
mod tests;
