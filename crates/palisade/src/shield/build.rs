//! Builds the stack: checks the parts, and gives each guard its position.
//!
//! `check.rs` finds parts that do not fit; nothing is built then. `order.rs` has the positions.

use std::sync::Arc;

use http::header::CONTENT_TYPE;
use palisade_audit::AuditLayer;
#[cfg(feature = "cors")]
use palisade_core::AnyGuard;
use palisade_core::{
    AccessLayer, AuthenticateLayer, GuardList, NotFoundLayer, RouteLayer, RouteTable,
};
use palisade_rate_limit::RateLimitLayer;
use palisade_transport::{ClientInfoLayer, HeadersLayer};

#[cfg(feature = "cors")]
use super::cors::{CorsGuard, SkipPreflight};
use super::{
    Shield, ShieldBuildError, ShieldBuilder, check, explain::Explanation, order::Order,
    parts::RequestId,
};

impl ShieldBuilder {
    /// Checks that the parts fit each other and the rules, and puts them in order.
    ///
    /// Settings that work but should be looked at again are [`Warning`](super::Warning)s: they are logged, and
    /// returned by [`Shield::warnings`]. Building opens no file and no connection.
    ///
    /// # Errors
    ///
    /// [`ShieldBuildError`] names the part or the rule that does not fit, and the remedy. The first
    /// problem is returned, not all.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::{AllowedHosts, Rule, Rules, Shield};
    ///
    /// let error = Shield::builder()
    ///     .hosts(AllowedHosts::parse(["api.example"])?)
    ///     .rules(Rules::new().get("/notes", Rule::scope("notes:read")))
    ///     .build()
    ///     .unwrap_err();
    /// assert_eq!(error.code(), "no-authenticator");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn build(mut self) -> Result<Shield, ShieldBuildError> {
        let mut rules = self.rules.take().ok_or(ShieldBuildError::NoRules)?;
        if self.has_cors() {
            rules = rules.allow_preflight();
        }
        for document in &self.documents {
            rules = rules.document(document.path())?;
        }
        let table = Arc::new(rules.table()?);
        check::check(&self, &table)?;
        let mut explanation = Explanation::of(&self, &rules, &table);
        explanation.log(explanation.warnings());
        let responds_to_preflights = self.has_cors();
        let catches_panics = !self.propagate_panics;
        let sanitize = self.sanitize.take().unwrap_or_default();
        let documents = std::mem::take(&mut self.documents).into();
        #[cfg(feature = "inspect")]
        let inspect = self.inspect.take();
        let order = self.into_order(&table)?;
        explanation.set_order(order.describe());
        let authenticate = order.authenticate.clone();
        Ok(Shield {
            sequence: Arc::new(order.into_sequence()),
            authenticate,
            sanitize,
            documents,
            #[cfg(feature = "inspect")]
            inspect,
            table,
            #[cfg(feature = "axum")]
            fallback_from: rules.templates().len(),
            explanation: Arc::new(explanation),
            catches_panics,
            responds_to_preflights,
        })
    }

    /// Returns whether there is a CORS layer.
    fn has_cors(&self) -> bool {
        #[cfg(feature = "cors")]
        return self.cors.is_some();
        #[cfg(not(feature = "cors"))]
        false
    }

    /// Gives each guard its position.
    ///
    /// # Errors
    ///
    /// Two authenticators read one credential.
    fn into_order(self, table: &Arc<RouteTable>) -> Result<Order, ShieldBuildError> {
        let (cors, guards) = self.cors_and_guards();
        // Requests without a credential pass here. `AccessLayer` compares them with the rule.
        let authenticate = match self.authenticators.0.is_empty() {
            true => None,
            false => {
                let all = AuthenticateLayer::builder().authenticators(self.authenticators.0);
                let all = match self.only_shadow {
                    true => all.dangerously_only_shadow(),
                    false => all,
                };
                Some(all.optional().build()?)
            }
        };
        let challenges = authenticate.as_ref().map(AuthenticateLayer::challenges);
        let access = AccessLayer::builder(challenges.unwrap_or_default());
        let access = match self.only_shadow {
            true => access.dangerously_only_shadow(),
            false => access,
        };
        let gate = self.audit.as_ref().filter(|_| self.audit_before_handler);
        let https = self.https.unwrap_or_default();
        let limits = [&self.client_limit, &self.principal_limit];
        let fields = limits
            .into_iter()
            .flatten()
            .map(RateLimitLayer::header_names);
        let expected = std::iter::once(CONTENT_TYPE).chain(fields.flatten());
        let headers = self.headers.unwrap_or_else(HeadersLayer::api);
        let headers = headers.with_expected_headers(expected);
        Ok(Order {
            request_id: match self.request_id {
                RequestId::Off => None,
                RequestId::Sent(layer) => Some(layer),
            },
            trace: self.trace,
            observers: self.observers.into_iter().collect(),
            audit_gate: gate.map(AuditLayer::gate),
            audit: self.audit,
            render: self.render,
            headers,
            cors,
            challenges: self.challenges.into_iter().collect(),
            client: self.client.unwrap_or_else(ClientInfoLayer::direct),
            route: RouteLayer::new(Arc::clone(table)),
            hosts: self.hosts.ok_or(ShieldBuildError::NoHosts)?,
            // A credential sent without TLS is refused, and recorded by its public id.
            https: match &authenticate {
                Some(credentials) => https.with_credentials_of(credentials.clone()),
                None => https,
            },
            client_limit: self.client_limit,
            not_found: match self.only_shadow {
                true => NotFoundLayer::builder().dangerously_only_shadow().build(),
                false => NotFoundLayer::new(),
            },
            cross_origin: self.cross_origin.into_iter().collect(),
            authenticate,
            access: access.build(),
            principal_limit: self.principal_limit,
            guards,
        })
    }

    /// Returns the CORS guard, if there is one, and the guards of the application. With CORS they
    /// do not see preflights.
    #[cfg(feature = "cors")]
    fn cors_and_guards(&self) -> (GuardList, GuardList) {
        let guards = self.guards.iter().cloned();
        match &self.cors {
            None => (GuardList::from_iter([]), guards.collect()),
            Some(cors) => {
                let cors = AnyGuard::new(CorsGuard(cors.clone()));
                let guards = guards.map(|guard| AnyGuard::new(SkipPreflight(guard)));
                (std::iter::once(cors).collect(), guards.collect())
            }
        }
    }

    /// Returns no CORS guard, and the guards of the application.
    #[cfg(not(feature = "cors"))]
    fn cors_and_guards(&self) -> (GuardList, GuardList) {
        (
            GuardList::from_iter([]),
            self.guards.iter().cloned().collect(),
        )
    }
}
