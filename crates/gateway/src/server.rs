//! From settings to sockets, and from a signal to an orderly end.

use std::{fmt, io, net::SocketAddr, sync::Arc};

use palisade::{
    TrustedProxies,
    audit::{AuditEvent, AuditHandle, event_id},
    config::{CertificateSource, Running},
    core::{SharedClock, SystemClock},
    rate_limit::MemoryStore,
    server::{
        Acme, Certificates, ChallengeLayer, DevAuthority, HealthLayer, Listener, Readiness,
        Reloadable, Server, ServerBuilder, record_certificates, record_connections,
    },
    shield::Protected,
};
use tokio::sync::{Mutex, watch};
use tower_layer::Layer as _;

use crate::{
    error::GatewayError,
    first_start::{Authority, Greeting, mint},
    forward::Forward,
    settings::Settings,
};

/// A gateway whose sockets are bound and whose files are open. It serves after
/// [`serve`](Self::serve).
///
/// Everything that can fail at start fails in [`prepare`](Self::prepare), so a program can tell its
/// operator before it reports that it is ready.
///
/// # Examples
///
/// A gateway that stops at Ctrl-C and reads its file again on request:
///
/// ```no_run
/// use palisade_gateway::{Gateway, Settings};
///
/// # async fn run() -> Result<(), palisade_gateway::GatewayError> {
/// let gateway = Gateway::prepare(Settings::read("gateway.toml")?).await?;
/// let reloader = gateway.reloader();
/// tokio::spawn(async move {
///     // For example at a signal:
///     if let Err(problem) = reloader.reload().await {
///         eprintln!("not reloaded: {problem}");
///     }
/// });
/// gateway.serve(std::future::pending()).await
/// # }
/// ```
#[derive(Debug)]
pub struct Gateway {
    https: ServerBuilder,
    /// The address that `https` is bound to.
    address: SocketAddr,
    /// The listener without TLS, for redirects and ACME challenges.
    http: Option<ServerBuilder>,
    /// The stack, which a reload replaces.
    service: Reloadable<Protected<Forward>>,
    /// Closed at the end, so that the trail says that it is complete.
    audit: Option<AuditHandle>,
    /// Responds to http-01 challenges on the listener without TLS, outside all other layers.
    challenges: ChallengeLayer,
    health: HealthLayer,
    readiness: Readiness,
    greeting: Greeting,
    reloader: Arc<Reloader>,
}

impl Gateway {
    /// Binds the sockets, opens the files and builds the stack. A first start mints a key, last of
    /// all: it is shown only if nothing else went wrong.
    ///
    /// Warnings about settings that contradict each other are logged with `tracing`. Nothing is
    /// served before [`serve`](Self::serve); connections wait in the backlog of the sockets.
    ///
    /// # Examples
    ///
    /// Port 0 lets the system choose, for a test:
    ///
    /// ```no_run
    /// use palisade_gateway::{Gateway, Settings};
    ///
    /// # async fn run() -> Result<(), palisade_gateway::GatewayError> {
    /// let settings = Settings::quick_start("http://127.0.0.1:5000")
    ///     .listen("127.0.0.1:0".parse().unwrap())
    ///     .settings()?;
    /// let gateway = Gateway::prepare(settings).await?;
    /// println!("https://{}/", gateway.address());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// An address is in use, a file cannot be opened, or the parts do not fit.
    pub async fn prepare(settings: Settings) -> Result<Self, GatewayError> {
        let clock = SystemClock::shared();
        let (https, address) = bind(&settings, settings.https)?;
        let http = settings.server.http;
        let http = http.map(|http| bind(&settings, http)).transpose()?;
        let tls = Tls::open(&settings, &clock)?;
        let store = settings.config.connect_store().await?;
        let store = store.unwrap_or_else(|| Arc::new(MemoryStore::default()));
        let mut running = Running::from(Some(store));
        let built = build(&settings, &running)?;
        running.audit.clone_from(&built.audit);
        warn(&settings, address, &tls.certificates)?;
        let audit = built.audit.as_ref().map(palisade::AuditLayer::handle);
        let record = |server| record_connections(server, audit.clone());
        let challenges = match &tls.acme {
            Some(acme) => {
                record_certificates(acme, audit.clone());
                ChallengeLayer::new(acme)
            }
            None => ChallengeLayer::none(),
        };
        let readiness = Readiness::new();
        let first = built
            .keys
            .filter(|(_, store)| store.table().records().is_empty());
        let first = first.filter(|_| settings.data.is_some());
        let key = first.map(|(scheme, store)| mint(&scheme, &store, &clock));
        let service = Reloadable::new(built.service);
        Ok(Self {
            https: record(https.tls(tls.certificates.clone())),
            address,
            http: http.map(|(http, _)| record(http)),
            challenges,
            health: health(&settings, &readiness)?,
            readiness,
            greeting: Greeting {
                address: settings.address(address.port()),
                upstreams: settings.upstreams.addresses().collect(),
                ordered: tls
                    .certificates
                    .is_pending()
                    .then(|| tls.certificates.names()),
                authority: tls.authority,
                key: key.transpose()?,
                data: settings.data.as_ref().map(|data| data.path().to_owned()),
                key_file: None,
            },
            reloader: Arc::new(Reloader {
                settings: Mutex::new(settings),
                running,
                certificates: tls.certificates,
                service: service.clone(),
                clock,
            }),
            audit,
            service,
        })
    }

