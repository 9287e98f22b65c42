//! What the gateway does: from a configuration file, or from a few values.

use std::{
    fmt::{self, Write as _},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use palisade::config::{CertificateSource, Config, ServerSettings};

use crate::{
    error::GatewayError,
    first_start::{DataFolder, create_audit_key, create_key_files},
    upstream::Upstreams,
};

/// Where a gateway listens without a file: for this machine alone.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8443);
/// The section that the configuration of a gateway has besides those of Palisade.
const SECTIONS: [&str; 1] = ["upstreams"];
/// What cannot change while the gateway runs: sockets, and what is open.
const FIXED: [&[&str]; 11] = [
    &["audit"],
    &["client", "proxies"],
    &["redis"],
    &["server", "acme"],
    &["server", "drain_seconds"],
    &["server", "health"],
    &["server", "health_from"],
    &["server", "http"],
    &["server", "https"],
    &["server", "limits"],
    &["server", "proxy_protocol"],
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
#[derive(Debug)]
pub struct Settings {
    pub(crate) config: Config,
    /// `[server]`, with checked values.
    pub(crate) server: ServerSettings,
    pub(crate) upstreams: Upstreams,
    /// The address of the TLS listener.
    pub(crate) https: SocketAddr,
    /// The folder of a quick start; a file names its own.
    pub(crate) data: Option<DataFolder>,
    /// The folder for the development authority.
    pub(crate) authority: PathBuf,
    /// Where the settings came from, for a reload.
    origin: Origin,
}

/// Where settings came from.
#[derive(Debug)]
enum Origin {
    File(PathBuf),
    QuickStart,
}

impl Settings {
    /// Reads a configuration file: the sections of [`palisade::config`] and `[[upstreams]]`.
    ///
    /// `https` of `[server]` is by default `127.0.0.1:8443`. At least one route must be there: a
    /// request without a rule gets status 404. Without `certificate` and `[server.acme]`, a
    /// development authority is kept in the folder `tls` beside the file.
    ///
    /// Reading opens no other file and no socket.
    ///
    /// # Errors
    /// The file cannot be read, or something in it means nothing. The error names file, line, key
    /// and remedy. A public address without a certificate is refused.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, GatewayError> {
        let path = path.as_ref();
        let config = Config::read_with(path, &SECTIONS)?;
        if !config.has(&["routes"]) {
            let problem = "no route is named, so every request would be refused";
            let remedy =
                "add `[[routes]]` with `path = \"/{*path}\"` and `access = \"authenticated\"`";
            return Err(config.complain("routes", "path", problem, remedy).into());
        }
        let authority = config.path("tls");
        Self::new(config, None, authority, Origin::File(path.to_owned()))
    }

    /// Returns the settings for one upstream, to be changed one by one.
    ///
    /// `upstream` is `http://HOST:PORT`. It is checked by [`QuickStart::settings`].
    pub fn quick_start(upstream: impl Into<String>) -> QuickStart {
        QuickStart {
            upstream: upstream.into(),
            listen: LISTEN,
            hosts: Vec::new(),
            text_fields: Vec::new(),
            public: Vec::new(),
            certificate: None,
            data: None,
        }
    }

    /// Checks what a configuration needs to be that of a gateway.
    fn new(
        config: Config,
        data: Option<DataFolder>,
        authority: PathBuf,
        origin: Origin,
    ) -> Result<Self, GatewayError> {
        let server = config.server()?;
        let https = server.https.unwrap_or(LISTEN);
        let development = server.certificate == CertificateSource::Development;
        if development && !https.ip().is_loopback() {
            return Err(GatewayError::new(format_args!(
                "{https} is open to the network, and there is no certificate that clients trust"
            ))
            .remedy(
                "name one (`--certificate` and `--key`, or `certificate` and `key` of `[server]`), \
                 let an authority issue it (`[server.acme]`), or listen on 127.0.0.1",
            ));
        }
        Ok(Self {
            upstreams: Upstreams::of(&config)?,
            server,
            https,
            data,
            authority,
            origin,
            config,
        })
    }

    /// Reads the same file again.
    pub(crate) fn read_again(&self) -> Result<Self, GatewayError> {
        let Origin::File(path) = &self.origin else {
            return Err(
                GatewayError::new("there is no configuration file to read again")
                    .remedy("start the gateway with `--config FILE`"),
            );
        };
        let new = Self::read(path)?;
        new.config.refuse_changes(&self.config, &FIXED)?;
        Ok(new)
    }

    /// Returns the address for clients, by the first host that is served.
    pub(crate) fn address(&self, port: u16) -> String {
        let first = self.config.hosts().next().unwrap_or_default();
        match (first.strip_suffix(":*"), port) {
            (Some(name), 443) => format!("https://{name}"),
            (Some(name), _) => format!("https://{name}:{port}"),
            (None, _) => format!("https://{first}"),
        }
    }
}

/// The settings of `palisade gateway` without a file. Made by [`Settings::quick_start`].
///
/// All routes need a key. An address may send 60 requests a minute, a key 10. Every request is
/// recorded. Keys, authority and trail are in the data folder:
///
/// | file | holds |
/// |---|---|
/// | `keys.toml`, `pepper` | digests of the keys, and the secret that they are made with |
/// | `audit/audit.jsonl`, `audit.key` | the trail, and the key of its chain |
/// | `tls/` | the development authority; clients trust `ca.pem` |
/// | `first-key` | the first key, where standard output was no terminal |
///
/// # Examples
///
/// ```
/// use palisade_gateway::Settings;
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let data = folder.path().join("data");
/// let settings = Settings::quick_start("http://127.0.0.1:5000")
///     .text_field("text")
///     .public("/health")
///     .data(data)
///     .settings()?;
/// # drop(settings);
///
/// // Clients of a public address need a certificate that they trust.
/// let public = Settings::quick_start("http://127.0.0.1:5000").listen(([0, 0, 0, 0], 443).into());
/// # let public = public.data(folder.path().join("other"));
/// assert!(public.settings().unwrap_err().to_string().contains("--certificate"));
/// # Ok::<(), palisade_gateway::GatewayError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct QuickStart {
    upstream: String,
    listen: SocketAddr,
    hosts: Vec<String>,
    text_fields: Vec<String>,
    public: Vec<String>,
    certificate: Option<(PathBuf, PathBuf)>,
    data: Option<PathBuf>,
}

