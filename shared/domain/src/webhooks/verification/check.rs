//! The whole check of a captured webhook.

use super::body;
use super::captured::CapturedWebhook;
use super::computed::Webhook;
use super::finding::{Finding, SignatureCheck, WebhookHeader};
use super::headers::HeaderLines;
use super::known::{Known, SecretOwner};
use super::proof::{self, Proof};
use super::{signatures, timestamp};
use crate::foundation::time::Timestamp;
use crate::webhooks::signature::SignatureScheme;

impl CapturedWebhook {
    /// The pasted `webhook-id`, if there is one.
    pub fn webhook_id(&self) -> Option<String> {
        HeaderLines::parse(&self.headers).take(WebhookHeader::Id, &mut Vec::new())
    }

    /// The schemes of the pasted signatures, one for each.
    pub fn schemes(&self) -> Vec<SignatureScheme> {
        let header = HeaderLines::parse(&self.headers).take(WebhookHeader::Signature, &mut Vec::new());
        let signatures = signatures::parse(&header.unwrap_or_default(), &mut Vec::new());
        signatures.into_iter().map(|signature| signature.scheme).collect()
    }

    /// Explains why the webhook does not verify. `now` is the time at which the receiver would check it.
    pub fn check(&self, known: &Known, now: Timestamp) -> SignatureCheck {
        let mut findings = Vec::new();
        let headers = HeaderLines::parse(&self.headers);
        let id = headers.take(WebhookHeader::Id, &mut findings);
        let seconds = headers.take(WebhookHeader::Timestamp, &mut findings);
        let seconds = seconds.and_then(|text| timestamp::seconds(&text, &mut findings));
        let signatures = headers.take(WebhookHeader::Signature, &mut findings);
        let signatures = signatures.map(|text| signatures::parse(&text, &mut findings)).unwrap_or_default();

        let proof = id
            .as_deref()
            .zip(seconds)
            .and_then(|(id, seconds)| proof::find(known, &signatures, id, seconds, &self.body));
        let is_converted = findings.iter().any(|finding| matches!(finding, Finding::TimestampConverted { .. }));
        let verifies = !is_converted && proof.as_ref().is_some_and(|proof| proof.body == self.body);
        match &proof {
            Some(proof) => findings.extend(explained(proof, known)),
            None if signatures.is_empty() || id.is_none() || seconds.is_none() => {}
            None => findings.extend(self.unexplained(known)),
        }
        if let (Some(id), Some(seconds), Some(computed)) = (&id, seconds, &self.computed_signature) {
            let (signatures, pasted, proof) = (&signatures[..], self.body.as_str(), proof.as_ref());
            findings.extend(Webhook { known, signatures, id, seconds, pasted, proof }.explain(computed));
        }
        findings.extend(seconds.and_then(|seconds| timestamp::distance(seconds, now)));
        findings.sort_by_key(Finding::is_remark);
        let has_original = known.originals.iter().any(|original| original.sent.is_some());
        let signers = proof.filter(|_| verifies).map(|proof| proof.signers).unwrap_or_default();
        SignatureCheck { verifies, signers, has_original, findings }
    }

    /// The findings if no stored secret explains the signature.
    fn unexplained(&self, known: &Known) -> Vec<Finding> {
        let compared = known.originals.iter().filter_map(|original| body::differences(&self.body, original));
        let mut compared: Vec<Vec<Finding>> = compared.collect();
        // The settings may have changed since the webhook was sent. The most similar body is the likely one.
        let is_other = |found: &Vec<Finding>| found.iter().any(|one| matches!(one, Finding::BodyChanged { .. }));
        compared.sort_by_key(is_other);
        match compared.into_iter().next() {
            Some(found) if found == [Finding::BodyDecrypted] => found,
            Some(found) => found.into_iter().chain([Finding::UnknownSecret]).collect(),
            None => vec![body::suspicion(&self.body).unwrap_or(Finding::Unexplained)],
        }
    }
}

/// What a proof says about the body and the secret.
fn explained(proof: &Proof, known: &Known) -> Vec<Finding> {
    let secret = proof.secret(known).and_then(|secret| match secret.owner {
        SecretOwner::Current => None,
        SecretOwner::Previous { until } => Some(Finding::PreviousSecret { until }),
        SecretOwner::OtherEndpoint(endpoint_id) => Some(Finding::OtherEndpoint { endpoint_id }),
    });
    proof.changes.iter().cloned().chain(secret).collect()
}