    /// Returns what an operator should see: the address, and the key if this start made one.
    ///
    /// If standard output is no terminal, the key is written to a file with mode 0600, which the
    /// text names.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn greeting(&mut self, is_terminal: bool) -> Result<String, GatewayError> {
        if !is_terminal {
            self.greeting.hide_key()?;
        }
        Ok(self.greeting.to_string())
    }

    /// Returns the address of the TLS listener, with the port that was bound.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the key that a first start minted. `None` at later starts, and with a configuration
    /// file: its keys are made with `palisade key new`.
    ///
    /// It is a secret. Show it once, to the operator.
    #[must_use]
    pub fn first_key(&self) -> Option<&str> {
        self.greeting.key.as_ref().map(|key| key.key())
    }

    /// Returns what reads the configuration again while the gateway serves, for a handler of SIGHUP.
    ///
    /// Take it before [`serve`](Self::serve), which consumes the gateway.
    #[must_use]
    pub fn reloader(&self) -> Arc<Reloader> {
        Arc::clone(&self.reloader)
    }

    /// Serves until `stop` completes, then finishes the requests that are being served and closes
    /// the audit trail.
    ///
    /// With a health check in the file, load balancers get 503 first, and the gateway goes on
    /// accepting for `drain_seconds` of `[server]`. How long requests may take to finish is
    /// `grace_seconds` of `[server.limits]`.
    ///
    /// # Errors
    /// A socket or the audit trail fails.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), GatewayError> {
        let drain = self.reloader.settings.lock().await.server.drain;
        let (sender, receiver) = watch::channel(false);
        let service = self.health.layer(self.service);
        // An authority asks on the listener without TLS. Elsewhere the path is an ordinary one.
        let in_clear = self.challenges.layer(service.clone());
        let https = self.https.build().map_err(GatewayError::new)?;
        let http = self.http.map(ServerBuilder::build).transpose();
        let http = http.map_err(GatewayError::new)?;
        let https = https.serve(service, stopped(receiver.clone()));
        let http = async {
            match http {
                Some(http) => http.serve(in_clear, stopped(receiver)).await.map(drop),
                None => Ok(()),
            }
        };
        let stop = async {
            stop.await;
            self.readiness.drain();
            tokio::time::sleep(drain).await;
            sender.send_replace(true);
            Ok(())
        };
        let served: io::Result<_> = async { tokio::try_join!(https, http, stop) }.await;
        if let Some(audit) = &self.audit {
            audit.close().await.map_err(|error| {
                GatewayError::new(format_args!("the audit trail could not be closed: {error}"))
            })?;
        }
        served.map(drop).map_err(GatewayError::new)
    }
}

/// Waits for the signal to stop. A sender that is gone means the same.
async fn stopped(mut receiver: watch::Receiver<bool>) {
    let _ = receiver.wait_for(|stop| *stop).await;
}

/// Reads the configuration again while the gateway serves. Returned by [`Gateway::reloader`].
///
/// What stays: sockets, connections, limits, the audit trail, certificates that an authority issues.
/// What changes: hosts, keys, tokens, limits' rates, rules, text rules, upstreams, certificate files.
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
    settings: Mutex<Settings>,
    running: Running,
    certificates: Certificates,
    service: Reloadable<Protected<Forward>>,
    clock: SharedClock,
}

