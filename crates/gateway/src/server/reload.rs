//! Reads the configuration again while the gateway serves.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use palisade::{
    audit::{AuditEvent, event_id},
    config::{CertificateSource, LimitLayers, Running},
    core::SharedClock,
    server::{Certificates, ClientAuth, Readiness, Reloadable},
    shield::Protected,
};
use tokio::sync::Mutex;

use super::{
    listeners::warn_of_contradictions,
    stack::{Shared, build},
    tls::Tls,
};
use crate::{error::GatewayError, forward::Forward, settings::Settings, upstream::Upstreams};

/// Reads the configuration again while the gateway serves. Returned by [`Gateway::reloader`](crate::Gateway::reloader).
///
/// What stays: sockets, connections, limits, the audit trail, certificates that an authority issues.
/// What changes: hosts, keys, tokens, limits' rates, rules, text rules, upstreams, certificate files, authorities
/// of clients.
/// A request that is being served keeps the settings that it began with.
///
/// # Examples
///
/// Reload at SIGHUP, as the command does:
///
/// ```no_run
/// # #[cfg(unix)]
/// # async fn run(gateway: palisade_gateway::Gateway) -> std::io::Result<()> {
/// use tokio::signal::unix::{SignalKind, signal};
///
/// let reloader = gateway.reloader();
/// let mut hangup = signal(SignalKind::hangup())?;
/// tokio::spawn(async move {
///     while hangup.recv().await.is_some() {
///         match reloader.reload().await {
///             Ok(changes) => println!("reloaded: {}", changes.join(", ")),
///             Err(problem) => eprintln!("nothing changed: {problem}"),
///         }
///     }
/// });
/// # Ok(()) }
/// ```
pub struct Reloader {
    /// The settings in use. The lock makes one reload wait for the other.
    pub(super) settings: Mutex<Settings>,
    /// What a reload keeps: the open trail, the store of the limits, the sessions.
    pub(super) running: Running,
    /// `None` if nothing listens with TLS.
    pub(super) certificates: Option<Certificates>,
    /// The section cannot change while the gateway runs; the files can.
    pub(super) client_auth: Option<ClientAuth>,
    /// The stack that serves, also for open connections.
    pub(super) service: Reloadable<Protected<Forward>>,
    /// Tunnels and counts, which outlive a stack.
    pub(super) shared: Shared,
    /// Tells the time of the reload.
    pub(super) clock: SharedClock,
    /// The limits of the stack that serves.
    pub(super) limits: ArcSwap<LimitLayers>,
    /// Whether the gateway takes requests.
    pub(super) readiness: Readiness,
    /// When the gateway started, since the Unix epoch.
    pub(super) started: Duration,
    /// Where the gateway listens with TLS.
    pub(super) addresses: Vec<SocketAddr>,
}

impl Reloader {
    /// Reads file, keys and certificate again, and serves by them from now on. Limits and
    /// connections stay. Returns the keys whose values changed, such as `routes[0].path`.
    ///
    /// The outcome is recorded in the audit trail, also if nothing could be changed.
    ///
    /// # Errors
    ///
    /// Something cannot be used, or cannot change while the gateway runs. Nothing changed then.
    pub async fn reload(&self) -> Result<Vec<String>, GatewayError> {
        let reloaded = self.replace_stack().await;
        if let Some(audit) = &self.running.audit {
            audit.record(match &reloaded {
                Ok(changes) => AuditEvent::new(event_id::CONFIGURATION_RELOADED)
                    .text("changed", changes.join(", ")),
                Err(error) => AuditEvent::new(event_id::CONFIGURATION_REFUSED)
                    .text("reason", error.to_string()),
            });
        }
        reloaded
    }

    /// Builds everything from the new file before the first part is replaced.
    ///
    /// # Errors
    ///
    /// The new file has a mistake, or names what cannot be opened. The old stack then goes on.
    async fn replace_stack(&self) -> Result<Vec<String>, GatewayError> {
        let mut settings = self.settings.lock().await;
        let mut new = settings.read_again()?;
        new.upstreams.take_over(&settings.upstreams);
        let built = build(&new, &self.running, &self.shared)?;
        let certificates = match &new.server.certificate {
            CertificateSource::Acme(_) => None, // ordered and renewed by the running gateway
            _ => Tls::open(&new, &self.clock)?.map(|tls| tls.certificates),
        };
        let client_auth = new.config.open_client_auth(&self.clock)?;
        let in_use = certificates.as_ref().or(self.certificates.as_ref());
        warn_of_contradictions(&new, &self.addresses, in_use)?;
        // From here on nothing can fail.
        if let Some(rotation) = built.key_rotation {
            rotation.apply();
        }
        if let (Some(running), Some(new)) = (&self.certificates, &certificates) {
            running.replace(new);
        }
        if let (Some(running), Some(new)) = (&self.client_auth, &client_auth) {
            running.replace(new);
        }
        self.shared.credentials.replace_layer(built.authentication);
        self.service.replace(built.service);
        self.limits.store(Arc::new(built.limits));
        new.upstreams.start_health_checks();
        let changes = new.config.changes(&settings.config);
        *settings = new;
        Ok(changes)
    }
}

/// What the admin socket shows.
impl Reloader {
    /// Returns the limits of the stack that serves.
    pub(super) fn current_limits(&self) -> Arc<LimitLayers> {
        self.limits.load_full()
    }

    /// Records what an operator did in the audit trail, and in the log.
    pub(super) fn record(&self, event: AuditEvent) {
        tracing::info!(event = ?event, "an operator changed limits through the admin socket");
        if let Some(audit) = &self.running.audit {
            audit.record(event);
        }
    }

    /// Returns the upstreams in use.
    pub(super) async fn current_upstreams(&self) -> Upstreams {
        self.settings.lock().await.upstreams.clone()
    }

    /// Returns how many WebSockets are open.
    pub(super) fn open_tunnels(&self) -> usize {
        self.shared.tunnels.open_count()
    }

    /// Returns when the gateway started, and what time it is, since the Unix epoch.
    pub(super) fn start_and_now(&self) -> (Duration, Duration) {
        (self.started, self.clock.unix_time())
    }

    /// Returns what was served since the start.
    pub(super) fn traffic(&self) -> serde_json::Value {
        self.shared.traffic.to_document()
    }

    /// Returns what rules in shadow would have refused, the most frequent first.
    pub(super) fn shadow_refusals(&self, most: usize) -> serde_json::Value {
        self.shared.report.to_document(most)
    }

    /// Returns whether the gateway is stopping.
    pub(super) fn is_draining(&self) -> bool {
        !self.readiness.is_ready()
    }
}

impl fmt::Debug for Reloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reloader")
    }
}
