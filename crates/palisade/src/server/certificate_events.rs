//! Connects the events of an authority to the audit trail and to the metrics.

use palisade_audit::{AuditEvent, AuditHandle, event_id};
use palisade_transport::server::{Acme, AcmeEvent};

/// Records when a certificate is issued, and when an attempt fails.
///
/// The audit trail gets `certificate.issued` with the names and the expiry, `certificate.failed`
/// with the kind of the failure, the problem and the time of the next attempt, or
/// `certificate.unable` if the cache cannot be used. With the feature `metrics` it counts in
/// `palisade_acme_events_total{event}`, and `palisade_acme_expiry_seconds` is the Unix time at which
/// the last issued certificate expires.
///
/// ```no_run
/// # fn open(audit: palisade::audit::AuditHandle) -> Result<(), Box<dyn std::error::Error>> {
/// use palisade::server::{Acme, record_certificates};
///
/// let acme = Acme::builder(["tts.example.com"], "data/acme").accept_terms().build()?;
/// record_certificates(&acme, Some(audit));
/// # Ok(()) }
/// ```
pub fn record_certificates(acme: &Acme, audit: Option<AuditHandle>) {
    let authority = acme.directory().to_owned();
    acme.on_event(move |event| {
        #[cfg(feature = "metrics")]
        count(event);
        if let Some(audit) = &audit {
            audit.record(record(event, &authority));
        }
    });
}

#[cfg(feature = "metrics")]
fn count(event: &AcmeEvent) {
    metrics::counter!("palisade_acme_events_total", "event" => event.as_str()).increment(1);
    if let AcmeEvent::Issued { expires, .. } = event {
        metrics::gauge!("palisade_acme_expiry_seconds").set(expires.as_secs_f64());
    }
}

/// Makes the audit event.
fn record(event: &AcmeEvent, authority: &str) -> AuditEvent {
    match event {
        AcmeEvent::Issued { names, expires } => AuditEvent::new(event_id::CERTIFICATE_ISSUED)
            .text("names", names.join(", "))
            .number("expires", expires.as_secs())
            .text("authority", authority),
        AcmeEvent::Failed {
            kind,
            problem,
            next_attempt,
        } => AuditEvent::new(event_id::CERTIFICATE_FAILED)
            .text("kind", kind)
            .text("problem", problem)
            .number("next_attempt", next_attempt.as_secs())
            .text("authority", authority),
        AcmeEvent::Unable { problem } => {
            AuditEvent::new(event_id::CERTIFICATE_UNABLE).text("problem", problem)
        }
        // Kinds of later versions.
        _ => AuditEvent::new(event_id::CERTIFICATE_FAILED).text("kind", event.as_str()),
    }
}
