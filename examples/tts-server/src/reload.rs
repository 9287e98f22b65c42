//! A new configuration for a server that runs: all of it, or nothing.

use axum::Router;
use palisade::config::Running;
use palisade::core::SharedClock;
use palisade::server::{Certificates, ClientAuth, Reloadable};
use palisade::shield::Protected;
use tokio::sync::Mutex;

use crate::{
    error::StartError, first_start::DataFolder, settings::Settings, shield, state::App, tls::Tls,
};

/// Takes a new configuration while the server runs: rules, limits, keys, hosts, certificates.
///
/// Everything new is made first. Only when all of it is there, it replaces what runs; otherwise
/// everything stays as it was. The state of the limits and the audit trail are taken over.
#[derive(Debug)]
pub struct Reloader {
    pub(crate) settings: Mutex<Settings>,
    pub(crate) app: App,
    pub(crate) data: DataFolder,
    pub(crate) clock: SharedClock,
    /// Where redirects lead.
    pub(crate) https_port: u16,
    pub(crate) running: Running,
    /// `None` if nothing listens with TLS.
    pub(crate) certificates: Option<Certificates>,
    /// Its files change with a reload, the section with a restart alone.
    pub(crate) client_auth: Option<ClientAuth>,
    /// Whether an authority issues the certificates. Its settings change with a restart alone.
    pub(crate) is_ordered: bool,
    pub(crate) service: Reloadable<Protected<Router>>,
}

impl Reloader {
    /// Reads the configuration file, the keys and the certificate again, and serves by them from now
    /// on. Returns the keys of the file whose values differ.
    ///
    /// # Errors
    ///
    /// Something cannot be used, or cannot change while the server runs. Everything is as it was.
    pub async fn reload(&self) -> Result<Vec<String>, StartError> {
        let reloaded = self.replace().await;
        self.running.record_reload(&reloaded);
        reloaded
    }

    async fn replace(&self) -> Result<Vec<String>, StartError> {
        let mut settings = self.settings.lock().await;
        let new = settings.read_again(&self.data)?;
        let app = App {
            max_graphemes: new.max_graphemes(),
            ..self.app.clone()
        };
        let (data, clock, port) = (&self.data, &self.clock, self.https_port);
        let protected = shield::protect(app, &new, data, clock, port, &self.running)?;
        let tls = match self.is_ordered {
            true => None,
            false => Tls::open(&new, data, clock)?,
        };
        let client_auth = new.config.open_client_auth(clock)?;
        // From here on nothing can fail.
        if let Some(rotation) = protected.key_rotation {
            rotation.apply();
        }
        if let (Some(running), Some(new)) = (&self.certificates, &tls) {
            running.replace(&new.certificates);
        }
        if let (Some(running), Some(new)) = (&self.client_auth, &client_auth) {
            running.replace(new);
        }
        self.service.replace(protected.app.into_inner());
        let changes = new.config.changes(&settings.config);
        *settings = new;
        Ok(changes)
    }
}
