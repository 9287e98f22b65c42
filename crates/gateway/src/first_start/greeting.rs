//! What an operator sees at the start: the address, the fingerprint, and at the first start the key.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use palisade::api_key::MintedKey;
use palisade_internal::private_file;

use crate::error::GatewayError;

/// The file for the first key where standard output is no terminal.
const KEY_FILE: &str = "first-key";

/// What is printed when the gateway is ready.
pub(crate) struct Greeting {
    /// The address for clients.
    pub(crate) address: String,
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

/// The development authority that clients must be told to trust.
pub(crate) struct Authority {
    pub(crate) certificate: PathBuf,
    pub(crate) fingerprint: String,
}

impl fmt::Display for Greeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The gateway is ready.\n")?;
        writeln!(f, "  Address    {}/", self.address)?;
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
    pub(crate) fn hide_key(&mut self) -> Result<(), GatewayError> {
        let (Some(key), Some(data)) = (&self.key, &self.data) else {
            return Ok(());
        };
        let path = data.join(KEY_FILE);
        let broken = |error: io::Error| {
            GatewayError::at(
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
        writeln!(f, "\nTry it:\n  {}", self.curl(key))
    }

    /// A command to paste.
    fn curl(&self, key: &MintedKey) -> String {
        let trust = self
            .authority
            .as_ref()
            .map(|authority| format!("--cacert {} ", quoted(&authority.certificate)));
        let header = match &self.key_file {
            None => format!("'X-API-Key: {}'", key.key()),
            Some(file) => format!("\"X-API-Key: $(cat {})\"", quoted(file)),
        };
        let trust = trust.unwrap_or_default();
        format!("curl {trust}-H {header} {}/", self.address)
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

/// Quotes a path for a POSIX shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}
