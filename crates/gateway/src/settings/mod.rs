//! What the gateway does: from a configuration file, or from a few values.

mod quick_start;
mod admin;
mod toml_writer;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use palisade::config::{CertificateSource, Config, ListenOn, ServerSettings};

use self::admin::Admin;
pub use self::quick_start::QuickStart;
use crate::{
    budget::BudgetPolicy,
    error::{GatewayError, GatewayErrorKind},
    first_start::DataFolder,
    mcp::McpRules,
    upstream::Upstreams,
};

/// Where a gateway listens without a file: for this machine alone.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8443);
/// The sections that the configuration of a gateway has besides those of Palisade.
const SECTIONS: [&str; 9] = [
    "upstreams",
    "budgets",
    "prices",
    "speech",
    "transcriptions",
    "model_rules",
    "metering",
    "mcp",
    "admin",
];
/// What cannot change while the gateway runs, besides the keys of Palisade.
const FIXED: [&[&str]; 3] = [
    &["admin"],
    &["metering", "file"],
    &["server", "acme_webroot"],
];

/// The settings of a [`Gateway`](crate::Gateway): from a file by [`read`](Self::read), or from a few
/// values by [`quick_start`](Self::quick_start).
///
/// Both end in the same TOML configuration, so both mean the same and fail in the same words.
///
/// # Examples
///
/// A file with one upstream, whose speech route needs a key with a scope:
///
/// ```
/// use palisade_gateway::Settings;
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("gateway.toml");
/// # let text = r#"
/// [server]
/// hosts = ["voice.example"]
///
/// [[routes]]
/// path = "/tts"
/// access = ["tts:speak"]
///
/// [[upstreams]]
/// url = "http://127.0.0.1:5000"
/// # "#;
/// # std::fs::write(&path, text).unwrap();
/// let settings = Settings::read(path)?;
/// # drop(settings); Ok::<(), palisade_gateway::GatewayError>(())
/// ```
///
/// A mistake is told with its line, its key and a remedy:
///
/// ```
/// use palisade_gateway::Settings;
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("gateway.toml");
/// std::fs::write(&path, "[server]\nhost = ['voice.example']")?;
/// let error = Settings::read(&path).unwrap_err().to_string();
/// assert!(error.contains("gateway.toml:2") && error.contains("hosts"), "{error}");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Settings {
    /// The whole file.
    pub(crate) config: Config,
    /// `[server]`, with checked values.
    pub(crate) server: ServerSettings,
    /// The servers of `[[upstreams]]`, with checked values.
    pub(crate) upstreams: Upstreams,
    /// The admin socket and the status page.
    pub(crate) admin: Admin,
    /// Budgets and rules of models, if the file has any.
    pub(crate) budgets: Option<BudgetPolicy>,
    /// Which methods and tools of MCP servers may be used.
    pub(crate) mcp: McpRules,
    /// The folder of a quick start; a file names its own.
    pub(crate) data: Option<DataFolder>,
    /// The folder for the development authority.
    pub(crate) authority: PathBuf,
    /// Whether the gateway only records what it would refuse.
    pub(crate) only_shadow: bool,
    /// The scopes of the key that a first start mints.
    pub(crate) first_scopes: &'static [&'static str],
    /// A path with which the first key can be tried.
    pub(crate) first_path: &'static str,
    /// Where the settings came from, for a reload.
    origin: Origin,
}

/// Where settings came from.
#[derive(Debug)]
enum Origin {
    File(PathBuf),
    /// The file that says the same.
    QuickStart(String),
}

impl Settings {
    /// Reads a configuration file: the sections of [`palisade::config`] and `[[upstreams]]`.
    ///
    /// Without `https` and `http` in `[server]`, the gateway listens with TLS on `127.0.0.1:8443`.
    /// With `http` alone it has no TLS, as behind a proxy that ends it. At least one route must be
    /// there: a request without a rule gets status 404. Without `certificate` and `[server.acme]`, a
    /// development authority is kept in the folder `tls` beside the file.
    ///
    /// Reading opens no other file and no socket.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or something in it means nothing. The error names file, line, key
    /// and remedy. A public address without a certificate is refused, and `http` alone if every
    /// request without TLS is refused (see `Config::server_or`).
    pub fn read(path: impl AsRef<Path>) -> Result<Self, GatewayError> {
        let path = path.as_ref();
        let config = Config::read_with(path, &SECTIONS)?;
        if !config.has(&["routes"]) {
            let problem = "no route is named, so every request would be refused";
            let remedy =
                "add `[[routes]]` with `path = \"/{*path}\"` and `access = \"authenticated\"`";
            return Err(config.key_error("routes", "path", problem, remedy).into());
        }
        let authority = config.path("tls");
        Self::new(config, None, authority, Origin::File(path.to_owned()))
    }

    /// Returns whether there is a status page: `page` of `[admin]`.
    #[must_use]
    pub const fn has_status_page(&self) -> bool {
        self.admin.page.is_some()
    }

