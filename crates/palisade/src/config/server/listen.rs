//! `https` and `http` of `[server]`: addresses, Unix sockets, and sockets of a service manager.

#[cfg(feature = "server")]
use std::path::Path;
use std::{fmt, net::SocketAddr, path::PathBuf};

#[cfg(feature = "server")]
use palisade_transport::server::{Listener, ServerBuildError};
use toml::Spanned;

use crate::config::{Config, ConfigFileError, document::Addresses};

/// What helps if an address cannot be used.
const REMEDY: &str = "write address and port, such as \"0.0.0.0:443\", or \"unix:/run/name/http.sock\", \
                      \"systemd\" or \"systemd:NAME\"";

/// Where a server listens, as `https` and `http` of `[server]` say it.
///
/// Displays as it is written in the file.
///
/// # Examples
///
/// ```
/// use palisade::config::{Config, ListenOn};
///
/// let config = Config::parse("server.https = ['[::]:443', 'unix:/run/notes/https.sock', 'systemd:https']")?;
/// let https = config.server()?.https;
/// assert_eq!(https[0], ListenOn::Address("[::]:443".parse()?));
/// assert_eq!(https[2].to_string(), "systemd:https");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ListenOn {
    /// An IP address and a port.
    Address(SocketAddr),
    /// Sockets that a service manager opened (`LISTEN_FDS` of systemd): those of this name
    /// (`FileDescriptorName=` of the unit), or without a name all that no name takes.
    Inherited(Option<Box<str>>),
    /// A Unix socket.
    Unix {
        /// The path of the socket.
        path: PathBuf,
        /// The permissions of the socket: who may connect. `None`: those that the process gives to
        /// new files, which lets other users of the machine not connect by default.
        mode: Option<u32>,
    },
}

impl ListenOn {
    /// Returns the IP address and the port. `None` for other sockets.
    #[must_use]
    pub const fn as_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Address(address) => Some(*address),
            _ => None,
        }
    }

    /// Returns whether other machines can reach the listener. `true` for a socket of the service
    /// manager, whose address is not in the file.
    #[cfg(feature = "server")]
    pub(in crate::config) fn is_for_the_network(&self) -> bool {
        match self {
            Self::Address(address) => !address.ip().is_loopback(),
            Self::Inherited(_) => true,
            Self::Unix { .. } => false,
        }
    }
}

impl fmt::Display for ListenOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Inherited(None) => f.write_str("systemd"),
            Self::Inherited(Some(name)) => write!(f, "systemd:{name}"),
            Self::Unix { path, .. } => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Opens the sockets of several lists at once, such as those of `https` and of `http`.
///
/// Sockets of a service manager are taken from the process, so this is called once. Each belongs to
/// the list that has its name, or else to the list with `systemd` alone.
///
/// # Errors
///
/// An address cannot be used, the service manager passed no socket for an entry, or it passed one
/// that no entry takes: its clients would wait for ever.
///
/// # Examples
///
/// ```
/// use palisade::config::{Config, open_listeners};
///
/// let settings = Config::parse("server.https = ['127.0.0.1:0', '[::1]:0']")?.server()?;
/// let [https, http] = open_listeners([&settings.https, &settings.http])?;
/// assert_eq!((https.len(), http.len()), (2, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "server")]
pub fn open_listeners<const N: usize>(
    lists: [&[ListenOn]; N],
) -> Result<[Vec<Listener>; N], ServerBuildError> {
    let is_inherited = |on: &ListenOn| matches!(on, ListenOn::Inherited(_));
    let mut inherited = match lists.iter().any(|list| list.iter().any(is_inherited)) {
        true => Listener::inherited_with_names()?,
        false => Vec::new(),
    };
    let mut opened = lists.map(|_| Vec::new());
    // Names first: an entry without a name takes what is left.
    for with_name in [true, false] {
        for (list, opened) in lists.iter().zip(&mut opened) {
            for on in list.iter().filter(|on| is_named(on) == with_name) {
                opened.extend(open(on, &mut inherited)?);
            }
        }
    }
    match inherited.first() {
        None => Ok(opened),
        Some((name, listener)) => Err(ServerBuildError::Inherited(std::io::Error::other(format!(
            "no list takes the socket `{}` ({}); add \"systemd:{0}\"",
            name.as_deref().unwrap_or_default(),
            listener.address()
        )))),
    }
}

