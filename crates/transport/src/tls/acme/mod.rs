//! Certificates from an authority by ACME (RFC 8555), such as Let's Encrypt.
//!
//! [`Acme`] decides when to order, and keeps everything in a folder. The modules beside this one:
//! `order` makes one order, `account` opens the account, `challenge` proves that the names are
//! ours, `renewal` decides when, `history` limits attempts, `cache` stores.

mod builder;
mod status;
mod source;
mod attempt;
mod report;
mod due;
mod order;
mod account;
mod request;
mod challenge;
mod domains;
mod client;
mod cache;
mod history;
mod renewal;
mod event;
mod error;
mod setting_error;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock, atomic::AtomicBool},
    time::Duration,
};

use palisade_core::SharedClock;

pub(crate) use self::challenge::Challenges;
use self::{
    account::AccountSettings, cache::Cache, challenge::SelfCheck, client::AuthorityClient,
    renewal::Suggestion, source::ChallengesOnly,
};
pub use self::{
    builder::{AcmeBuilder, LETS_ENCRYPT, LETS_ENCRYPT_STAGING},
    challenge::ChallengeKind,
    error::AcmeError,
    event::AcmeEvent,
    setting_error::AcmeSettingError,
    status::{AcmeStatus, Renewal},
};
use crate::tls::{certificates::Certificates, error::CertificateError};

/// Certificates from an authority, ordered and renewed while the server runs.
///
/// Give its [`certificates`](Self::certificates) to the server: it then answers the challenges of the authority,
/// orders the first certificate, and renews it. Clones share the state.
///
/// # Before the first certificate
/// The server listens at once, since the authority connects to it. Until there is a certificate it
/// refuses all other TLS handshakes (alert `access_denied`). A self-signed certificate would teach
/// people to accept warnings.
///
/// # Renewal
/// Between 60 % and 66 % of the life of a certificate, at a time chosen by its digest. Earlier if
/// the authority suggests it (renewal information, RFC 9773). The old certificate stays in use
/// until the new one is stored.
///
/// # Failures
/// The next attempt comes after one minute, then two, four and so on, at most six hours, and up to
/// half of that on top. Never more than four validations of a name fail in an hour: authorities
/// block a name at five. `Retry-After` is obeyed, up to seven days. All this is stored, so that it
/// holds for all processes with the same cache, and after a restart.
///
/// # Self-check
/// Before the first order of a process, the server requests a challenge from itself at the address
/// of each name. If that fails, the authority is not asked. See
/// [`AcmeBuilder::without_self_check`].
///
/// # Cache
/// A folder on a local disk, with mode 0700. It holds the key of the account and of the
/// certificate: back it up like one. Several processes can share it; one of them orders, the others
/// use its certificate, and each can answer the challenges. A folder that cannot be written stops
/// renewal (a certificate that is not stored would be ordered again at each start); the certificate
/// in it is still used.
///
/// ```no_run
/// use palisade_transport::server::{Acme, LETS_ENCRYPT_STAGING, Server};
///
/// # fn bind() -> Result<(), Box<dyn std::error::Error>> {
/// let acme = Acme::builder(["tts.example.com"], "/var/lib/tts/acme")
///     .contact("ops@example.com")
///     .accept_terms()
///     .directory(LETS_ENCRYPT_STAGING)
///     .build()?;
/// let server = Server::builder()
///     .listen("[::]:443".parse()?)
///     .tls(acme.certificates()?)
///     .build()?;
/// # drop(server); Ok(()) }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Acme {
    inner: Arc<Inner>,
}

/// How far the clock of the authority may be ahead.
const CLOCK_SKEW: Duration = Duration::from_secs(60 * 60);

type Observer = Arc<dyn Fn(&AcmeEvent) + Send + Sync>;

/// What clones share.
struct Inner {
    account: AccountSettings,
    cache: Cache,
    challenges: Challenges,
    client: AuthorityClient,
    clock: SharedClock,
    domains: Vec<String>,
    /// `None` for the choice of the authority.
    profile: Option<String>,
    /// Whether the self-check has to pass before the next order.
    needs_self_check: AtomicBool,
    self_check: SelfCheck,
    observer: RwLock<Option<Observer>>,
    /// What the authority suggested for the current certificate.
    suggestion: Mutex<Option<Suggestion>>,
    /// The last problem of the cache, which is reported once.
    last_problem: Mutex<Option<Box<str>>>,
}

impl Acme {
    /// Begins the settings for one certificate with these names, cached in a folder.
    ///
    /// A name is a host, or an address of one (RFC 8738). Public authorities issue for an address only
    /// with some of their [profiles](AcmeBuilder::profile).
    pub fn builder(
        domains: impl IntoIterator<Item = impl Into<String>>,
        cache: impl Into<PathBuf>,
    ) -> AcmeBuilder {
        AcmeBuilder::new(domains.into_iter().map(Into::into).collect(), cache.into())
    }

    /// Returns the certificates for [`ServerBuilder::tls`](crate::server::ServerBuilder::tls). The
    /// server then answers challenges, and calls [`renew_if_due`](Self::renew_if_due).
    ///
    /// They are [pending](Certificates::is_pending) if the cache has no certificate that is valid
    /// now.
    ///
    /// # Errors
    ///
    /// The file with the certificate is there and cannot be read.
    pub fn certificates(&self) -> Result<Certificates, CertificateError> {
        Certificates::open_or_wait(self.clone(), Arc::clone(&self.inner.clock))
    }

