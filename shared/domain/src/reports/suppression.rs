//! The suppression list: addresses that receive no mails until the person or the operator removes the entry.
//!
//! The deployment has one list. It contains hashes of addresses and outlives notification users and projects. A bounce covers one
//! mailbox in all projects, a complaint one person in all projects, and an unsubscription one person in one project. The person
//! removes an entry by confirming with a link in an earlier mail. The operator can also remove entries; customers cannot.

use serde::{Deserialize, Serialize};

use crate::foundation::id::ProjectId;
use crate::foundation::time::Timestamp;
use crate::public_names;
use crate::reports::email_address::{AddressHash, AddressHashes};

/// Why and when mails to an address stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// When mails stopped.
    pub at: Timestamp,
    /// Why mails stopped.
    #[serde(rename = "because")]
    pub reason: SuppressionReason,
}

public_names! {
    /// Why mails to an address stopped.
    pub enum SuppressionReason {
        /// A mail bounced permanently: the address does not exist.
        Bounced = "bounced",
        /// The reader marked a mail as spam.
        Complained = "complained",
        /// The person unsubscribed from this project's mails.
        Unsubscribed = "unsubscribed",
    }
}

/// What an entry of the list covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppressionScope {
    /// The mailbox, or the person with all their plus-tags.
    pub address: AddressHash,
    /// The project that the entry covers; `None` for all projects.
    pub project: Option<ProjectId>,
    /// Why mails stopped.
    pub reason: SuppressionReason,
}

impl SuppressionScope {
    /// The scope of a suppression after a mail of `project`.
    ///
    /// A bounce covers the mailbox only. Otherwise, at a provider without plus-tags, a customer could stop mails to `ada@…` by
    /// mailing a nonexistent `ada+x@…`.
    pub fn of(reason: SuppressionReason, address: &AddressHashes, project: ProjectId) -> Self {
        let (address, project) = match reason {
            SuppressionReason::Bounced => (&address.mailbox, None),
            SuppressionReason::Complained => (&address.person, None),
            SuppressionReason::Unsubscribed => (&address.person, Some(project)),
        };
        Self { address: address.clone(), project, reason }
    }

    /// The scopes that cover mails of `project` to an address. A bounce of the address without its plus-tag counts too, because
    /// no mail arrives there either.
    pub fn covering(address: &AddressHashes, project: ProjectId) -> Vec<Self> {
        let mut all: Vec<Self> = SuppressionReason::ALL.map(|reason| Self::of(reason, address, project)).into();
        if address.person != address.mailbox {
            let AddressHashes { person, .. } = address;
            all.push(Self { address: person.clone(), project: None, reason: SuppressionReason::Bounced });
        }
        all
    }
}

/// What the list says about mails of one project to one address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Listing {
    /// Why mails must not be sent.
    pub suppression: Option<Suppression>,
    /// Whether the operator has removed entries of the address. If so, stopped notification users may be asked again.
    pub was_lifted: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::random::SystemRandom;
    use crate::reports::email_address::EmailAddress;

    fn hashes(text: &str) -> AddressHashes {
        EmailAddress::try_from(text.to_owned()).unwrap().hashes()
    }

    #[test]
    fn a_suppression_covers_the_mailbox_the_person_or_the_project() {
        let now = "2026-11-22T08:30:00Z".parse().unwrap();
        let [ours, theirs] = [(); 2].map(|()| ProjectId::new(now, &SystemRandom));
        let covers = |reason, from: &str, address: &str, project| {
            let scope = SuppressionScope::of(reason, &hashes(from), ours);
            SuppressionScope::covering(&hashes(address), project).contains(&scope)
        };
        let [plain, tagged, other_tag] = ["ada@acme.example", "Ada+1@acme.example", "ada+2@acme.example"];
        for (reason, from, address, here, elsewhere) in [
            (SuppressionReason::Complained, tagged, other_tag, true, true),
            (SuppressionReason::Complained, plain, tagged, true, true),
            (SuppressionReason::Unsubscribed, tagged, other_tag, true, false),
            (SuppressionReason::Unsubscribed, tagged, plain, true, false),
            (SuppressionReason::Bounced, tagged, tagged, true, true),
            (SuppressionReason::Bounced, tagged, plain, false, false),
            (SuppressionReason::Bounced, tagged, other_tag, false, false),
            (SuppressionReason::Bounced, plain, tagged, true, true),
            (SuppressionReason::Complained, plain, "eve@acme.example", false, false),
        ] {
            let actual = (covers(reason, from, address, ours), covers(reason, from, address, theirs));
            assert_eq!(actual, (here, elsewhere), "{reason} from {from} for {address}");
        }
    }
}
