//! What the check of a webhook finds.

use serde::{Deserialize, Serialize};

use super::known::Signer;
use crate::foundation::id::EndpointId;
use crate::foundation::time::Timestamp;
use crate::public_names;

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureCheck {
    /// Whether the headers and the body, as they were pasted, carry a valid signature.
    pub verifies: bool,
    /// All that made a valid signature of the headers and the body as they were pasted. Empty if the webhook does not verify.
    pub signers: Vec<Signer>,
    /// Whether the body was compared with the one that was sent. Otherwise the event is not known or no longer stored.
    pub has_original: bool,
    /// What was found, the most important first.
    pub findings: Vec<Finding>,
}

/// One thing that the check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Finding {
    /// A header is missing.
    HeaderMissing {
        /// The missing header.
        header: WebhookHeader,
    },
    /// A header has another name.
    HeaderRenamed {
        /// The header.
        header: WebhookHeader,
        /// Its name in the request.
        found: String,
    },
    /// A header occurs several times.
    HeaderRepeated {
        /// The header.
        header: WebhookHeader,
    },
    /// `webhook-timestamp` is not a time.
    TimestampMalformed,
    /// `webhook-timestamp` is a time in another format. It is sent in seconds since 1970.
    TimestampConverted {
        /// The same time in seconds since 1970.
        seconds: i64,
    },
    /// `webhook-timestamp` is more than five minutes ago.
    TimestampOld {
        /// Age in seconds.
        seconds: u64,
    },
    /// `webhook-timestamp` is more than five minutes in the future.
    TimestampAhead {
        /// Distance from now in seconds.
        seconds: u64,
    },
    /// `webhook-signature` has no signature, or one that is cut off or changed in its form.
    SignatureMalformed,
    /// `webhook-signature` has several signatures. One match is enough.
    SeveralSignatures {
        /// Number of signatures.
        count: usize,
    },
    /// `webhook-signature` has only `v1a` signatures. They are verified with the public key.
    OnlyAsymmetric,
    /// An earlier signing secret of the endpoint made the signature.
    PreviousSecret {
        /// Until when the secret signs.
        until: Timestamp,
    },
    /// The signing secret of another endpoint made the signature, so the webhook was sent to that endpoint.
    OtherEndpoint {
        /// The other endpoint.
        #[serde(rename = "endpointId")]
        endpoint_id: EndpointId,
    },
    /// None of the project's stored secrets made the signature for this webhook.
    UnknownSecret,
    /// The body is empty.
    BodyEmpty,
    /// The body begins with a byte order mark.
    BodyByteOrderMark,
    /// The body has white space around it, such as a line break at the end.
    BodyPadded,
    /// The line breaks in the body differ from those that were sent.
    BodyLineBreaks,
    /// The body was read in another encoding than UTF-8.
    BodyEncoding,
    /// The body is cut off.
    BodyTruncated {
        /// Size of the pasted body in bytes.
        bytes: usize,
        /// Size of the body that was sent. Absent if the event is not stored.
        #[serde(rename = "sentBytes", default, skip_serializing_if = "Option::is_none")]
        sent_bytes: Option<usize>,
    },
    /// The body is the same JSON in other bytes: it was parsed and written again.
    BodyReserialized {
        /// What differs.
        difference: JsonDifference,
    },
    /// The body is decrypted. The signature covers the encrypted body.
    BodyDecrypted,
    /// The body has other content than the one that was sent.
    BodyChanged {
        /// JSON pointer to the first difference. Absent if the body is not JSON.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pointer: Option<String>,
    },
    /// The computed signature has neither the form of base64 nor of hexadecimal digits.
    ComputedMalformed,
    /// The code computed the right signature. Only its comparison fails.
    ComputedMatches,
    /// The code computed the right signature but wrote it as hexadecimal digits. The header has base64.
    ComputedHex,
    /// The code used the secret of another endpoint.
    ComputedOtherSecret {
        /// The endpoint of the secret that the code used.
        #[serde(rename = "endpointId")]
        endpoint_id: EndpointId,
    },
    /// The code used the endpoint's current secret, but an earlier one signed this webhook.
    ComputedCurrentSecret,
    /// The code used an earlier secret of the endpoint, which did not sign this webhook.
    ComputedPreviousSecret,
    /// The code used the secret in a wrong form.
    ComputedKey {
        /// The form.
        mistake: KeyMistake,
    },
    /// The code signed other content than `id.timestamp.body`.
    ComputedContent {
        /// The content.
        content: SignedContent,
    },
    /// The code signed another body than the one that was sent.
    ComputedBody {
        /// The body.
        from: ComputedFrom,
    },
    /// None of the usual mistakes explains the computed signature.
    ComputedUnknown,
    /// None of the usual changes explains why the signature does not match.
    Unexplained,
}

impl Finding {
    /// Whether the signature can be right in spite of the finding.
    pub const fn is_remark(&self) -> bool {
        matches!(self, Self::SeveralSignatures { .. } | Self::TimestampOld { .. } | Self::TimestampAhead { .. })
    }
}

public_names! {
    /// A header that a receiver needs to verify a webhook.
    pub enum WebhookHeader {
        /// Id of the event.
        Id = "webhook-id",
        /// Time of the attempt.
        Timestamp = "webhook-timestamp",
        /// The signatures.
        Signature = "webhook-signature",
    }
}

public_names! {
    /// How two JSON texts of the same content differ.
    pub enum JsonDifference {
        /// White space between the tokens.
        WhiteSpace = "white-space",
        /// Characters in strings are escaped differently.
        Escapes = "escapes",
        /// Numbers are written differently.
        Numbers = "numbers",
        /// The members of objects are in another order.
        Order = "order",
    }
}

public_names! {
    /// A wrong form of the signing secret.
    pub enum KeyMistake {
        /// The text with `whsec_`, not decoded.
        TextWithPrefix = "text-with-prefix",
        /// The text after `whsec_`, not decoded.
        TextWithoutPrefix = "text-without-prefix",
        /// The whole text with `whsec_`, decoded from base64.
        DecodedWithPrefix = "decoded-with-prefix",
    }
}

public_names! {
    /// Content that was signed instead of `id.timestamp.body`.
    pub enum SignedContent {
        /// Only the body.
        Body = "body",
        /// `timestamp.body`.
        TimestampAndBody = "timestamp-and-body",
        /// `timestamp.id.body`.
        TimestampFirst = "timestamp-first",
    }
}

public_names! {
    /// A body that was signed instead of the one that was sent.
    pub enum ComputedFrom {
        /// An empty body. Another part of the code had read it before.
        Empty = "empty",
        /// The pasted body, which differs from the one that was sent.
        Pasted = "pasted",
        /// The body with a line break at its end, a byte order mark or other line breaks.
        Padded = "padded",
        /// The body was parsed and written again.
        Reserialized = "reserialized",
        /// The body was read in another encoding than UTF-8.
        Encoding = "encoding",
    }
}