    /// Returns certificates that only answer the challenges, and order nothing. For a command that
    /// orders while no server runs.
    ///
    /// # Errors
    ///
    /// None: there is no file to read.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use palisade_transport::server::{Acme, Server};
    ///
    /// # async fn order(acme: Acme) -> Result<(), Box<dyn std::error::Error>> {
    /// // The authority connects to port 443 while the order is in progress.
    /// let server = Server::builder()
    ///     .listen("[::]:443".parse()?)
    ///     .tls(acme.challenge_certificates()?)
    ///     .build()?;
    /// let handle = server.handle();
    /// let serving = tokio::spawn(server.serve(axum::Router::new(), std::future::pending()));
    /// acme.renew_if_due().await?;
    /// handle.shutdown();
    /// serving.await??;
    /// # Ok(()) }
    /// ```
    pub fn challenge_certificates(&self) -> Result<Certificates, CertificateError> {
        let source = ChallengesOnly(self.clone());
        Certificates::open_or_wait(source, Arc::clone(&self.inner.clock))
    }

    /// Calls a function when a certificate is issued or an attempt fails, for the audit trail and
    /// metrics. A second call replaces the function. It must not block.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
    ///
    /// use palisade_transport::server::{Acme, AcmeEvent};
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// let acme = Acme::builder(["tts.example.com"], folder.path())
    /// #     .root(rcgen::generate_simple_self_signed(["ca.example".to_owned()])?.cert.pem())
    ///     .accept_terms()
    ///     .build()?;
    /// let failures = Arc::new(AtomicU64::new(0));
    /// let counter = Arc::clone(&failures);
    /// acme.on_event(move |event| {
    ///     if let AcmeEvent::Failed { .. } = event {
    ///         counter.fetch_add(1, Ordering::Relaxed);
    ///     }
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_event(&self, observer: impl Fn(&AcmeEvent) + Send + Sync + 'static) {
        let mut current = self
            .inner
            .observer
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *current = Some(Arc::new(observer));
    }

    /// Returns the names of the certificate, in lower case.
    #[must_use]
    pub fn domains(&self) -> &[String] {
        &self.inner.domains
    }

    /// Returns the address of the directory of the authority.
    #[must_use]
    pub fn directory(&self) -> &str {
        &self.inner.account.directory
    }

    /// Orders a certificate if there is none, or if it is to be renewed.
    ///
    /// A server with these [`certificates`](Self::certificates) calls it every 30 seconds. Call it yourself only without that server. Errors are reported as events
    /// too.
    ///
    /// # Errors
    ///
    /// The attempt failed, or the cache cannot be used. The old certificate stays.
    pub async fn renew_if_due(&self) -> Result<Renewal, AcmeError> {
        let renewed = self.try_renew(false).await;
        self.report_cache(renewed)
    }

    /// Orders a certificate now, also if the one in the cache is not due: for a key that others may
    /// have read.
    ///
    /// The waits after earlier attempts hold, so the result may be [`Renewal::Waiting`]. A running
    /// server finds the new certificate within 30 seconds.
    ///
    /// # Errors
    ///
    /// As [`renew_if_due`](Self::renew_if_due).
    pub async fn renew_now(&self) -> Result<Renewal, AcmeError> {
        let renewed = self.try_renew(true).await;
        self.report_cache(renewed)
    }

    /// Reports a cache that cannot be used, once.
    fn report_cache(&self, renewed: Result<Renewal, AcmeError>) -> Result<Renewal, AcmeError> {
        match &renewed {
            // Attempts report themselves, with the time of the next one.
            Ok(_) => self.forget_problem(),
            Err(error @ AcmeError::Cache { .. }) => self.report_unable(error),
            Err(_) => {}
        }
        renewed
    }

    /// Orders a certificate now and discards it, to see whether it would be issued. Makes the
    /// self-check first. For the staging directory of an authority.
    ///
    /// Attempts are counted and limited like those of [`renew_if_due`](Self::renew_if_due).
    ///
    /// # Errors
    ///
    /// The reason why no certificate would be issued.
    pub async fn dry_run(&self) -> Result<Renewal, AcmeError> {
        let now = self.inner.clock.unix_time();
        let Some(_lock) = self.inner.cache.try_lock()? else {
            return Ok(Renewal::Busy);
        };
        let (domains, id) = (&self.inner.domains, "dry-run");
        let history = self.inner.cache.history(domains, now)?;
        // Only the limit of the authority counts: an operator tries several times in a row.
        if let Some(until) = history.blocked_until(id, domains, now) {
            return Ok(Renewal::Waiting { until });
        }
        let result = self.order(None).await;
        let mut history = self.inner.cache.history(domains, now)?;
        if let Err(AcmeError::Validation { failed }) = &result {
            let names = failed.iter().map(|(name, _)| &**name);
            history.fail(id, names, None, String::new(), now);
        }
        self.inner.cache.write_history(&history)?;
        result.map(|_| Renewal::Issued)
    }

    /// Returns the responses to challenges.
    pub(crate) fn challenges(&self) -> &Challenges {
        &self.inner.challenges
    }
}

impl Inner {
    fn lock_suggestion(&self) -> std::sync::MutexGuard<'_, Option<Suggestion>> {
        self.suggestion
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Acme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acme")
            .field("directory", &self.directory())
            .field("domains", &self.inner.domains)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AcmeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcmeBuilder").finish_non_exhaustive()
    }
}
