//! The user of a console session.

use serde::{Deserialize, Serialize};

use crate::foundation::draft::Draft;
use crate::projects::name::{Name, NewName};

/// The person who uses the console, as the operator identifies them. Signpost has no accounts and does not check either value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConsoleUser {
    /// Id of the user in the operator's system.
    pub id: Name,
    /// Name of the user, shown in the console and in the audit log.
    pub name: Name,
}

impl ConsoleUser {
    /// Takes the required object `user`.
    pub(super) fn take(draft: &mut Draft) -> Option<Self> {
        draft.required_object("user", |user| {
            let (id, name) = (user.required::<NewName>("id"), user.required::<NewName>("name"));
            Some(Self { id: id?.into(), name: name?.into() })
        })
    }
}
