//! `signpost verify`: explains whether a captured webhook verifies, with the rules that the API uses.

use std::io::{self, IsTerminal as _, Read};
use std::path::Path;

use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::id::EndpointId;
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::webhooks::signature::SigningSecret;
use domain::webhooks::verification::{
    CapturedWebhook, Finding, Known, KnownSecret, MAX_CAPTURED_BODY_BYTES, SecretOwner, SignatureCheck, WebhookHeader,
};
use serde_json::{Value, json};

use crate::arguments::VerifyOptions;
use crate::config::ConfigError;
use crate::error::CommandError;
use crate::output::Output;

/// Maximum size of the input: a body, and room for headers.
const MAX_INPUT_BYTES: usize = MAX_CAPTURED_BODY_BYTES + 64 * 1024;

domain::public_names! {
    /// What a receiver checks.
    enum Part {
        /// One of the signatures is that of the secret.
        Signature = "signature",
        /// The webhook is at most five minutes old.
        Time = "time",
        /// The body is the one that was signed.
        Body = "body",
        /// The receiver's own code, if it computed a signature.
        Code = "code",
    }
}

/// Checks the webhook. Returns whether a receiver accepts it.
pub(crate) fn run(
    options: &VerifyOptions,
    var: impl Fn(&str) -> Option<String>,
    output: Output,
) -> Result<bool, CommandError> {
    let secrets = secrets(options.secret_file.as_deref(), var)?;
    let mut captured = match (&options.headers, &options.body) {
        (Some(headers), Some(body)) => captured(&read_file(headers)?, &read_file(body)?)?,
        _ => read_request(&mut io::stdin().lock(), io::stdin().is_terminal())?,
    };
    captured.computed_signature.clone_from(&options.computed);
    let result = judge(&captured, secrets, options.at.unwrap_or_else(|| SystemClock.now()));
    result.show(output);
    Ok(result.verifies())
}

