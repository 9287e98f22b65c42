//! The settings of a first start, from a few values.

use std::{net::SocketAddr, path::PathBuf};

use palisade::config::Config;

use super::{LISTEN, Origin, SECTIONS, Settings, toml_writer::Toml};
use crate::{
    error::GatewayError,
    first_start::{DataFolder, create_audit_key, create_key_files},
    presets::Preset,
};

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
    /// Where requests are forwarded.
    upstream: String,
    /// Where clients connect. Default: this machine alone.
    listen: SocketAddr,
    /// The hosts that are served. Empty: the names of this machine, with any port.
    hosts: Vec<String>,
    /// The fields of text that are cleaned. Empty: none.
    text_fields: Vec<String>,
    /// The paths without a key. Empty: all requests need one.
    public: Vec<String>,
    /// The certificate and its key. `None`: a certificate for development, which public clients do
    /// not trust.
    certificate: Option<(PathBuf, PathBuf)>,
    /// The rules for a known model server. `None`: one rule for all paths.
    preset: Option<Preset>,
    /// The folder for the keys and the trail. `None`: the default one.
    data: Option<PathBuf>,
}

impl QuickStart {
    /// Begins with the defaults.
    pub(super) fn new(upstream: String) -> Self {
        Self {
            upstream,
            listen: LISTEN,
            hosts: Vec::new(),
            text_fields: Vec::new(),
            public: Vec::new(),
            certificate: None,
            preset: None,
            data: None,
        }
    }

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

    /// Takes limits, routes, text fields and the needs of the upstream from a preset. Default: every
    /// path with any key.
    ///
    /// Fields of [`text_field`](Self::text_field) have no effect then: the preset names its own.
    pub fn preset(self, preset: Preset) -> Self {
        let preset = Some(preset);
        Self { preset, ..self }
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
    ///
    /// The data folder cannot be used, or a value cannot; a public address without a certificate.
    pub fn settings(self) -> Result<Settings, GatewayError> {
        let data = DataFolder::open(self.data.as_deref())?;
        create_key_files(&data.file_path("keys.toml"), &data.file_path("pepper"))?;
        create_audit_key(&data.file_path("audit.key"))?;
        data.create_subfolder("audit")?;
        let text = self.to_toml(&data);
        let config = Config::parse_with(&text, &SECTIONS)?;
        let authority = data.file_path("tls");
        let origin = Origin::QuickStart(text);
        let settings = Settings::new(config, Some(data), authority, origin)?;
        Ok(Settings {
            first_scopes: self.preset.map_or(&[], |preset| preset.scopes()),
            first_path: self.preset.map_or("/", |preset| preset.first_path()),
            ..settings
        })
    }

    /// Writes the configuration file that says the same.
    fn to_toml(&self, data: &DataFolder) -> String {
        let mut toml = Toml::default();
        toml.begin_section("[server]");
        match self.hosts.as_slice() {
            [] => toml.write_list("hosts", &["localhost:*", "127.0.0.1:*", "[::1]:*"]),
            hosts => toml.write_list("hosts", hosts),
        }
        toml.write_text("https", &self.listen.to_string());
        if let Some((chain, key)) = &self.certificate {
            toml.write_path("certificate", chain);
            toml.write_path("key", key);
        } else {
            toml.write_path("development_authority", &data.file_path("tls"));
        }
        toml.begin_section("[keys]");
        toml.write_path("file", &data.file_path("keys.toml"));
        toml.write_path("pepper", &data.file_path("pepper"));
        toml.begin_section("[audit]");
        toml.write_path("file", &data.file_path("audit").join("audit.jsonl"));
        toml.write_path("seal_key", &data.file_path("audit.key"));
        match self.preset {
            Some(preset) => {
                self.open(&mut toml, &[]);
                toml.add_toml(&preset.to_toml(&self.upstream));
            }
            None => self.every_path(&mut toml),
        }
        toml.finish()
    }

    /// Writes limits and routes for a service that nothing is known about.
    fn every_path(&self, toml: &mut Toml) {
        toml.write_limit("client", "60/minute", "client");
        toml.write_limit("key", "10/minute", "principal");
        toml.write_route("/", "authenticated", &self.text_fields);
        toml.write_route("/{*path}", "authenticated", &self.text_fields);
        self.open(toml, &self.text_fields);
        toml.begin_section("[[upstreams]]");
        toml.write_text("url", &self.upstream);
    }

    /// Writes the routes that need no key.
    fn open(&self, toml: &mut Toml, text: &[String]) {
        for path in &self.public {
            toml.write_route(path, "public", text);
        }
    }
}
