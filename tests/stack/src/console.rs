//! `cargo stack console`: a link that opens the console of a running stack.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use domain::projects::console::Role;
use serde_json::{Value, json};
use thiserror::Error;

use crate::api_client::{ApiClient, ApiError};
use crate::paths::FACTS_FILE;

/// The role and the project of a console link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleOptions {
    /// What the person may do.
    pub role: Role,
    /// The project. `None` means the project that `cargo stack up` created.
    pub project: Option<String>,
}

impl Default for ConsoleOptions {
    fn default() -> Self {
        Self { role: Role::Admin, project: None }
    }
}

/// Why there is no link.
#[derive(Debug, Error)]
pub enum ConsoleError {
    /// No stack is up in the directory.
    #[error("no stack is up in {}: start one with `cargo stack up`", .0.display())]
    NotUp(PathBuf, #[source] io::Error),
    /// The file of the stack is damaged.
    #[error("{} is not readable", .0.display())]
    Unreadable(PathBuf, #[source] serde_json::Error),
    /// A call of the API failed.
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// Creates a project without any settings. Returns its id.
pub async fn create_project(api: &ApiClient) -> Result<String, ConsoleError> {
    let project = api.post("/v1/projects", &json!({ "name": "Demo" })).await?;
    Ok(text(&project["id"]).to_owned())
}

/// Creates a link to the console of the stack in `dir`. The link works once, within an hour.
pub async fn link(dir: &Path, options: &ConsoleOptions) -> Result<String, ConsoleError> {
    let file = dir.join(FACTS_FILE);
    let json = fs::read(&file).map_err(|error| ConsoleError::NotUp(dir.to_owned(), error))?;
    let facts: Value = serde_json::from_slice(&json).map_err(|error| ConsoleError::Unreadable(file, error))?;
    let api = ApiClient::new(text(&facts["api"]), text(&facts["operatorKey"]));
    let project = options.project.as_deref().unwrap_or(text(&facts["project"]));
    let user = json!({ "id": "ada", "name": "Ada" });
    let link = json!({ "user": user, "role": options.role.as_str(), "expiresInSeconds": 3600 });
    let link = api.post(&format!("/v1/projects/{project}/console-links"), &link).await?;
    Ok(text(&link["url"]).to_owned())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
