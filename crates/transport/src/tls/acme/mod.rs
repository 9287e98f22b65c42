//! Certificates from an authority by ACME (RFC 8555), such as Let's Encrypt.
//!
//! [`Acme`] decides when to order, and keeps everything in a folder. The modules beside this one:
//! `order` makes one order, `account` opens the account, `challenge` proves that the names are
//! ours, `renewal` decides when, `history` limits attempts, `cache` stores.

mod builder;
mod attempt;
mod due;
mod order;
mod account;
mod request;
mod challenge;
mod client;
mod cache;
mod history;
mod renewal;
mod event;
mod error;

use std::{
    fmt,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, RwLock, atomic::AtomicBool},
    time::Duration,
};

use palisade_core::SharedClock;
use rustls::sign::CertifiedKey;

pub(crate) use self::challenge::Challenges;
use self::{
    account::AccountSettings, cache::Cache, challenge::SelfCheck, client::AuthorityClient,
    renewal::Suggestion,
};
pub use self::{
    builder::{AcmeBuilder, LETS_ENCRYPT, LETS_ENCRYPT_STAGING},
    challenge::ChallengeKind,
    error::AcmeError,
    event::AcmeEvent,
};
use crate::tls::{
    certificates::{CertificateFiles, CertificateSource, Certificates, Fingerprint},
    error::CertificateError,
};

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
    /// Whether the self-check has to pass before the next order.
    needs_self_check: AtomicBool,
    self_check: SelfCheck,
    observer: RwLock<Option<Observer>>,
    /// What the authority suggested for the current certificate.
    suggestion: Mutex<Option<Suggestion>>,
    /// The last problem of the cache, which is reported once.
    last_problem: Mutex<Option<Box<str>>>,
}

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
    /// Begins the settings for one certificate with these names, cached in a folder.
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
    /// The file with the certificate is there and cannot be read.
    pub fn certificates(&self) -> Result<Certificates, CertificateError> {
        Certificates::open_or_wait(self.clone(), Arc::clone(&self.inner.clock))
    }

    /// Returns certificates that only answer the challenges, and order nothing. For a command that
    /// orders while no server runs.
    ///
    /// # Errors
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

    /// Reads the state from the cache, for a command or a status page.
    ///
    /// # Errors
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

    /// Orders a certificate if there is none, or if it is to be renewed.
    ///
    /// A server with these [`certificates`](Self::certificates) calls it every 30 seconds. Call it yourself only without that server. Errors are reported as events
    /// too.
    ///
    /// # Errors
    /// The attempt failed, or the cache cannot be used. The old certificate stays.
    pub async fn renew_if_due(&self) -> Result<Renewal, AcmeError> {
        let renewed = self.try_renew().await;
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

    /// Logs and reports an event.
    fn report(&self, event: &AcmeEvent) {
        event.log();
        let observer = self
            .inner
            .observer
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(observer) = observer {
            observer(event);
        }
    }

    /// Reports a problem of the cache, unless it was the last one already.
    fn report_unable(&self, error: &AcmeError) {
        let problem: Box<str> = error.to_string().into();
        let mut last = self
            .inner
            .last_problem
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if last.as_ref() == Some(&problem) {
            return;
        }
        *last = Some(problem.clone());
        drop(last);
        self.report(&AcmeEvent::Unable { problem });
    }

    fn forget_problem(&self) {
        let mut last = self
            .inner
            .last_problem
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *last = None;
    }
}

impl Inner {
    fn lock_suggestion(&self) -> std::sync::MutexGuard<'_, Option<Suggestion>> {
        self.suggestion
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl CertificateSource for Acme {
    fn read(&self, _now: Duration) -> Result<CertificateFiles, CertificateError> {
        let path = self.inner.cache.certificate_path();
        let files = CertificateFiles::read(path.clone(), &path)?;
        Ok(files.with_clock_skew(CLOCK_SKEW))
    }

    fn ordered_names(&self) -> &[String] {
        &self.inner.domains
    }

    fn order_if_due(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        // It reports errors itself.
        Box::pin(async { drop(self.renew_if_due().await) })
    }

    fn challenge_certificate(&self, host: &str) -> Option<Arc<CertifiedKey>> {
        self.inner.challenges.certificate(host)
    }
}

/// Answers challenges, and has no certificate.
struct ChallengesOnly(Acme);

impl CertificateSource for ChallengesOnly {
    fn read(&self, _now: Duration) -> Result<CertificateFiles, CertificateError> {
        let missing = std::io::ErrorKind::NotFound.into();
        Err(CertificateError::file(
            std::path::Path::new("certificate"),
            missing,
        ))
    }

    fn ordered_names(&self) -> &[String] {
        &self.0.inner.domains
    }

    fn challenge_certificate(&self, host: &str) -> Option<Arc<CertifiedKey>> {
        self.0.inner.challenges.certificate(host)
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
