//! Decides about one call to the product.

use std::sync::Arc;

use aws::Aws;
use aws::api_keys::{self, ApiKeyCache, CallLimiter};
use aws::lambda::metric::{Measured, Metric};
use aws::lambda::telemetry;
use aws::store::{ApiKeyStore, QuotaStore, StoreError};
use domain::foundation::clock::Clock;
use domain::projects::api_key::{InvalidKeyReason, KeyScope, KeyUse, ProjectKey};
use thiserror::Error;
use tracing::{error, info};

use crate::config::Config;
use crate::request::{BadSetup, GatewayRequest, ProductCall};
use crate::response::{Denial, GatewayResponse};

/// Answers requests of API Gateway.
pub struct Authorizer {
    config: Config,
    keys: ApiKeyCache,
    calls: CallLimiter,
    clock: Arc<dyn Clock>,
}

/// Why there is no decision. The call does not reach the product.
#[derive(Debug, Error)]
pub enum CannotDecide {
    /// The authorizer is set up wrongly at API Gateway.
    #[error(transparent)]
    Setup(#[from] BadSetup),
    /// The key could not be looked up.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key has used up its rate limit. API Gateway would repeat a denial after the limit has calls left again.
    #[error("the key has used up its rate limit")]
    RateLimited,
}

impl CannotDecide {
    /// Whether the cause is a service of ours or the setup, not the caller.
    pub fn is_our_fault(&self) -> bool {
        !matches!(self, Self::RateLimited)
    }
}

impl Authorizer {
    /// Creates the clients. No call is made before the first request.
    pub fn new(config: Config, aws: &Aws, clock: Arc<dyn Clock>) -> Self {
        let keys = ApiKeyCache::new(ApiKeyStore::new(aws, &config.settings_table));
        let calls = CallLimiter::new(config.rate_limit, QuotaStore::new(aws, &config.activity_table));
        Self { config, keys, calls, clock }
    }

    /// Decides whether the call may reach the product. A fault of ours is counted and logged.
    pub async fn handle(&self, request: GatewayRequest) -> Result<GatewayResponse, CannotDecide> {
        let decided = self.decide(request).await;
        if let Some(fault) = decided.as_ref().err().filter(|fault| fault.is_our_fault()) {
            error!(cause = telemetry::chain(fault), "no decision about a call to the product");
            telemetry::record(&Measured::one(Metric::OurFaults, 1), self.clock.now());
        }
        decided
    }

    async fn decide(&self, request: GatewayRequest) -> Result<GatewayResponse, CannotDecide> {
        let call = request.call(&self.config.key_header)?;
        let decision = self.check(&call).await?;
        let ProductCall { method, path, method_arn, .. } = call;
        match &decision {
            Ok(key) => info!(method, path, key.id = %key.id, project.id = %key.project_id, "allowed {method} {path}"),
            Err(denial) => {
                let reason = denial.as_str();
                info!(method, path, reason, "denied {method} {path}: {reason}");
            }
        }
        if decision == Err(Denial::Key(InvalidKeyReason::RateLimited)) {
            return Err(CannotDecide::RateLimited);
        }
        Ok(GatewayResponse::of(&decision, method_arn))
    }

    async fn check(&self, call: &ProductCall) -> Result<Result<ProjectKey, Denial>, StoreError> {
        if call.has_path_with_wildcard() {
            return Ok(Err(Denial::Path));
        }
        let Some(scope) = self.config.routes.scope_of(&call.method, &call.path) else {
            return Ok(Err(Denial::Route));
        };
        let call_of_key = KeyUse { source: call.source, scope: Some(KeyScope::Product(scope.clone())) };
        let verified = api_keys::verify(&self.keys, &self.calls, &call.key, &call_of_key, self.clock.now()).await?;
        Ok(verified.map_err(|invalid| Denial::Key(invalid.reason)))
    }
}
