//! What an operator sees at the start: where, with which fingerprint, and, the first time, the key.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use palisade::server::DevAuthority;

use super::{NewKey, write_private};
use crate::error::StartError;

/// The file for the first key where standard output is no terminal.
const KEY_FILE: &str = "first-key";
const TEXT: &str = "今天天气很好，我们去公园玩吧。";

/// What an operator sees at the start.
#[derive(Debug)]
pub(crate) struct Greeting {
    pub(crate) address: String,
    pub(crate) redirect: Option<String>,
    /// The listener without TLS and who is served, if nothing listens with TLS.
    pub(crate) without_tls: Option<String>,
    pub(crate) metrics: Option<String>,
    pub(crate) data: PathBuf,
    pub(crate) authority: Option<Authority>,
    /// The names of a certificate that is ordered and not there yet.
    pub(crate) ordered: Option<Vec<String>>,
    /// Only when this start made one.
    pub(crate) key: Option<NewKey>,
    /// The file that holds the key in place of the greeting.
    pub(crate) key_file: Option<PathBuf>,
    /// How to make another key.
    pub(crate) another: String,
}

/// The development authority that clients are to trust.
#[derive(Debug)]
pub(crate) struct Authority {
    pub(crate) certificate: PathBuf,
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
        writeln!(f, "Palisade Voice is ready.\n")?;
        writeln!(f, "  Page       {}/", self.address)?;
        if let Some(redirect) = &self.redirect {
            writeln!(f, "  Redirect   {redirect}/ goes there")?;
        }
        if let Some(listener) = &self.without_tls {
            writeln!(f, "  Listens    {listener}")?;
        }
        if let Some(metrics) = &self.metrics {
            writeln!(f, "  Metrics    {metrics}/metrics")?;
        }
        writeln!(f, "  Data       {}", self.data.display())?;
        if let Some(authority) = &self.authority {
            writeln!(f, "  Authority  {}", authority.certificate.display())?;
            writeln!(f, "             SHA-256 {}", authority.fingerprint)?;
        }
        if let Some(names) = &self.ordered {
            let names = names.join(", ");
            writeln!(
                f,
                "  Certificate  is ordered for {names}; connections are refused until then"
            )?;
        }
        match &self.key {
            Some(key) => self.first(f, key),
            None => writeln!(
                f,
                "\nKeys are shown once, when they are made. To make another:\n  {}",
                self.another
            ),
        }
    }
}

impl Greeting {
    /// Writes the key to a private file in place of the greeting: what a service prints is kept in a
    /// journal that others read.
    pub(crate) fn hide_key(&mut self) -> Result<(), StartError> {
        let Some(key) = &self.key else { return Ok(()) };
        let path = self.data.join(KEY_FILE);
        let removed = match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        let written = removed.and_then(|()| write_private(&path, &format!("{}\n", key.reveal())));
        written.map_err(|error| {
            let what = format!("the first key cannot be written: {error}");
            StartError::at(&path, what).remedy(format!("Make another with `{}`.", self.another))
        })?;
        self.key_file = Some(path);
        Ok(())
    }

    fn first(&self, f: &mut fmt::Formatter<'_>, key: &NewKey) -> fmt::Result {
        match &self.key_file {
            None => writeln!(f, "  API key    {}", key.reveal())?,
            Some(file) => writeln!(f, "  API key    in {}", file.display())?,
        }
        let kept = match self.key_file {
            None => "Shown this once",
            Some(_) => "Remove the file when you have read it",
        };
        writeln!(
            f,
            "             {kept}; only a digest is kept. To make another:\n             {}",
            self.another
        )?;
        writeln!(f, "\nTry it:\n  {}", self.curl(key))
    }

    fn curl(&self, key: &NewKey) -> String {
        let trust = self.authority.as_ref().map(|authority| {
            format!(
                "--cacert {} ",
                quoted(&authority.certificate.to_string_lossy())
            )
        });
        format!(
            "curl {}-H {} --get {}/tts --data-urlencode 'text={TEXT}' -o speech.wav",
            trust.unwrap_or_default(),
            self.header(key),
            self.address,
        )
    }

    /// The header field with the key, as a word of a shell.
    fn header(&self, key: &NewKey) -> String {
        let shown = |path: &Path| quoted(&path.to_string_lossy());
        match &self.key_file {
            None => format!("'X-API-Key: {}'", key.reveal()),
            Some(file) => format!("\"X-API-Key: $(cat {})\"", shown(file)),
        }
    }
}

/// Quotes a word for a POSIX shell.
pub(crate) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting() -> Greeting {
        Greeting {
            address: "https://localhost:8443".into(),
            redirect: Some("http://localhost:8080".into()),
            without_tls: None,
            metrics: None,
            data: "/data".into(),
            ordered: None,
            authority: Some(Authority {
                certificate: "/it's/ca.pem".into(),
                fingerprint: "AB:CD".into(),
            }),
            key: None,
            key_file: None,
            another: "tts-server --new-key".into(),
        }
    }

    #[test]
    fn a_later_start_shows_no_key_but_the_way_to_another() {
        let text = greeting().to_string();
        assert!(
            text.contains("tts-server --new-key") && text.contains("AB:CD"),
            "{text}"
        );
        assert!(!text.contains("psk_") && !text.contains("curl"), "{text}");
    }

    #[test]
    fn a_path_with_a_quote_stays_one_word() {
        assert_eq!(quoted("/it's/ca.pem"), r"'/it'\''s/ca.pem'");
    }
}
