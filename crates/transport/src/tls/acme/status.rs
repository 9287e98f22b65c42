//! What became of a renewal, and the state of the certificate in the cache.

use std::{path::PathBuf, time::Duration};

use super::{Acme, AcmeError, Inner, renewal};
use crate::tls::certificates::Fingerprint;

/// What [`Acme::renew_if_due`] did.
///
/// # Examples
///
/// A command that orders while no server runs, and says what happened:
///
/// ```no_run
/// use palisade_transport::server::{Acme, AcmeError, Renewal};
///
/// async fn order(acme: &Acme) -> Result<(), AcmeError> {
///     match acme.renew_if_due().await? {
///         Renewal::Issued => println!("a new certificate is in the cache"),
///         Renewal::NotDue => println!("the certificate is fresh"),
///         Renewal::Busy => println!("a server with this cache orders now"),
///         Renewal::Waiting { until } => println!("the next attempt is at {}", until.as_secs()),
///         _ => {}
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Renewal {
    /// Another process orders now.
    Busy,
    /// A new certificate was stored.
    Issued,
    /// The certificate is not due yet.
    NotDue,
    /// Attempts failed, or a certificate was issued a short time ago. The next attempt may be made
    /// at this time, since the Unix epoch.
    Waiting {
        /// The time, since the Unix epoch.
        until: Duration,
    },
}

/// The state of the certificate in the cache. Returned by [`Acme::status`].
///
/// It is read from files alone: the authority is not asked.
///
/// # Examples
///
/// ```
/// use palisade_transport::server::Acme;
///
/// # let folder = tempfile::tempdir().unwrap();
/// let acme = Acme::builder(["tts.example.com"], folder.path())
/// #     .root(rcgen::generate_simple_self_signed(["ca.example".to_owned()])?.cert.pem())
///     .accept_terms()
///     .build()?;
/// let status = acme.status()?;
/// assert_eq!((status.expires, status.failures), (None, 0));
/// match &status.problem {
///     Some(problem) => println!("{}: {problem}", status.path.display()),
///     None => println!("no attempt has failed"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct AcmeStatus {
    /// The file with key and chain.
    pub path: PathBuf,
    /// When the certificate expires, since the Unix epoch. `None` without a certificate.
    pub expires: Option<Duration>,
    /// When it is renewed by its life, since the Unix epoch. The authority can suggest an earlier
    /// time.
    pub renews: Option<Duration>,
    /// The SHA-256 of the certificate.
    pub fingerprint: Option<Fingerprint>,
    /// Failed attempts since the last certificate.
    pub failures: u32,
    /// When the next attempt may be made, since the Unix epoch, if one must wait.
    pub next_attempt: Option<Duration>,
    /// What failed last.
    pub problem: Option<String>,
}

impl Acme {
    /// Reads the state from the cache, for a command or a status page.
    ///
    /// # Errors
    ///
    /// [`AcmeError::Cache`] if a file cannot be read.
    pub fn status(&self) -> Result<AcmeStatus, AcmeError> {
        let Inner { cache, domains, .. } = &*self.inner;
        let now = self.inner.clock.unix_time();
        let certificate = cache.certificate()?;
        let history = cache.history(domains, now)?;
        let id = cache.certificate_id();
        let attempts = history.attempts(id);
        Ok(AcmeStatus {
            path: cache.certificate_path(),
            expires: certificate.as_ref().map(|loaded| loaded.not_after),
            renews: certificate.as_ref().map(renewal::by_life),
            fingerprint: certificate.as_ref().map(|loaded| loaded.fingerprint),
            failures: attempts.failures,
            next_attempt: history.blocked_until(id, domains, now),
            problem: attempts.problem,
        })
    }
}
