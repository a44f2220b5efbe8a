//! What each finding means and what to do, in sentences for people.

use super::finding::{ComputedFrom, Finding, JsonDifference, KeyMistake, SignedContent};

impl Finding {
    /// What the finding means and what to do, for people.
    pub const fn detail(&self) -> &'static str {
        match self {
            Finding::HeaderMissing { .. } => HEADER_MISSING,
            Finding::HeaderRenamed { .. } => HEADER_RENAMED,
            Finding::HeaderRepeated { .. } => "The header occurs several times. Only one of them comes from Signpost.",
            Finding::TimestampMalformed => TIMESTAMP_MALFORMED,
            Finding::TimestampConverted { .. } => TIMESTAMP_CONVERTED,
            Finding::TimestampOld { .. } => TIMESTAMP_OLD,
            Finding::TimestampAhead { .. } => TIMESTAMP_AHEAD,
            Finding::SignatureMalformed => SIGNATURE_MALFORMED,
            Finding::SeveralSignatures { .. } => SEVERAL_SIGNATURES,
            Finding::OnlyAsymmetric => ONLY_ASYMMETRIC,
            Finding::PreviousSecret { .. } => PREVIOUS_SECRET,
            Finding::OtherEndpoint { .. } => OTHER_ENDPOINT,
            Finding::UnknownSecret => UNKNOWN_SECRET,
            Finding::BodyEmpty => BODY_EMPTY,
            Finding::BodyByteOrderMark => "The body begins with a byte order mark. Verify the bytes as they arrive.",
            Finding::BodyPadded => BODY_PADDED,
            Finding::BodyLineBreaks => {
                "The line breaks differ from those that were sent. Verify the bytes as they arrive."
            }
            Finding::BodyEncoding => {
                "The body was not read as UTF-8. Verify the bytes as they arrive, before they are decoded."
            }
            Finding::BodyTruncated { .. } => BODY_TRUNCATED,
            Finding::BodyReserialized { difference } => reserialized(*difference),
            Finding::BodyDecrypted => {
                "The body is decrypted. The signature covers the encrypted body: verify first, then decrypt."
            }
            Finding::BodyChanged { .. } => BODY_CHANGED,
            Finding::ComputedMalformed => {
                "The computed signature is neither base64 nor hexadecimal digits of 32 bytes."
            }
            Finding::ComputedMatches => COMPUTED_MATCHES,
            Finding::ComputedHex => {
                "The computed signature is in hexadecimal digits. The header has base64: encode it so."
            }
            Finding::ComputedOtherSecret { .. } => COMPUTED_OTHER_SECRET,
            Finding::ComputedCurrentSecret => COMPUTED_CURRENT_SECRET,
            Finding::ComputedPreviousSecret => COMPUTED_PREVIOUS_SECRET,
            Finding::ComputedKey { mistake } => computed_key(*mistake),
            Finding::ComputedContent { content } => computed_content(*content),
            Finding::ComputedBody { from } => computed_body(*from),
            Finding::ComputedUnknown => COMPUTED_UNKNOWN,
            Finding::Unexplained => UNEXPLAINED,
        }
    }
}

const fn reserialized(difference: JsonDifference) -> &'static str {
    match difference {
        JsonDifference::WhiteSpace => RESERIALIZED_WHITE_SPACE,
        JsonDifference::Escapes => RESERIALIZED_ESCAPES,
        JsonDifference::Numbers => RESERIALIZED_NUMBERS,
        JsonDifference::Order => RESERIALIZED_ORDER,
    }
}

const fn computed_key(mistake: KeyMistake) -> &'static str {
    match mistake {
        KeyMistake::TextWithPrefix => {
            "Your code used the text of the secret as the key. Remove whsec_ and decode the rest from base64."
        }
        KeyMistake::TextWithoutPrefix => "Your code used the text after whsec_ as the key. Decode it from base64.",
        KeyMistake::DecodedWithPrefix => "Your code decoded the secret together with whsec_. Remove whsec_ first.",
    }
}

const fn computed_content(content: SignedContent) -> &'static str {
    match content {
        SignedContent::Body => {
            "Your code signed only the body. Sign webhook-id.webhook-timestamp.body, joined by full stops."
        }
        SignedContent::TimestampAndBody => "Your code signed timestamp.body. Sign webhook-id.webhook-timestamp.body.",
        SignedContent::TimestampFirst => "Your code signed timestamp.id.body. Sign webhook-id.webhook-timestamp.body.",
    }
}