/// Returns whether an entry names a socket of the service manager.
#[cfg(feature = "server")]
fn is_named(on: &ListenOn) -> bool {
    matches!(on, ListenOn::Inherited(Some(_)))
}

/// Opens one entry. One of the service manager may be several sockets.
///
/// # Errors
///
/// The address is in use, or the service manager passed no such socket.
#[cfg(feature = "server")]
fn open(
    on: &ListenOn,
    inherited: &mut Vec<(Option<String>, Listener)>,
) -> Result<Vec<Listener>, ServerBuildError> {
    match on {
        ListenOn::Address(address) => Ok(vec![Listener::bind(*address)?]),
        ListenOn::Unix { path, mode } => open_unix(path, *mode).map(|listener| vec![listener]),
        ListenOn::Inherited(name) => {
            let is_wanted =
                |of: &Option<String>| name.is_none() || of.as_deref() == name.as_deref();
            let all = std::mem::take(inherited);
            let (taken, left) = all.into_iter().partition(|(of, _)| is_wanted(of));
            *inherited = left;
            let taken: Vec<(Option<String>, Listener)> = taken;
            if taken.is_empty() {
                let problem = format!("the service manager passed no socket for \"{on}\"");
                return Err(ServerBuildError::Inherited(std::io::Error::other(problem)));
            }
            Ok(taken.into_iter().map(|(_, listener)| listener).collect())
        }
    }
}

#[cfg(all(feature = "server", unix))]
fn open_unix(path: &Path, mode: Option<u32>) -> Result<Listener, ServerBuildError> {
    match mode {
        Some(mode) => Listener::bind_unix_with_mode(path, mode),
        None => Listener::bind_unix(path),
    }
}

#[cfg(all(feature = "server", not(unix)))]
fn open_unix(_: &Path, _: Option<u32>) -> Result<Listener, ServerBuildError> {
    let problem = std::io::Error::from(std::io::ErrorKind::Unsupported);
    Err(ServerBuildError::Listen(problem))
}

impl Config {
    /// Reads one address or a list. Default: none.
    ///
    /// # Errors
    ///
    /// An entry is neither an address nor a socket.
    pub(in crate::config) fn listen_on(
        &self,
        written: Option<&Spanned<Addresses>>,
    ) -> Result<Vec<ListenOn>, ConfigFileError> {
        let Some(written) = written else {
            return Ok(Vec::new());
        };
        let mode = self.unix_mode()?;
        let all: &[String] = match written.get_ref() {
            Addresses::One(one) => std::slice::from_ref(one),
            Addresses::Several(all) => all,
        };
        if all.is_empty() {
            return Err(self.source.at(written, "the list has no address", REMEDY));
        }
        let parse = |one: &String| {
            let parsed = self.one_listener(one, mode);
            parsed.map_err(|problem| self.source.at(written, problem, REMEDY))
        };
        all.iter().map(parse).collect()
    }

    /// Parses one entry. A host name is not accepted.
    ///
    /// # Errors
    ///
    /// What is wrong with the entry, for people.
    fn one_listener(&self, written: &str, mode: Option<u32>) -> Result<ListenOn, String> {
        match written.split_once(':') {
            None if written == "systemd" => Ok(ListenOn::Inherited(None)),
            Some(("systemd" | "unix", "")) => {
                Err(format!("nothing follows the colon of `{written}`"))
            }
            Some(("systemd", name)) => Ok(ListenOn::Inherited(Some(name.into()))),
            Some(("unix", path)) => Ok(ListenOn::Unix {
                path: self.path(path),
                mode,
            }),
            _ => {
                let address = written.parse::<SocketAddr>().map(ListenOn::Address);
                address.map_err(|problem| format!("`{written}`: {problem}"))
            }
        }
    }

    /// Reads `unix_mode`: octal digits, as of `chmod`.
    ///
    /// # Errors
    ///
    /// It has other characters than octal digits, or is above 0777.
    fn unix_mode(&self) -> Result<Option<u32>, ConfigFileError> {
        let Some(written) = &self.document.server.unix_mode else {
            return Ok(None);
        };
        let mode = u32::from_str_radix(written.get_ref(), 8).ok();
        let mode = mode.filter(|mode| *mode <= 0o777);
        mode.map(Some).ok_or_else(|| {
            let remedy = "write octal digits, such as \"0660\" for the owner and its group";
            self.source.at(written, "these are no permissions", remedy)
        })
    }
}
