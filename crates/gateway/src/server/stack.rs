//! The stack around the upstreams.
//!
//! It is built at the start and at each reload, always in the same way: the parts of the configuration
//! are assembled, the shield puts them in order, and [`Forward`] is inside of all.

use std::sync::{Arc, OnceLock};

use palisade::{
    AuditLayer, Shield,
    api_key::{FileKeyStore, KeyScheme},
    config::{Assembled, KeyRotation, LimitLayers, Running},
    core::{AuthenticateLayer, SharedClock, SystemClock},
    inspect::InspectLayer,
    metrics::MetricsLayer,
    shield::Protected,
};

use palisade_rate_limit::{BudgetStore, LimitStore as _, MemoryBudgets};

use super::rule_files;
use crate::{
    budget::{BudgetPolicy, Budgets},
    credential_watch::Credentials,
    error::GatewayError,
    forward::{Forward, OpenTunnels},
    settings::Settings,
    shadow_report::ShadowReport,
    traffic::Traffic,
};

/// The stack and what it was built from.
pub(super) struct Built {
    /// Verifies credentials, also of what stays open.
    pub(super) authentication: Option<AuthenticateLayer>,
    /// The upstreams behind the stack.
    pub(super) service: Protected<Forward>,
    /// The trail, for events of the gateway itself and for the next stack.
    ///
    /// The open trail. At a reload it is the one of the running gateway.
    pub(super) audit: Option<AuditLayer>,
    /// The correlation key that a reload brings.
    pub(super) key_rotation: Option<KeyRotation>,
    /// Scheme and file of the keys, with which a first start mints one.
    ///
    /// Scheme and store of `[keys]`.
    pub(super) keys: Option<(KeyScheme, FileKeyStore)>,
    /// For the admin socket.
    pub(super) limits: LimitLayers,
}

/// Builds the stack around the upstreams.
///
/// `running` has what a reload keeps: the store of the limits and the open audit trail. `shared` has
/// the gateway's own.
///
/// # Errors
///
/// A file cannot be opened, or parts of the configuration contradict each other.
pub(super) fn build(
    settings: &Settings,
    running: &Running,
    shared: &Shared,
) -> Result<Built, GatewayError> {
    let (shield, assembled) = build_shield(settings, running, shared)?;
    if let Some(inspect) = &assembled.inspect {
        rule_files::watch_rule_files(inspect, assembled.audit.clone())?;
    }
    let forward = Forward::with_tunnels(settings.upstreams.clone(), shared.tunnels.clone());
    let forward = forward.with_credentials(shared.credentials.clone());
    let forward = forward.with_budgets(shared.budgets_of(settings, running)?);
    let forward = forward.with_mcp(settings.mcp.clone());
    let forward = match settings.only_shadow {
        true => forward.in_shadow(),
        false => forward,
    };
    Ok(Built {
        authentication: shield.authentication().cloned(),
        service: shield.wrap(forward),
        audit: assembled.audit,
        key_rotation: assembled.key_rotation,
        keys: assembled.keys,
        limits: assembled.limits,
    })
}

/// What stays when a reload replaces the stack.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    /// Connections that switched protocols.
    pub(super) tunnels: OpenTunnels,
    /// The authenticators of the stack that serves.
    pub(super) credentials: Credentials,
    /// What would have been refused, by rules in shadow.
    pub(super) report: ShadowReport,
    /// What was served, for the status. Counted only if something shows it.
    pub(super) traffic: Traffic,
    /// The counters of the budgets, opened with the first budget.
    counters: Arc<OnceLock<Arc<dyn BudgetStore>>>,
}

impl Shared {
    /// Begins with nothing.
    pub(super) fn new(clock: SharedClock) -> Self {
        Self {
            tunnels: OpenTunnels::default(),
            credentials: Credentials::default(),
            report: ShadowReport::default(),
            traffic: Traffic::new(clock),
            counters: Arc::default(),
        }
    }

    /// Joins the budgets of a file with their counters. `None`: there are none.
    ///
    /// The counters are in the shared store of the limits, or else in a file of this gateway.
    fn budgets_of(
        &self,
        settings: &Settings,
        running: &Running,
    ) -> Result<Option<Budgets>, GatewayError> {
        let Some(policy) = &settings.budgets else {
            return Ok(None);
        };
        let counters: Arc<dyn BudgetStore> = match policy.has_budgets() {
            true => self.open_counters(policy, running)?,
            false => Arc::new(MemoryBudgets::with_capacity(0)),
        };
        let clock = SystemClock::shared();
        let budgets = Budgets::new(policy.clone(), counters, clock, settings.only_shadow);
        Ok(Some(budgets))
    }

    /// Returns the counters, which are opened once: a reload keeps them.
    fn open_counters(
        &self,
        policy: &BudgetPolicy,
        running: &Running,
    ) -> Result<Arc<dyn BudgetStore>, GatewayError> {
        if let Some(counters) = self.counters.get() {
            return Ok(Arc::clone(counters));
        }
        let shared = running.store.as_ref().and_then(|store| store.budgets());
        let counters = match shared {
            Some(counters) => counters,
            None => Arc::new(MemoryBudgets::open(&policy.file).map_err(GatewayError::new)?),
        };
        Ok(Arc::clone(self.counters.get_or_init(|| counters)))
    }
}

/// What a shield was made from.
///
/// `None` for what the configuration does not have.
pub(super) struct Parts {
    /// The layer of the trail.
    pub(super) audit: Option<AuditLayer>,
    /// The correlation key that a reload brings.
    pub(super) key_rotation: Option<KeyRotation>,
    /// The scheme and the file of API keys.
    pub(super) keys: Option<(KeyScheme, FileKeyStore)>,
    /// The firewall rules, whose files are watched.
    pub(super) inspect: Option<InspectLayer>,
    /// The limits, which are in the shield too.
    pub(super) limits: LimitLayers,
}

/// Builds the stack without what is inside it.
///
/// The report of shadow mode and the counters of the status are put outside all guards, so they see what each of them
/// recorded.
///
/// # Errors
///
/// As [`build`]. `explain` calls it too, with an audit trail in memory.
pub(super) fn build_shield(
    settings: &Settings,
    running: &Running,
    shared: &Shared,
) -> Result<(Shield, Parts), GatewayError> {
    let Assembled {
        shield,
        audit,
        key_rotation,
        keys,
        inspect,
        limits,
        ..
    } = settings.config.assemble_with(running.clone())?;
    let shield = match settings.only_shadow || settings.admin.is_some() {
        true => shield.observe(shared.report.clone()),
        false => shield,
    };
    let shield = match settings.admin.is_some() {
        true => shield.observe(shared.traffic.clone()),
        false => shield,
    };
    let shield = match settings.admin.page {
        Some(_) => shield.observe(MetricsLayer::new()),
        None => shield,
    };
    let shield = shield.build().map_err(GatewayError::new)?;
    let parts = Parts {
        audit,
        key_rotation,
        keys,
        inspect,
        limits,
    };
    Ok((shield, parts))
}
