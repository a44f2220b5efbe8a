//! Cases: how a receiver behaves, and what a sender must do. Each file in `cases/` is a JSON list of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// One case.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    /// A unique name, which is also the path of its receiver.
    pub name: String,
    /// What a sender must do, in a sentence.
    pub rule: String,
    /// What the driver does after it created the endpoint.
    #[serde(default = "publish")]
    pub steps: Vec<Step>,
    /// The data of the event.
    #[serde(default = "data")]
    pub data: Value,
    /// What is wrong with a receiver whose URL begins with `https`. Left out: the receiver has `http`.
    pub https: Option<Https>,
    /// How the receiver answers the first requests, in this order. It answers later ones with 200.
    #[serde(default)]
    pub answers: Vec<Answer>,
    /// What must happen.
    pub expect: Expect,
}

/// What is wrong with a receiver at `https`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Https {
    /// Its certificate is self-signed.
    UntrustedCertificate,
    /// It does not speak TLS.
    NoTls,
}

/// An action of the driver, or a pause between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Publish an event for the endpoint.
    Publish,
    /// Rotate the secret of the endpoint. Both secrets sign for a while.
    Rotate,
    /// Send the last event again.
    Replay,
    /// Wait until the requests so far are answered and no more come.
    Settle,
}

/// How the receiver answers one request. The default is 200 with an empty body.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    /// The status; 200 if left out.
    pub status: Option<u16>,
    /// More headers. `{redirect}` in a value stands for another URL of this receiver, and `{date+N}` for the time in N seconds.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Seconds before the first byte.
    #[serde(default)]
    pub head_delay: f64,
    /// Seconds between the headers and the body.
    #[serde(default)]
    pub body_delay: f64,
    /// Length of the body in bytes.
    #[serde(default)]
    pub body_bytes: usize,
    /// These bytes instead of a response.
    pub raw: Option<String>,
    /// Reset the connection (TCP RST) instead of a response.
    #[serde(default)]
    pub reset: bool,
    /// Close the connection instead of a response.
    #[serde(default)]
    pub close: bool,
}

/// What must happen. Some rules hold for all cases: see [`crate::judge`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expect {
    /// The number of requests; 1 if left out.
    #[serde(default)]
    pub requests: Count,
    /// The number of different ids; 1 if left out.
    pub ids: Option<usize>,
    /// Seconds from the first answer to the second request, at least.
    #[serde(default)]
    pub waits: f64,
    /// Seconds after which the sender must have given up waiting for the first answer, at most.
    pub closes_within: Option<f64>,
    /// Bytes of the first answer's body that the sender takes, at most.
    pub reads_at_most: Option<usize>,
    /// Whether each request must have a signature of each secret.
    #[serde(default)]
    pub signed_by_all: bool,
    /// The number of TLS handshakes that the sender must break off, at least.
    #[serde(default)]
    pub refused_handshakes: usize,
}

/// A number, `2`, or a range, `{"min": 1, "max": 2}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(from = "CountForm")]
pub struct Count {
    /// The smallest number.
    pub min: usize,
    /// The greatest number.
    pub max: usize,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum CountForm {
    Exactly(usize),
    Range { min: usize, max: usize },
}

impl From<CountForm> for Count {
    fn from(form: CountForm) -> Self {
        match form {
            CountForm::Exactly(number) => Self { min: number, max: number },
            CountForm::Range { min, max } => Self { min, max },
        }
    }
}

impl Default for Count {
    fn default() -> Self {
        Self { min: 1, max: 1 }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max { write!(f, "{}", self.min) } else { write!(f, "{} to {}", self.min, self.max) }
    }
}

fn publish() -> Vec<Step> {
    vec![Step::Publish]
}

fn data() -> Value {
    serde_json::json!({ "n": 1 })
}

/// Why the cases cannot be read.
#[derive(Debug, Error)]
pub enum CasesError {
    /// The folder or a file cannot be read.
    #[error("cannot read {}", .0.display())]
    Io(PathBuf, #[source] io::Error),
    /// A file has the wrong form.
    #[error("{} has no list of cases", .0.display())]
    Form(PathBuf, #[source] serde_json::Error),
    /// Two cases have the same name.
    #[error("two cases have the name {0}")]
    Twice(String),
    /// The name cannot be part of a URL.
    #[error("the name {0:?} has other characters than a-z, 0-9 and -")]
    Name(String),
    /// No case has the name that was asked for.
    #[error("no case is named {0}")]
    Unknown(String),
}

/// Reads all cases of a folder, in the order of the file names. If `only` has names, the others are left out.
pub fn read(folder: &Path, only: &[String]) -> Result<Vec<Case>, CasesError> {
    let listed =
        fs::read_dir(folder).and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect());
    let mut files: Vec<PathBuf> = listed.map_err(|error| CasesError::Io(folder.to_owned(), error))?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let mut cases: Vec<Case> = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).map_err(|error| CasesError::Io(file.clone(), error))?;
        cases.extend(serde_json::from_str::<Vec<Case>>(&text).map_err(|error| CasesError::Form(file, error))?);
    }
    let mut names = BTreeSet::new();
    for case in &cases {
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if case.name.is_empty() || !case.name.bytes().all(is_name) {
            return Err(CasesError::Name(case.name.clone()));
        }
        if !names.insert(case.name.clone()) {
            return Err(CasesError::Twice(case.name.clone()));
        }
    }
    if let Some(unknown) = only.iter().find(|name| !names.contains(*name)) {
        return Err(CasesError::Unknown(unknown.clone()));
    }
    cases.retain(|case| only.is_empty() || only.contains(&case.name));
    Ok(cases)
}
