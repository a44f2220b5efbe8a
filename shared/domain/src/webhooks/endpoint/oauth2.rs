//! OAuth 2.0 client credentials (RFC 6749, section 4.4) of an endpoint. Webhooks carry an access token of the receiver's token server in
//! the header `authorization`.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::EndpointUrl;
use super::fields::read_url;
use super::header::is_visible;
use crate::foundation::draft::{BadField, BadFields, Change, Draft};
use crate::foundation::id::ProjectId;
use crate::foundation::key_ring::{CannotOpen, KeyRing, Sealed, SealedKind};
use crate::public_names;
use crate::webhooks::address::AddressGuard;

public_names! {
    /// How Signpost authenticates to a token server.
    #[derive(Default)]
    pub enum ClientAuthentication {
        /// Client id and secret are in the header `authorization` (HTTP Basic).
        #[default]
        Basic = "basic",
        /// Client id and secret are parameters of the body.
        Post = "post",
    }
}

/// The stored client credentials of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Oauth2 {
    /// URL of the token server.
    pub token_url: EndpointUrl,
    /// Id of the client at the token server.
    pub client_id: Oauth2Parameter,
    /// Secret of the client, sealed.
    pub client_secret: Sealed,
    /// Scopes that Signpost asks for, separated by spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Oauth2Parameter>,
    /// API that the token is for. Some token servers require it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Oauth2Parameter>,
    /// How Signpost authenticates to the token server.
    #[serde(default)]
    pub client_authentication: ClientAuthentication,
}

/// Client credentials in the clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedOauth2 {
    /// The credentials as they are stored.
    pub stored: Oauth2,
    /// Secret of the client.
    pub client_secret: ClientSecret,
}

/// A parameter of a token request: 1 to 1,024 visible ASCII characters and inner spaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(
    value_type = String, min_length = 1, max_length = 1024, pattern = "^[!-~]([ -~]*[!-~])?$", example = "signpost",
))]
#[serde(try_from = "String", into = "String")]
pub struct Oauth2Parameter(String);

/// Secret of a client: 1 to 4,096 visible ASCII characters and inner spaces.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ClientSecret(String);

/// A string that is not an [`Oauth2Parameter`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must have 1 to 1024 visible ASCII characters, with spaces only inside")]
pub struct BadOauth2Parameter;

/// A string that is not a [`ClientSecret`]. The error does not contain it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must have 1 to 4096 visible ASCII characters, with spaces only inside")]
pub struct BadClientSecret;

impl Oauth2Parameter {
    /// The parameter.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Oauth2Parameter {
    type Error = BadOauth2Parameter;

    fn try_from(text: String) -> Result<Self, BadOauth2Parameter> {
        if is_visible(&text, 1024) { Ok(Self(text)) } else { Err(BadOauth2Parameter) }
    }
}

impl From<Oauth2Parameter> for String {
    fn from(parameter: Oauth2Parameter) -> Self {
        parameter.0
    }
}

impl ClientSecret {
    /// The secret in the clear, to be sent or sealed.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ClientSecret {
    type Error = BadClientSecret;

    fn try_from(text: String) -> Result<Self, BadClientSecret> {
        if is_visible(&text, 4096) { Ok(Self(text)) } else { Err(BadClientSecret) }
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(…)")
    }
}

impl Oauth2 {
    /// Opens the secret.
    pub fn open(&self, project: ProjectId, ring: &KeyRing) -> Result<OpenedOauth2, CannotOpen> {
        let secret = ring.open(SealedKind::ClientSecret, project, &self.client_secret)?;
        let secret = String::from_utf8(secret).map_err(|_| CannotOpen)?;
        Ok(OpenedOauth2 { stored: self.clone(), client_secret: ClientSecret(secret) })
    }
}

/// Client credentials in a request to create an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOauth2 {
    pub(super) token_url: EndpointUrl,
    pub(super) client_id: Oauth2Parameter,
    pub(super) client_secret: ClientSecret,
    pub(super) scope: Option<Oauth2Parameter>,
    pub(super) audience: Option<Oauth2Parameter>,
    pub(super) client_authentication: ClientAuthentication,
}

