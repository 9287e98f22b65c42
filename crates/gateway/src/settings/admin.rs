//! `[admin]`: the socket for commands, and the page for a person.

use std::{net::SocketAddr, path::PathBuf};

use palisade::config::{Config, ConfigFileError};
use serde::Deserialize;
use toml::Spanned;

use crate::problem::Place;

/// The keys of `[admin]`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct AdminSection {
    /// The path of the socket, relative to the folder of the file. Default: there is no admin socket.
    socket: Option<Spanned<String>>,
    /// The address of the status page, and of `/metrics` for a Prometheus on this machine: such as `127.0.0.1:9092`.
    /// Default: there is no page.
    ///
    /// Every user of the machine can read it.
    page: Option<Spanned<String>>,
}

/// Where an operator can ask.
#[derive(Clone, Debug, Default)]
pub(crate) struct Admin {
    /// The path of the admin socket.
    pub(crate) socket: Option<PathBuf>,
    /// The address of the status page.
    pub(crate) page: Option<SocketAddr>,
}

impl Admin {
    /// Reads the section. Relative paths begin at the folder of the file.
    ///
    /// # Errors
    ///
    /// The section has another key, or the page would be open to the network.
    pub(super) fn of(config: &Config) -> Result<Self, ConfigFileError> {
        let section: AdminSection = config.section("admin")?;
        let place = Place::in_file_of(config);
        let page = section.page.map(|page| page_address(&page, place));
        Ok(Self {
            socket: section.socket.map(|socket| config.path(socket.get_ref())),
            page: page.transpose()?,
        })
    }

    /// Returns whether there is a place to ask.
    pub(crate) const fn is_some(&self) -> bool {
        self.socket.is_some() || self.page.is_some()
    }
}

/// Reads the address of the page.
///
/// # Errors
///
/// It is no address with a port, or not one of this machine.
fn page_address(
    written: &Spanned<String>,
    place: Place<'_>,
) -> Result<SocketAddr, ConfigFileError> {
    let remedy = "write an address of this machine, such as \"127.0.0.1:9092\"";
    let address: SocketAddr = written
        .get_ref()
        .parse()
        .map_err(|_| place.invalid_value(written, "this is no address with a port", remedy))?;
    match address.ip().is_loopback() {
        true => Ok(address),
        false => Err(place.invalid_value(
            written,
            "the page has no password and would be open to the network",
            remedy,
        )),
    }
}
