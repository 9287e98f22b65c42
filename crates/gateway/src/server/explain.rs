//! What a gateway would do, in words, without serving.

use std::fmt::Write as _;

use palisade::{
    AuditLayer,
    audit::MemorySink,
    config::{ListenOn, Running},
    core::SystemClock,
};

use super::{
    stack::{Shared, build_shield},
    tls::Tls,
};
use crate::{error::GatewayError, settings::Settings};

/// Describes what a gateway with these settings does: addresses, the stack, the upstreams.
///
/// Everything is checked as at a start: values, key files, certificates, how the parts fit. No socket
/// is bound, no server is asked, and the audit trail is not opened, so it may belong to a gateway that
/// is running.
///
/// # Errors
///
/// What would keep a gateway with these settings from starting.
///
/// # Examples
///
/// ```
/// use palisade_gateway::{Preset, Settings, explain};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let data = folder.path().join("data");
/// let settings = Settings::quick_start("http://127.0.0.1:11434")
///     .preset(Preset::named("ollama")?)
///     .data(data)
///     .settings()?;
/// let text = explain(&settings)?;
/// assert!(text.contains("POST /api/chat"), "{text}");
/// assert!(text.contains("http://127.0.0.1:11434"), "{text}");
/// # Ok::<(), palisade_gateway::GatewayError>(())
/// ```
pub fn explain(settings: &Settings) -> Result<String, GatewayError> {
    let trail = AuditLayer::builder().sink(MemorySink::new()).build();
    let audit = settings.config.has(&["audit"]).then_some(trail);
    let running = Running::new()
        .with_audit(audit.transpose().map_err(GatewayError::new)?)
        .with_store(Some(settings.config.store_of_check()?));
    let (shield, _) = build_shield(settings, &running, &Shared::new(SystemClock::shared()))?;
    let tls = Tls::open(settings, &SystemClock::shared())?;
    let server = &settings.server;
    let mut listeners = server.https.iter().chain(&server.http);
    let first = listeners.find_map(ListenOn::as_address);
    let port = first.map_or(443, |address| address.port());
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "Address: {}", settings.address_for_clients(port));
    let names = tls.map_or_else(
        || "none, nothing listens with TLS".to_owned(),
        |tls| tls.certificates.names().join(", "),
    );
    let _ = writeln!(text, "Certificate: {names}");
    let _ = writeln!(text, "\n{}", shield.explain().trim_end());
    let _ = writeln!(text, "\nUpstreams:");
    for upstream in settings.upstreams.described_upstreams() {
        let _ = writeln!(text, "{upstream}");
    }
    if let Some(policy) = &settings.budgets {
        let _ = writeln!(text, "\nBudgets:");
        for budget in policy.described_budgets() {
            let _ = writeln!(text, "{budget}");
        }
    }
    Ok(text)
}