impl Reloader {
    /// Reads file, keys and certificate again, and serves by them from now on. Limits and
    /// connections stay. Returns the keys whose values changed, such as `routes[0].path`.
    ///
    /// The outcome is recorded in the audit trail, also if nothing could be changed.
    ///
    /// # Errors
    /// Something cannot be used, or cannot change while the gateway runs. Nothing changed then.
    pub async fn reload(&self) -> Result<Vec<String>, GatewayError> {
        let reloaded = self.replace().await;
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
    async fn replace(&self) -> Result<Vec<String>, GatewayError> {
        let mut settings = self.settings.lock().await;
        let new = settings.read_again()?;
        let built = build(&new, &self.running)?;
        let certificates = match &new.server.certificate {
            CertificateSource::Acme(_) => None, // ordered and renewed by the running gateway
            _ => Some(Tls::open(&new, &self.clock)?.certificates),
        };
        // From here on nothing can fail.
        if let Some(certificates) = certificates {
            self.certificates.replace(&certificates);
        }
        self.service.replace(built.service);
        let changes = new.config.changes(&settings.config);
        *settings = new;
        Ok(changes)
    }
}

impl fmt::Debug for Reloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reloader")
    }
}

/// The stack and what it was built from.
struct Built {
    /// The upstreams behind the stack.
    service: Protected<Forward>,
    /// The trail, for events of the gateway itself and for the next stack.
    audit: Option<palisade::AuditLayer>,
    /// Scheme and file of the keys, with which a first start mints one.
    keys: Option<(
        palisade::api_key::KeyScheme,
        palisade::api_key::FileKeyStore,
    )>,
}

/// Builds the stack around the upstreams.
///
/// `running` has what a reload keeps: the store of the limits and the open audit trail.
fn build(settings: &Settings, running: &Running) -> Result<Built, GatewayError> {
    let assembled = settings.config.assemble_with(running.clone())?;
    let shield = assembled.shield.build().map_err(GatewayError::new)?;
    Ok(Built {
        service: shield.wrap(Forward::new(settings.upstreams.clone())),
        audit: assembled.audit,
        keys: assembled.keys,
    })
}

/// Binds a socket. Returns the address with the port that the system chose.
fn bind(
    settings: &Settings,
    address: SocketAddr,
) -> Result<(ServerBuilder, SocketAddr), GatewayError> {
    let listener = Listener::bind(address).map_err(|error| {
        GatewayError::new(error).remedy("free the address, or listen on another (`--listen`)")
    })?;
    let bound = listener.address().as_tcp().unwrap_or(address);
    let server = settings
        .config
        .configure(Server::builder().listener(listener))?;
    Ok((server, bound))
}

/// How TLS is spoken.
struct Tls {
    certificates: Certificates,
    /// The development authority. `None` if the operator brings a certificate or an authority
    /// issues it.
    authority: Option<Authority>,
    /// What orders certificates from an authority.
    acme: Option<Acme>,
}

impl Tls {
    /// Opens what the settings name. Default: a development authority that names the hosts.
    fn open(settings: &Settings, clock: &SharedClock) -> Result<Self, GatewayError> {
        let broken = |error| GatewayError::new(format_args!("TLS: {error}"));
        let (mut authority, mut ordering) = (None, None);
        let certificates = match &settings.server.certificate {
            CertificateSource::Acme(acme) => {
                let acme = acme
                    .open(clock.clone())
                    .map_err(|error| GatewayError::new(format_args!("[server.acme]: {error}")))?;
                ordering.insert(acme).certificates()
            }
            CertificateSource::Files { chain, key } => Certificates::builder(chain, key)
                .clock(clock.clone())
                .open(),
            _ => {
                let made = DevAuthority::builder(&settings.authority)
                    .clock(clock.clone())
                    .hosts(settings.config.hosts())
                    .open_or_create()
                    .map_err(broken)?;
                authority = Some(Authority {
                    certificate: made.certificate_path(),
                    fingerprint: made.fingerprint().to_string(),
                });
                made.certificates()
            }
        };
        Ok(Self {
            certificates: certificates.map_err(broken)?,
            authority,
            acme: ordering,
        })
    }
}

/// Returns the health check. Without `health` in the file it answers no one: its clients are the
/// addresses of `health_from`, and there are none.
fn health(settings: &Settings, readiness: &Readiness) -> Result<HealthLayer, GatewayError> {
    let (path, from) = match &settings.server.health {
        Some(health) => (health.path.as_str(), health.from.clone()),
        None => ("/", TrustedProxies::none()),
    };
    HealthLayer::builder(path, from, readiness.clone())
        .build()
        .map_err(GatewayError::new)
}

/// Logs settings that contradict each other.
fn warn(
    settings: &Settings,
    address: SocketAddr,
    certificates: &Certificates,
) -> Result<(), GatewayError> {
    let found = settings
        .config
        .check_server(&settings.server, address, certificates)?;
    found.iter().for_each(palisade::shield::Warning::log);
    Ok(())
}