/// The signing secrets: those of the file, or the one of the environment.
fn secrets(file: Option<&Path>, var: impl Fn(&str) -> Option<String>) -> Result<Vec<SigningSecret>, CommandError> {
    let text = match file {
        Some(path) => String::from_utf8_lossy(&read_file(path)?).into_owned(),
        None => var("SIGNPOST_SIGNING_SECRET").unwrap_or_default(),
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let secrets: Vec<SigningSecret> =
        lines.map(str::parse).collect::<Result<_, _>>().map_err(ConfigError::BadSecret)?;
    if secrets.is_empty() { Err(CommandError::NoSecret) } else { Ok(secrets) }
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

/// What was found about a webhook.
#[derive(Debug)]
struct Judgement(SignatureCheck);

fn judge(captured: &CapturedWebhook, secrets: Vec<SigningSecret>, now: Timestamp) -> Judgement {
    let secrets = secrets.into_iter().map(|secret| KnownSecret { secret, owner: SecretOwner::Current }).collect();
    // There is no deployment to ask for the endpoint. Without other endpoints, its id is in no finding.
    let endpoint_id = EndpointId::new(now, &SystemRandom);
    let known = Known { endpoint_id, secrets, public_keys: Vec::new(), originals: Vec::new() };
    Judgement(captured.check(&known, now))
}

impl Judgement {
    /// Whether a receiver with these secrets accepts the webhook at this time.
    fn verifies(&self) -> bool {
        self.0.verifies && self.findings(Part::Time).next().is_none()
    }

    fn findings(&self, part: Part) -> impl Iterator<Item = &Finding> {
        self.0.findings.iter().filter(move |finding| part_of(finding) == part)
    }

    /// The result for one part. `None` if nothing is known about the receiver's code.
    fn state(&self, part: Part) -> Option<&'static str> {
        let is_off = self.findings(part).next().is_some();
        match part {
            Part::Signature if self.0.verifies => Some("valid"),
            Part::Signature => Some("invalid"),
            Part::Time => Some(if is_off { "off" } else { "current" }),
            Part::Body if is_off => Some("changed"),
            Part::Body => Some(if self.0.verifies { "unchanged" } else { "unknown" }),
            Part::Code => is_off.then_some("wrong"),
        }
    }

    fn show(&self, output: Output) {
        for part in Part::ALL {
            if let Some(state) = self.state(part) {
                output.line(&format!("{:<9}  {state}", part.as_str()));
            }
            for finding in self.findings(part) {
                output.record("", &[&format!("→ {}", sentence(finding))]);
            }
        }
        output.json(&self.json());
    }

    fn json(&self) -> Value {
        let findings = self.0.findings.iter().map(|finding| {
            let mut value = json!(finding);
            value["part"] = json!(part_of(finding));
            value["detail"] = json!(sentence(finding));
            value
        });
        let mut value = json!({ "verifies": self.verifies(), "findings": findings.collect::<Vec<_>>() });
        for (part, state) in Part::ALL.into_iter().filter_map(|part| Some((part, self.state(part)?))) {
            value[part.as_str()] = json!(state);
        }
        value
    }
}

/// What the finding is about.
fn part_of(finding: &Finding) -> Part {
    match finding {
        Finding::HeaderMissing { header }
        | Finding::HeaderRenamed { header, .. }
        | Finding::HeaderRepeated { header } => {
            if *header == WebhookHeader::Timestamp {
                Part::Time
            } else {
                Part::Signature
            }
        }
        Finding::TimestampMalformed
        | Finding::TimestampConverted { .. }
        | Finding::TimestampOld { .. }
        | Finding::TimestampAhead { .. } => Part::Time,
        Finding::SignatureMalformed
        | Finding::SeveralSignatures { .. }
        | Finding::OnlyAsymmetric
        | Finding::PreviousSecret { .. }
        | Finding::OtherEndpoint { .. }
        | Finding::UnknownSecret
        | Finding::Unexplained => Part::Signature,
        Finding::BodyEmpty
        | Finding::BodyByteOrderMark
        | Finding::BodyPadded
        | Finding::BodyLineBreaks
        | Finding::BodyEncoding
        | Finding::BodyTruncated { .. }
        | Finding::BodyReserialized { .. }
        | Finding::BodyDecrypted
        | Finding::BodyChanged { .. } => Part::Body,
        Finding::ComputedMalformed
        | Finding::ComputedMatches
        | Finding::ComputedHex
        | Finding::ComputedOtherSecret { .. }
        | Finding::ComputedCurrentSecret
        | Finding::ComputedPreviousSecret
        | Finding::ComputedKey { .. }
        | Finding::ComputedContent { .. }
        | Finding::ComputedBody { .. }
        | Finding::ComputedUnknown => Part::Code,
    }
}

/// What the finding means, with its values.
fn sentence(finding: &Finding) -> String {
    let detail = finding.detail();
    match finding {
        Finding::HeaderMissing { header } | Finding::HeaderRepeated { header } => format!("{header}: {detail}"),
        Finding::HeaderRenamed { header, found } => format!("{header} arrives as {found}: {detail}"),
        Finding::TimestampOld { seconds } => format!("{seconds} s old. {detail}"),
        Finding::TimestampAhead { seconds } => format!("{seconds} s ahead. {detail}"),
        Finding::TimestampConverted { seconds } => format!("It was sent as {seconds}. {detail}"),
        Finding::BodyTruncated { bytes, .. } => format!("It has {bytes} bytes. {detail}"),
        // The API knows all secrets of a project. Here, a wrong secret is the most likely cause.
        Finding::Unexplained => UNEXPLAINED.to_owned(),
        _ => detail.to_owned(),
    }
}

const UNEXPLAINED: &str = "None of the given secrets made this signature, whatever usual change of the body is undone. Use the signing \
    secret of the endpoint that sent the webhook; signpost listen has a secret of its own. Or the body or a header has other content \
    than the one that was sent.";

#[cfg(test)]
mod tests;