impl QuickStart {
    /// Listens on another address. Default: `127.0.0.1:8443`. A public one needs a certificate.
    pub fn listen(self, address: SocketAddr) -> Self {
        Self {
            listen: address,
            ..self
        }
    }

    /// Serves a host, such as `voice.example`. Default: `localhost`, `127.0.0.1` and `[::1]`, with
    /// any port.
    ///
    /// Requests for other hosts get status 421, so a page elsewhere cannot reach the gateway under a
    /// name of its own (DNS rebinding). A host without a port means port 443; `voice.example:*` means
    /// any.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Cleans a text field of query, form and JSON body, on every path where it is. Default: none.
    ///
    /// A body of another type, such as a file, is then refused with status 415.
    pub fn text_field(mut self, name: impl Into<String>) -> Self {
        // The question mark makes it optional: other paths may have no such field.
        let name = name.into();
        self.text_fields
            .push(format!("{}?", name.trim_end_matches('?')));
        self
    }

    /// Opens a path to requests without a key. Default: none.
    ///
    /// A template such as `/assets/{*path}` opens everything below. The limits stay.
    pub fn public(mut self, path: impl Into<String>) -> Self {
        self.public.push(path.into());
        self
    }

    /// Uses a certificate chain and its key, both PEM. Default: a development authority.
    ///
    /// Both files are read again when they change, so a renewal needs no restart.
    pub fn certificate(self, chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        let certificate = Some((chain.into(), key.into()));
        Self {
            certificate,
            ..self
        }
    }

    /// Keeps everything in another folder, which is created with mode 0700. Default: see
    /// [`DataFolder::open`].
    pub fn data(self, folder: impl Into<PathBuf>) -> Self {
        let data = Some(folder.into());
        Self { data, ..self }
    }

    /// Creates what the first start needs, and checks the values.
    ///
    /// # Errors
    /// The data folder cannot be used, or a value cannot; a public address without a certificate.
    pub fn settings(self) -> Result<Settings, GatewayError> {
        let data = DataFolder::open(self.data.as_deref())?;
        create_key_files(&data.file("keys.toml"), &data.file("pepper"))?;
        create_audit_key(&data.file("audit.key"))?;
        data.folder("audit")?;
        let config = Config::parse_with(&self.to_toml(&data), &SECTIONS)?;
        let authority = data.file("tls");
        Settings::new(config, Some(data), authority, Origin::QuickStart)
    }

    /// Writes the configuration file that says the same.
    fn to_toml(&self, data: &DataFolder) -> String {
        let mut toml = Toml::default();
        toml.section("[server]");
        match self.hosts.as_slice() {
            [] => toml.list("hosts", &["localhost:*", "127.0.0.1:*", "[::1]:*"]),
            hosts => toml.list("hosts", hosts),
        }
        toml.text("https", &self.listen.to_string());
        if let Some((chain, key)) = &self.certificate {
            toml.path("certificate", chain);
            toml.path("key", key);
        }
        toml.section("[keys]");
        toml.path("file", &data.file("keys.toml"));
        toml.path("pepper", &data.file("pepper"));
        toml.section("[audit]");
        toml.path("file", &data.file("audit").join("audit.jsonl"));
        toml.path("seal_key", &data.file("audit.key"));
        toml.limit("client", "60/minute", "client");
        toml.limit("key", "10/minute", "principal");
        toml.route("/", "authenticated", &self.text_fields);
        toml.route("/{*path}", "authenticated", &self.text_fields);
        for path in &self.public {
            toml.route(path, "public", &self.text_fields);
        }
        toml.section("[[upstreams]]");
        toml.text("url", &self.upstream);
        toml.0
    }
}

/// Writes TOML. Every value is quoted by the library that reads it.
#[derive(Default)]
struct Toml(String);

impl Toml {
    /// Begins a section.
    fn section(&mut self, header: &str) {
        self.line(format_args!("{header}"));
    }

    /// Writes a string.
    fn text(&mut self, key: &str, value: &str) {
        let value = toml::Value::from(value);
        self.line(format_args!("{key} = {value}"));
    }

    fn path(&mut self, key: &str, path: &Path) {
        self.text(key, &path.to_string_lossy());
    }

    /// Writes an array of strings.
    fn list<S: AsRef<str>>(&mut self, key: &str, values: &[S]) {
        let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
        let values = toml::Value::from(values);
        self.line(format_args!("{key} = {values}"));
    }

    /// Writes a limit that counts on all routes.
    fn limit(&mut self, name: &str, rate: &str, by: &str) {
        self.section("[[limits]]");
        self.text("name", name);
        self.text("rate", rate);
        self.text("by", by);
    }

    /// Writes a rule for every method of a path.
    fn route(&mut self, path: &str, access: &str, text: &[String]) {
        self.section("[[routes]]");
        self.text("path", path);
        self.text("access", access);
        if !text.is_empty() {
            self.list("text", text);
            self.text("body", "json-or-form");
        }
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        let _ = writeln!(self.0, "{line}"); // Writing to a string cannot fail.
    }
}