const fn computed_body(from: ComputedFrom) -> &'static str {
    match from {
        ComputedFrom::Empty => COMPUTED_EMPTY,
        ComputedFrom::Pasted => {
            "Your code signed the body that you sent here, which differs from the one that was sent."
        }
        ComputedFrom::Padded => {
            "Your code signed the body with an additional line break or byte order mark. Sign the bytes as they arrive."
        }
        ComputedFrom::Reserialized => {
            "Your code parsed the body and wrote it again before it signed it. Sign the bytes as they arrive."
        }
        ComputedFrom::Encoding => {
            "Your code decoded the body with another encoding than UTF-8. Sign the bytes as they arrive."
        }
    }
}

const HEADER_MISSING: &str = "The header is missing. Check that no proxy removes it, and that your code reads header names without regard to case.";
const HEADER_RENAMED: &str =
    "The header has another name. Read it by this name, or keep your proxy or framework from renaming it.";
const TIMESTAMP_MALFORMED: &str =
    "webhook-timestamp must be a whole number of seconds since 1970. Sign the text of the header as it is.";
const TIMESTAMP_CONVERTED: &str =
    "webhook-timestamp was sent in seconds since 1970. Sign the text of the header, not a time in another format.";
const TIMESTAMP_OLD: &str = "Libraries reject a webhook that was sent more than five minutes ago. If yours rejected it when it \
    arrived, set your server's clock. If you process webhooks later, verify them when they arrive.";
const TIMESTAMP_AHEAD: &str =
    "webhook-timestamp is more than five minutes ahead of our clock, so it is not the one that was sent.";
const SIGNATURE_MALFORMED: &str = "webhook-signature must have signatures such as v1,<base64 of 32 bytes>, separated by spaces. One \
    is cut off or changed.";
const SEVERAL_SIGNATURES: &str = "webhook-signature has several signatures, for example while a secret is rotated. Accept the \
    webhook if one of them matches.";
const ONLY_ASYMMETRIC: &str = "The webhook has only v1a signatures. Verify them with the public key at jwks.json, or let the endpoint \
    sign with v1 too.";
const PREVIOUS_SECRET: &str = "An earlier signing secret made this signature. Accept it beside the new one as long as webhooks of \
    that time can arrive.";
const OTHER_ENDPOINT: &str =
    "The webhook was sent to another endpoint of the project. Verify it with that endpoint's signing secret.";
const UNKNOWN_SECRET: &str = "No stored secret made this signature for this webhook. The secret was replaced since, or a header was \
    changed or belongs to another webhook.";
const BODY_EMPTY: &str = "The body is empty. Another part of your server may have read it before.";
const BODY_PADDED: &str =
    "The body has white space around it, such as a line break at the end. Verify the bytes as they arrive.";
const BODY_TRUNCATED: &str = "The body is cut off. Check the size limits of your server, of proxies before it, and of the log from \
    which you copied it.";
const BODY_CHANGED: &str =
    "The body has other content than the one that was sent. Verify it before anything changes it.";
const RESERIALIZED_WHITE_SPACE: &str =
    "The body was parsed and written again with other white space. Verify the bytes as they arrive.";
const RESERIALIZED_ESCAPES: &str =
    "The body was parsed and written again with other escapes in its strings. Verify the bytes as they arrive.";
const RESERIALIZED_NUMBERS: &str =
    "The body was parsed and written again with other forms of its numbers. Verify the bytes as they arrive.";
const RESERIALIZED_ORDER: &str =
    "The body was parsed and written again with its members in another order. Verify the bytes as they arrive.";
const COMPUTED_MATCHES: &str = "Your code computed the right signature. Compare it with each signature of the header, without the \
    prefix v1 and the comma.";
const COMPUTED_OTHER_SECRET: &str =
    "Your code used the signing secret of another endpoint. Use the one of this endpoint.";
const COMPUTED_CURRENT_SECRET: &str =
    "Your code used the current signing secret, but an earlier one signed this webhook. Accept both during a rotation.";
const COMPUTED_PREVIOUS_SECRET: &str =
    "Your code used an earlier signing secret, which did not sign this webhook. Use the current one.";
const COMPUTED_EMPTY: &str =
    "Your code signed an empty body. Another part of your server had read it before: keep its bytes.";
const COMPUTED_UNKNOWN: &str = "None of the usual mistakes explains the computed signature. Most likely your code uses another \
    secret: rotate the signing secret and copy the new one.";
const UNEXPLAINED: &str = "None of the usual changes explains why the signature does not match. Send a test to the endpoint and \
    check its webhook.";
