//! The result of the check of a captured webhook, for people and for programs.

use domain::foundation::id::EndpointId;
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::webhooks::signature::SignatureScheme;
use domain::webhooks::verification::{
    CapturedWebhook, Finding, Known, KnownSecret, SecretOwner, SignatureCheck, Signer, WebhookHeader,
};
use serde_json::{Value, json};

use super::Verifiers;
use crate::output::Output;

domain::public_names! {
    /// What a receiver checks.
    pub(super) enum Part {
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

/// What was found about a webhook.
#[derive(Debug)]
pub(super) struct Judgement {
    check: SignatureCheck,
    verifiers: Verifiers,
    /// The schemes of the webhook's signatures.
    schemes: Vec<SignatureScheme>,
}

pub(super) fn judge(captured: &CapturedWebhook, verifiers: Verifiers, now: Timestamp) -> Judgement {
    let secrets =
        verifiers.secrets.iter().cloned().map(|secret| KnownSecret { secret, owner: SecretOwner::Current }).collect();
    // There is no deployment to ask for the endpoint. Without other endpoints, its id is in no finding.
    let endpoint_id = EndpointId::new(now, &SystemRandom);
    let public_keys = verifiers.keys.iter().map(|jwk| jwk.key).collect();
    let known = Known { endpoint_id, secrets, public_keys, originals: Vec::new() };
    Judgement { check: captured.check(&known, now), verifiers, schemes: captured.schemes() }
}

impl Judgement {
    /// Whether a receiver with these secrets accepts the webhook at this time.
    pub(super) fn verifies(&self) -> bool {
        self.check.verifies && self.findings(Part::Time).next().is_none()
    }

    /// The findings, without those that the given secrets and keys make pointless.
    fn all_findings(&self) -> impl Iterator<Item = &Finding> {
        let has_keys = !self.verifiers.keys.is_empty();
        let is_asymmetric = self.check.findings.contains(&Finding::OnlyAsymmetric);
        self.check.findings.iter().filter(move |finding| match finding {
            // The keys were given to check these signatures.
            Finding::OnlyAsymmetric => !has_keys,
            Finding::Unexplained => has_keys || !is_asymmetric,
            _ => true,
        })
    }

    fn findings(&self, part: Part) -> impl Iterator<Item = &Finding> {
        self.all_findings().filter(move |finding| part_of(finding) == part)
    }

    /// The result for one part. `None` if nothing is known about the receiver's code.
    pub(super) fn state(&self, part: Part) -> Option<&'static str> {
        let is_off = self.findings(part).next().is_some();
        match part {
            Part::Signature if self.check.verifies => Some("valid"),
            Part::Signature => Some("invalid"),
            Part::Time => Some(if is_off { "off" } else { "current" }),
            Part::Body if is_off => Some("changed"),
            Part::Body => Some(if self.check.verifies { "unchanged" } else { "unknown" }),
            Part::Code => is_off.then_some("wrong"),
        }
    }

    pub(super) fn show(&self, output: Output) {
        for part in Part::ALL {
            if let Some(state) = self.state(part) {
                output.line(&format!("{:<9}  {state}", part.as_str()));
            }
            if part == Part::Signature {
                self.check.signers.iter().for_each(|signer| output.record("", &[&self.signer(*signer)]));
            }
            for finding in self.findings(part) {
                output.record("", &[&format!("→ {}", self.sentence(finding))]);
            }
        }
        output.json(&self.json());
    }

    pub(super) fn json(&self) -> Value {
        let findings = self.all_findings().map(|finding| {
            let mut value = json!(finding);
            value["part"] = json!(part_of(finding));
            value["detail"] = json!(self.sentence(finding));
            value
        });
        let signed_by = self.check.signers.iter().map(|signer| match *signer {
            Signer::Secret(index) => json!({ "scheme": SignatureScheme::V1, "secret": index + 1 }),
            Signer::KeyPair(index) => {
                json!({ "scheme": SignatureScheme::V1a, "kid": self.verifiers.keys[index].kid })
            }
        });
        let mut value = json!({
            "verifies": self.verifies(),
            "signedBy": signed_by.collect::<Vec<_>>(),
            "findings": findings.collect::<Vec<_>>(),
        });
        for (part, state) in Part::ALL.into_iter().filter_map(|part| Some((part, self.state(part)?))) {
            value[part.as_str()] = json!(state);
        }
        value
    }

    /// The signature that matched, and the secret or the public key that it matched.
    fn signer(&self, signer: Signer) -> String {
        match signer {
            Signer::Secret(_) if self.verifiers.secrets.len() == 1 => "v1, with the secret".to_owned(),
            Signer::Secret(index) => format!("v1, with secret {} of {}", index + 1, self.verifiers.secrets.len()),
            Signer::KeyPair(index) => match &self.verifiers.keys[index].kid {
                Some(kid) => format!("v1a, with the public key {kid}"),
                None => format!("v1a, with public key {} of {}", index + 1, self.verifiers.keys.len()),
            },
        }
    }

    /// What the finding means, with its values.
    fn sentence(&self, finding: &Finding) -> String {
        let is_only = |scheme| self.schemes.iter().all(|other| *other == scheme);
        match finding {
            Finding::OnlyAsymmetric => ONLY_ASYMMETRIC.to_owned(),
            // The API knows all secrets of a project. Here, a wrong or a missing one is the most likely cause.
            Finding::Unexplained if self.verifiers.secrets.is_empty() && is_only(SignatureScheme::V1) => {
                ONLY_SYMMETRIC.to_owned()
            }
            Finding::Unexplained if self.verifiers.secrets.is_empty() || is_only(SignatureScheme::V1a) => {
                UNKNOWN_KEY.to_owned()
            }
            Finding::Unexplained if self.verifiers.keys.is_empty() => {
                format!("None of the given secrets {UNEXPLAINED}")
            }
            Finding::Unexplained => format!("None of the given secrets and public keys {UNEXPLAINED}"),
            _ => sentence(finding),
        }
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
        _ => detail.to_owned(),
    }
}

const ONLY_ASYMMETRIC: &str = "The webhook has only v1a signatures. Give the project's public keys with --jwks, or let the endpoint sign with v1 \
    too.";

const ONLY_SYMMETRIC: &str = "The webhook has only v1 signatures, which public keys cannot verify. Give the signing secret of the endpoint, or let \
    the endpoint sign with v1a too.";

const UNKNOWN_KEY: &str = "None of the given public keys verifies this signature, whatever usual change of the body is undone. Use the keys of the \
    project that sent the webhook, and load them again: an old key is listed for a day after a rotation. Or the body or a header has other content \
    than the one that was sent.";

pub(super) const UNEXPLAINED: &str = "made this signature, whatever usual change of the body is undone. Use the signing \
    secret of the endpoint that sent the webhook; signpost listen has a secret of its own. Or the body or a header has other content \
    than the one that was sent.";
