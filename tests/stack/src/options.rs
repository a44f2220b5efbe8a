//! Options of a stack.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::progress::Progress;

/// The name of the `CloudFormation` stack. The names of the functions begin with it.
pub(crate) const STACK_NAME: &str = "signpost";

/// Options of a stack. [`Default`] suits tests.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// The directory for the stack's files. `None` means a temporary directory.
    pub dir: Option<PathBuf>,
    /// Delays before the second and each later attempt, such as `1s,2s`. `None` means those of production.
    pub retry_schedule: Option<String>,
    /// The visibility timeout of the send queue. After a sender crashed, its messages are delivered again after this time.
    pub send_visibility_seconds: u32,
    /// More parameters of the template, by name.
    pub parameters: BTreeMap<String, String>,
    /// Whether the emulator refuses calls that a function's role does not allow.
    pub enforce_roles: bool,
    /// Whether tests can disturb the functions' calls to AWS services: see [`crate::Stack::faults`].
    pub with_faults: bool,
    /// A DER file with the only certificate authority that webhook-sender trusts. It then is the binary `trusting-sender`, which is the
    /// same in all else. `None` means the public authorities, which sign nothing for loopback.
    pub trusted_root: Option<PathBuf>,
    /// The number of webhooks that each path of the receiver keeps.
    pub webhooks_kept: usize,
    /// Where progress is shown.
    pub progress: Progress,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            dir: None,
            retry_schedule: None,
            send_visibility_seconds: 45,
            parameters: BTreeMap::new(),
            enforce_roles: true,
            with_faults: false,
            trusted_root: None,
            // Tests compare all webhooks, and end soon.
            webhooks_kept: usize::MAX,
            progress: Progress::silent(),
        }
    }
}
