//! What an operator sees at the start: the address, the fingerprint, and at the first start the key.
//!
//! A first start in a terminal prints:
//!
//! ```text
//! The gateway is ready.
//!
//!   Address    https://localhost:8443/
//!   Upstream   http://127.0.0.1:5000
//!   Data       /home/ann/.local/share/palisade-gateway
//!   Authority  /home/ann/.local/share/palisade-gateway/tls/ca.pem
//!              SHA-256 5d:0c:…
//!   API key    psk_live_…
//!              Shown this once.
//!
//! Try it:
//!   curl --cacert '/home/ann/…/ca.pem' -H 'X-API-Key: psk_live_…' https://localhost:8443/
//! ```
//!
//! Later starts print neither key nor command: the gateway stores only a digest of the key.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use palisade::{api_key::MintedKey, server::DevAuthority};
use palisade_internal::private_file;

use crate::error::GatewayError;

/// The file for the first key where standard output is no terminal.
const KEY_FILE: &str = "first-key";

/// What is printed when the gateway is ready. Its `Display` is the text.
///
/// `Debug` shows the address only, so a log of it holds no key.
pub(crate) struct Greeting {
    /// The address for clients, with the port that was bound: `https://localhost:8443`.
    pub(crate) address: String,
    /// A path with which the first key can be tried.
    pub(crate) first_path: &'static str,
    /// The listener without TLS and who is served, if nothing listens with TLS.
    pub(crate) without_tls: Option<String>,
    /// The addresses of the upstreams, in the order of the file.
    pub(crate) upstreams: Vec<String>,
    /// The development authority. `None` with a certificate of the operator.
    pub(crate) authority: Option<Authority>,
    /// The names of a certificate that was ordered and is not there yet.
    pub(crate) ordered: Option<Vec<String>>,
    /// The key that this start made.
    pub(crate) key: Option<MintedKey>,
    /// The folder for a key that is not printed.
    pub(crate) data: Option<PathBuf>,
    /// The file that holds the key in place of the greeting.
    pub(crate) key_file: Option<PathBuf>,
}

/// The development authority that clients must trust.
pub(crate) struct Authority {
    /// The certificate of the authority, for `curl --cacert` or the store of a browser.
    pub(crate) certificate: PathBuf,
    /// Its SHA-256 fingerprint, to compare with what a browser shows before it is trusted.
    pub(crate) fingerprint: String,
}

impl From<&DevAuthority> for Authority {
    fn from(authority: &DevAuthority) -> Self {
        Self {
            certificate: authority.certificate_path(),
            fingerprint: authority.fingerprint().to_string(),
        }
    }
}

impl fmt::Display for Greeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The gateway is ready.\n")?;
        writeln!(f, "  Address    {}/", self.address)?;
        if let Some(listener) = &self.without_tls {
            writeln!(f, "  Listens    {listener}")?;
        }
        for upstream in &self.upstreams {
            writeln!(f, "  Upstream   {upstream}")?;
        }
        if let Some(data) = &self.data {
            writeln!(f, "  Data       {}", data.display())?;
        }
        if let Some(authority) = &self.authority {
            writeln!(f, "  Authority  {}", authority.certificate.display())?;
            writeln!(f, "             SHA-256 {}", authority.fingerprint)?;
        }
        if let Some(names) = &self.ordered {
            writeln!(
                f,
                "  Ordered    a certificate for {}; until it is there, handshakes fail",
                names.join(", ")
            )?;
        }
        if let Some(key) = &self.key {
            self.show_key(f, key)?;
        }
        Ok(())
    }
}

impl Greeting {
    /// Writes the key to a private file in place of the greeting: output that is no terminal is
    /// often kept where others read it.
    ///
    /// The file is `first-key` in the data folder, with mode 0600. An older one is replaced: its key
    /// belongs to a data folder that was emptied. Does nothing if this start made no key.
    ///
    /// # Errors
    ///
    /// The file cannot be removed or written. The key is then lost; `palisade key new` makes another.
    pub(crate) fn hide_key(&mut self) -> Result<(), GatewayError> {
        let (Some(key), Some(data)) = (&self.key, &self.data) else {
            return Ok(());
        };
        let path = data.join(KEY_FILE);
        let broken = |error: io::Error| {
            GatewayError::at_path(
                &path,
                format_args!("the first key cannot be written: {error}"),
            )
        };
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(broken(error)),
            _ => {}
        }
        let text = format!("{}\n", key.key());
        private_file::write_new(&path, text.as_bytes()).map_err(broken)?;
        self.key_file = Some(path);
        Ok(())
    }

    /// Writes the key, or the name of the file that holds it, and the command to try it.
    fn show_key(&self, f: &mut fmt::Formatter<'_>, key: &MintedKey) -> fmt::Result {
        match &self.key_file {
            None => writeln!(
                f,
                "  API key    {}\n             Shown this once.",
                key.key()
            )?,
            Some(file) => writeln!(
                f,
                "  API key    in {}\n             Remove the file when you have read it.",
                file.display()
            )?,
        }
        writeln!(f, "\nTry it:\n  {}", self.curl_command(key))
    }

    /// Returns a `curl` command to paste: it trusts the development authority if there is one, and
    /// reads the key from its file if it is not printed.
    fn curl_command(&self, key: &MintedKey) -> String {
        let trust = self
            .authority
            .as_ref()
            .map(|authority| format!("--cacert {} ", quote_for_shell(&authority.certificate)));
        let header = match &self.key_file {
            None => format!("'X-API-Key: {}'", key.key()),
            Some(file) => format!("\"X-API-Key: $(cat {})\"", quote_for_shell(file)),
        };
        let trust = trust.unwrap_or_default();
        // A shell reads `?` in its own way, and sound is nothing for a terminal.
        let (address, path) = (&self.address, self.first_path);
        match path.contains('?') {
            true => format!("curl {trust}-H {header} --output hello.wav '{address}{path}'"),
            false => format!("curl {trust}-H {header} {address}{path}"),
        }
    }
}

/// `Debug` does not show the key.
impl fmt::Debug for Greeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Greeting")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Quotes a path for a POSIX shell: nothing inside single quotes is special but the quote itself.
fn quote_for_shell(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}
