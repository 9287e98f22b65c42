//! When a connection has to stop, whatever it does.

use std::time::Duration;

use palisade_core::{ClientCertificate, SharedClock};
use tokio::time::Instant;

/// The bounds of a connection: its age, and the end of the client's certificate.
///
/// The certificate was verified in the handshake. No request is served by it after its end, except
/// those that are open then.
pub(crate) struct Lifetime {
    /// `None` for no limit.
    age: Option<Instant>,
    certificate: Option<CertificateEnd>,
}

/// The end of a certificate, by the clock that verified it.
struct CertificateEnd {
    /// Since the Unix epoch.
    expires: Duration,
    clock: SharedClock,
}

impl Lifetime {
    /// `age` is when the connection is too old. `clock` is that of client authentication.
    pub(crate) fn new(
        age: Option<Instant>,
        certificate: Option<&ClientCertificate>,
        clock: Option<SharedClock>,
    ) -> Self {
        let certificate = certificate.zip(clock);
        Self {
            age,
            certificate: certificate.map(|(certificate, clock)| CertificateEnd {
                expires: certificate.expires(),
                clock,
            }),
        }
    }

    /// Returns when the connection has to stop, as far as the clocks say now. `None` for never.
    pub(crate) fn end(&self, now: Instant) -> Option<Instant> {
        let certificate = self.certificate.as_ref();
        let left = certificate.map(|end| end.expires.saturating_sub(end.clock.unix_time()));
        let certificate = left.and_then(|left| now.checked_add(left));
        [self.age, certificate].into_iter().flatten().min()
    }
}
