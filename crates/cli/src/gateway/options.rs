//! The options that say what to serve, and the settings that they stand for.
//!
//! The options are for a first start. All that they cannot express is in the configuration file, which
//! excludes them: two sources for one value would need a rule which of them wins.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use palisade_gateway::{Preset, Settings};

use crate::failure::Failure;

/// What to serve.
#[derive(Args)]
pub(super) struct Options {
    /// Address of the service, such as http://127.0.0.1:5000
    #[arg(
        long,
        value_name = "URL",
        required_unless_present = "config",
        conflicts_with = "config"
    )]
    upstream: Option<String>,
    /// Kind of the service: comfyui, flask-tts, gradio, grpc, jupyter, mcp, ollama, openai, tgi, vllm
    ///
    /// Sets limits, routes, text fields, `Host`, timeouts and scopes; `explain` prints them.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["config", "text"])]
    preset: Option<String>,
    /// Address to listen on [default: 127.0.0.1:8443]
    #[arg(long, value_name = "ADDRESS", conflicts_with = "config")]
    listen: Option<SocketAddr>,
    /// Host that is served, such as voice.example; may be given several times [default: localhost]
    #[arg(long = "host", value_name = "HOST", conflicts_with = "config")]
    hosts: Vec<String>,
    /// Text field to clean, in query, form and JSON body; may be given several times
    #[arg(long = "text", value_name = "FIELD", conflicts_with = "config")]
    text: Vec<String>,
    /// Path that needs no key, such as /health; may be given several times
    #[arg(long = "public", value_name = "PATH", conflicts_with = "config")]
    public: Vec<String>,
    /// Certificate chain, PEM [default: a certificate authority for development]
    #[arg(long, value_name = "FILE", requires = "key", conflicts_with = "config")]
    certificate: Option<PathBuf>,
    /// Private key of the certificate, PEM
    #[arg(
        long,
        value_name = "FILE",
        requires = "certificate",
        conflicts_with = "config"
    )]
    key: Option<PathBuf>,
    /// Folder for keys, authority and audit trail [default: palisade-gateway in the user's data]
    #[arg(long, value_name = "FOLDER", conflicts_with = "config")]
    data: Option<PathBuf>,
    /// Configuration file (TOML) in place of the other options
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Read the configuration file again when it changes, as SIGHUP does
    ///
    /// A file with a mistake changes nothing. The file is looked at once a second.
    #[arg(long, requires = "config", conflicts_with = "check")]
    pub(super) watch: bool,
    /// Refuse nothing: record what would be refused, and print a report at the end
    ///
    /// To roll out on a service in use. The client's own credential is forwarded unchanged. Does not protect
    /// the service.
    #[arg(long)]
    shadow: bool,
    /// Decide for nginx, Caddy, Traefik or Envoy at this loopback address
    ///
    /// Nothing is forwarded: the other proxy asks about each request at /auth/nginx (auth_request),
    /// /auth/forward (forward_auth) or /auth/envoy (ext_authz over HTTP).
    #[arg(long, value_name = "ADDRESS", requires = "config", conflicts_with_all = ["shadow", "check"])]
    pub(super) auth_endpoint: Option<SocketAddr>,
    /// Check everything as a start does, and end without serving
    #[arg(long)]
    pub(super) check: bool,
}

impl Options {
    /// Reads the configuration file, or makes the settings of a first start from the options.
    ///
    /// clap guarantees that one of `--config` and `--upstream` is given. Files are only named here: keys
    /// and the certificate are made when the gateway is prepared.
    ///
    /// # Errors
    ///
    /// The file has a mistake, or an option cannot be used. The error names the remedy.
    pub(super) fn into_settings(self) -> Result<Settings, Failure> {
        let is_shadow = self.shadow;
        let settings = self.enforcing_settings()?;
        Ok(match is_shadow {
            true => settings.dangerously_only_shadow(),
            false => settings,
        })
    }

    /// Makes the settings of a gateway that refuses.
    ///
    /// `--config` excludes the other options, so it is looked at first.
    ///
    /// # Errors
    ///
    /// Fails with the file and the line of a mistake, or with the option that is wrong. The error
    /// for an unknown preset lists the known ones.
    fn enforcing_settings(self) -> Result<Settings, Failure> {
        let upstream = match (self.config, self.upstream) {
            (Some(file), _) => return Ok(Settings::read(file)?),
            (None, upstream) => upstream.unwrap_or_default(),
        };
        let mut start = Settings::quick_start(upstream);
        if let Some(name) = &self.preset {
            start = start.preset(Preset::named(name)?);
        }
        if let Some(address) = self.listen {
            start = start.listen(address);
        }
        if let (Some(chain), Some(key)) = (self.certificate, self.key) {
            start = start.certificate(chain, key);
        }
        if let Some(folder) = self.data {
            start = start.data(folder);
        }
        start = self
            .hosts
            .into_iter()
            .fold(start, |start, host| start.host(host));
        start = self
            .text
            .into_iter()
            .fold(start, |start, field| start.text_field(field));
        start = self
            .public
            .into_iter()
            .fold(start, |start, path| start.public(path));
        Ok(start.settings()?)
    }
}