impl NewOauth2 {
    /// Reads the object `oauth2` of a request.
    pub(super) fn read(object: &mut Draft, guard: &AddressGuard) -> Option<Self> {
        let token_url = object.required("tokenUrl");
        let token_url = read_url(object, "tokenUrl", token_url, guard);
        let client_id = object.required("clientId");
        let client_secret = object.required_secret("clientSecret");
        let scope = object.optional("scope");
        let audience = object.optional("audience");
        let client_authentication = object.optional("clientAuthentication").unwrap_or_default();
        Some(Self {
            token_url: token_url?,
            client_id: client_id?,
            client_secret: client_secret?,
            scope,
            audience,
            client_authentication,
        })
    }

    /// Seals the secret with `seal`.
    pub(super) fn sealed(self, seal: impl FnOnce(&ClientSecret) -> Sealed) -> Oauth2 {
        Oauth2 {
            client_secret: seal(&self.client_secret),
            token_url: self.token_url,
            client_id: self.client_id,
            scope: self.scope,
            audience: self.audience,
            client_authentication: self.client_authentication,
        }
    }
}

/// A change of client credentials (JSON merge patch, RFC 7396).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Oauth2Change {
    token_url: Option<EndpointUrl>,
    client_id: Option<Oauth2Parameter>,
    client_secret: Option<ClientSecret>,
    scope: Change<Option<Oauth2Parameter>>,
    audience: Change<Option<Oauth2Parameter>>,
    client_authentication: Change<ClientAuthentication>,
}

impl Oauth2Change {
    /// Reads the object `oauth2` of a request.
    pub(super) fn read(object: &mut Draft, guard: &AddressGuard) -> Self {
        const OWNER: &str = "oauth2";
        Self {
            token_url: object.change_of_required("tokenUrl", OWNER, |object| {
                let url = object.optional("tokenUrl");
                read_url(object, "tokenUrl", url, guard)
            }),
            client_id: object.change_of_required("clientId", OWNER, |object| object.optional("clientId")),
            client_secret: object
                .change_of_required("clientSecret", OWNER, |object| object.optional_secret("clientSecret")),
            scope: object.change("scope", |object| object.optional("scope").map(Some)),
            audience: object.change("audience", |object| object.optional("audience").map(Some)),
            client_authentication: object
                .change("clientAuthentication", |object| object.optional("clientAuthentication")),
        }
    }

    /// The new URL of the token server, if it changes.
    pub(super) fn token_url(&self) -> Option<&EndpointUrl> {
        self.token_url.as_ref()
    }

    /// Whether the change sets the secret.
    pub(super) fn sets_secret(&self) -> bool {
        self.client_secret.is_some()
    }

    /// Applies the change to `current`. Fails if the result lacks a required field, or if the token server moves to another origin
    /// without a new secret.
    pub(super) fn applied_to(
        self,
        current: Option<&Oauth2>,
        seal: impl FnOnce(&ClientSecret) -> Sealed,
    ) -> Result<Oauth2, BadFields> {
        let moves =
            current.zip(self.token_url.as_ref()).is_some_and(|(current, url)| !current.token_url.is_same_origin(url));
        if moves && self.client_secret.is_none() {
            const MOVED: &str = "belongs to the current token server; to change its host, send the secret again";
            return Err(BadFields::one("/oauth2/clientSecret", MOVED));
        }
        let mut missing = Vec::new();
        let mut require = |name: &str, is_present: bool| {
            if !is_present {
                let (pointer, detail) = (format!("/oauth2/{name}"), "is required".to_owned());
                missing.push(BadField { pointer, detail });
            }
        };
        let token_url = self.token_url.or_else(|| current.map(|current| current.token_url.clone()));
        let client_id = self.client_id.or_else(|| current.map(|current| current.client_id.clone()));
        let sealed =
            self.client_secret.as_ref().map(seal).or_else(|| current.map(|current| current.client_secret.clone()));
        require("tokenUrl", token_url.is_some());
        require("clientId", client_id.is_some());
        require("clientSecret", sealed.is_some());
        let (Some(token_url), Some(client_id), Some(client_secret)) = (token_url, client_id, sealed) else {
            return Err(BadFields(missing));
        };
        let (mut scope, mut audience, mut client_authentication) = match current {
            Some(current) => (current.scope.clone(), current.audience.clone(), current.client_authentication),
            None => (None, None, ClientAuthentication::default()),
        };
        self.scope.apply(&mut scope);
        self.audience.apply(&mut audience);
        self.client_authentication.apply(&mut client_authentication);
        Ok(Oauth2 { token_url, client_id, client_secret, scope, audience, client_authentication })
    }
}
