//! The choices of an authority: for which hosts it signs, and by which clock.

use std::{path::PathBuf, sync::Arc};

use palisade_core::{SharedClock, SystemClock};
use rcgen::Issuer;

use super::{
    DevAuthority, Inner,
    authority::{open_or_create_ca, open_or_create_key},
};
use crate::tls::{error::CertificateError, folders};

/// Configures a [`DevAuthority`]. Made by [`DevAuthority::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`hosts`](Self::hosts) | `localhost`, `127.0.0.1` and `::1` alone |
/// | [`clock`](Self::clock) | the system clock |
///
/// # Examples
///
/// ```
/// use palisade_transport::server::DevAuthority;
///
/// let folder = tempfile::tempdir()?;
/// let authority = DevAuthority::builder(folder.path())
///     .hosts(["voice.example", "*.voice.example", "10.0.0.5"])
///     .open_or_create()?;
/// assert!(authority.certificates()?.covers("a.voice.example"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct DevAuthorityBuilder {
    folder: PathBuf,
    clock: SharedClock,
    /// The hosts and addresses of the server certificate, without ports, once each.
    names: Vec<String>,
}

impl DevAuthorityBuilder {
    pub(super) fn new(folder: PathBuf) -> Self {
        let of_this_machine = ["localhost", "127.0.0.1", "::1"];
        Self {
            folder,
            clock: SystemClock::shared(),
            names: of_this_machine.map(str::to_owned).to_vec(),
        }
    }

    /// Signs for more hosts: `voice.example`, `*.voice.example` or `10.0.0.5`; a port is ignored.
    /// Default: for this machine alone. Calls add up.
    ///
    /// An authority in the folder that may not sign for one of them is created again with the same
    /// key. Clients then have to trust it again, and a warning is logged.
    pub fn hosts<H: AsRef<str>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        for host in hosts {
            let name = name_of(host.as_ref());
            if !self.names.contains(&name) {
                self.names.push(name);
            }
        }
        self
    }

    /// Sets the clock by which certificates are issued and renewed. Default: the system clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Opens the authority, and creates folder and authority if they do not exist.
    ///
    /// An expired authority is created again with the same key.
    ///
    /// # Errors
    ///
    /// The folder cannot be written, a file has other contents, others can read the key, or a host
    /// is not valid.
    ///
    /// ```
    /// use palisade_transport::server::DevAuthority;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("a-file");
    /// std::fs::write(&file, "not a folder")?;
    /// assert!(DevAuthority::builder(&file).open_or_create().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_or_create(self) -> Result<DevAuthority, CertificateError> {
        folders::make_folder(&self.folder)?;
        let key = open_or_create_key(&self.folder.join("ca.key"))?;
        let now = self.clock.unix_time();
        let path = self.folder.join("ca.pem");
        let certificate = open_or_create_ca(&path, &key, &self.names, now)?;
        let issuer = Issuer::from_ca_cert_der(&certificate, key)
            .map_err(|error| CertificateError::make(&error))?;
        Ok(DevAuthority {
            inner: Arc::new(Inner {
                folder: self.folder,
                clock: self.clock,
                certificate,
                issuer,
                names: self.names,
            }),
        })
    }
}

/// The name of a host without its port and brackets, in lower case.
fn name_of(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => name,
        _ => &host,
    };
    name.trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned()
}
