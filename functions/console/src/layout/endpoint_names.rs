//! What people call the endpoints of the project, on pages of other areas.

use api::ProblemKind;
use domain::foundation::id::EndpointId;
use serde::Deserialize;

use crate::http::api_client::List;
use crate::http::problem::Problem;
use crate::http::visitor::Visitor;
use crate::layout::nav::Area;

/// The endpoints of the project, newest first.
#[derive(Debug)]
pub(crate) struct EndpointNames(Vec<Endpoint>);

/// An endpoint, as far as pages of other areas show it.
#[derive(Debug, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) id: EndpointId,
    pub(crate) url: String,
    description: Option<String>,
    state: State,
}

/// The state of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    Active,
    Paused,
    /// The receiver has not granted webhooks in a handshake.
    Unverified,
    Disabled,
}

/// What people call an endpoint: its description, or else its URL without the scheme.
pub(crate) fn name_of<'a>(description: Option<&'a str>, url: &'a str) -> &'a str {
    description.unwrap_or(url.strip_prefix("https://").unwrap_or(url))
}

/// The path of an endpoint, in the console and in the api.
pub(crate) fn path_of(id: EndpointId) -> String {
    format!("{}/{id}", Area::Endpoints.path())
}

impl EndpointNames {
    /// Reads all endpoints.
    pub(crate) async fn read(visitor: &Visitor) -> Result<Self, Problem> {
        let list: List<Endpoint> = visitor.api().get(Area::Endpoints.path()).await?.json()?;
        Ok(Self(list.items))
    }

    /// The endpoint with this id, unless it was deleted.
    pub(crate) fn get(&self, id: EndpointId) -> Option<&Endpoint> {
        self.0.iter().find(|endpoint| endpoint.id == id)
    }

    /// All endpoints.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Endpoint> {
        self.0.iter()
    }

    /// All endpoints, for a choice: the id and the name.
    pub(crate) fn choices(&self) -> impl Iterator<Item = (String, String)> {
        self.0.iter().map(|endpoint| (endpoint.id.to_string(), endpoint.name().to_owned()))
    }
}

impl Endpoint {
    /// Reads one endpoint. `None`: it was deleted.
    pub(crate) async fn read(visitor: &Visitor, id: EndpointId) -> Result<Option<Self>, Problem> {
        match visitor.api().get(&path_of(id)).await {
            Ok(reply) => Ok(Some(reply.json()?)),
            Err(problem) if problem.kind() == Some(ProblemKind::NotFound) => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    /// What people call the endpoint.
    pub(crate) fn name(&self) -> &str {
        name_of(self.description.as_deref(), &self.url)
    }

    /// Whether its name is not its URL.
    pub(crate) const fn has_description(&self) -> bool {
        self.description.is_some()
    }

    /// The path of the endpoint's page.
    pub(crate) fn path(&self) -> String {
        path_of(self.id)
    }

    /// Whether webhooks are sent to it.
    pub(crate) const fn is_active(&self) -> bool {
        match self.state {
            State::Active => true,
            State::Paused | State::Unverified | State::Disabled => false,
        }
    }
}