    /// Returns the settings for one upstream, to be changed one by one.
    ///
    /// `upstream` is `http://HOST:PORT`. It is checked by [`QuickStart::settings`].
    pub fn quick_start(upstream: impl Into<String>) -> QuickStart {
        QuickStart::new(upstream.into())
    }

    /// Checks what a configuration needs to be that of a gateway.
    ///
    /// # Errors
    ///
    /// Something is missing or contradicts another setting. The error names line, key and remedy.
    fn new(
        config: Config,
        data: Option<DataFolder>,
        authority: PathBuf,
        origin: Origin,
    ) -> Result<Self, GatewayError> {
        if config.has(&["session"]) {
            let problem = "the gateway has no page that signs in, so no session would be opened";
            let remedy = "remove the section; [cross_origin] protects the cookies of the upstream";
            let key = "lifetime_minutes";
            return Err(config.key_error("session", key, problem, remedy).into());
        }
        let server = config.server_or(LISTEN, None)?;
        for address in server.https.iter().filter_map(ListenOn::as_address) {
            refuse_public_development(&server, address)?;
        }
        let authority = config.development_authority().unwrap_or(authority);
        Ok(Self {
            upstreams: Upstreams::of(&config)?,
            admin: Admin::of(&config)?,
            budgets: BudgetPolicy::from_config(&config)?,
            mcp: McpRules::from_config(&config)?,
            server,
            data,
            authority,
            only_shadow: false,
            first_scopes: &[],
            first_path: "/",
            origin,
            config,
        })
    }

    /// Records what the gateway would refuse, and forwards it. Default: off. Use it only while rolling
    /// out on a service in use.
    ///
    /// Hosts, limits, keys, rules, text fields and ambiguous paths are decided and recorded. What the
    /// client sent is forwarded unchanged, its credential included, so that the service works as before.
    /// [`Gateway::shadow_report`](crate::Gateway::shadow_report) says what would have been refused.
    #[must_use]
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.config = self.config.dangerously_only_shadow();
        self.only_shadow = true;
        self
    }

    /// Returns whether nothing is refused.
    #[must_use]
    pub const fn is_only_shadow(&self) -> bool {
        self.only_shadow
    }

    /// Returns the configuration file that says the same as a quick start. `None` if there is a file.
    #[must_use]
    pub fn as_file(&self) -> Option<&str> {
        match &self.origin {
            Origin::File(_) => None,
            Origin::QuickStart(text) => Some(text),
        }
    }

    /// Reads the same file again.
    ///
    /// # Errors
    ///
    /// As that of the first reading.
    pub(crate) fn read_again(&self) -> Result<Self, GatewayError> {
        let Origin::File(path) = &self.origin else {
            return Err(
                GatewayError::new("there is no configuration file to read again")
                    .with_kind(GatewayErrorKind::Configuration)
                    .with_remedy("start the gateway with `--config FILE`"),
            );
        };
        let new = Self::read(path)?;
        let new = match self.only_shadow {
            true => new.dangerously_only_shadow(),
            false => new,
        };
        new.config.refuse_changes(&self.config, &FIXED)?;
        Ok(new)
    }

    /// Returns the path of the admin socket. `None` without `socket` of `[admin]`.
    #[must_use]
    pub fn admin_socket(&self) -> Option<&Path> {
        self.admin.socket.as_deref()
    }

    /// Returns the address for clients, by the first host that is served. `port` is that of the
    /// listener for clients.
    ///
    /// Without TLS it is the address of the proxy that ends TLS, unless every client is served.
    pub(crate) fn address_for_clients(&self, port: u16) -> String {
        let is_proxied = !self.has_tls() && !self.server.dangerously_accept_plain_http;
        let (scheme, default) = match self.has_tls() || is_proxied {
            true => ("https", 443),
            false => ("http", 80),
        };
        let first = self.config.hosts().next().unwrap_or_default();
        match first.strip_suffix(":*") {
            Some(name) if is_proxied || port == default => format!("{scheme}://{name}"),
            Some(name) => format!("{scheme}://{name}:{port}"),
            None => format!("{scheme}://{first}"),
        }
    }

    /// Returns whether anything listens with TLS. `false` if the file names `http` alone.
    pub(crate) fn has_tls(&self) -> bool {
        !self.server.https.is_empty()
    }
}

/// Refuses a public address of a gateway whose certificate no client trusts.
///
/// # Errors
///
/// The address is public, and the certificate is the one for development.
pub(crate) fn refuse_public_development(
    server: &ServerSettings,
    address: SocketAddr,
) -> Result<(), GatewayError> {
    let development = server.certificate == CertificateSource::Development;
    if !development || address.ip().is_loopback() {
        return Ok(());
    }
    Err(GatewayError::new(format_args!(
        "{address} is open to the network, and there is no certificate that clients trust"
    ))
    .with_kind(GatewayErrorKind::Configuration)
    .with_remedy(
        "name one (`--certificate` and `--key`, or `certificate` and `key` of `[server]`), \
         let an authority issue it (`[server.acme]`), or listen on 127.0.0.1",
    ))
}
