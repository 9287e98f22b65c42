//! What an operator sees at the start: where, with which fingerprint, and, the first time, the key.

use std::{fmt, path::PathBuf};

use super::NewKey;

const TEXT: &str = "今天天气很好，我们去公园玩吧。";

/// What an operator sees at the start.
#[derive(Debug)]
pub(crate) struct Greeting {
    pub(crate) address: String,
    pub(crate) redirect: Option<String>,
    pub(crate) metrics: Option<String>,
    pub(crate) data: PathBuf,
    pub(crate) authority: Option<Authority>,
    /// Only when this start made one.
    pub(crate) key: Option<NewKey>,
    /// How to make another key.
    pub(crate) another: String,
}

/// The development authority that clients are to trust.
#[derive(Debug)]
pub(crate) struct Authority {
    pub(crate) certificate: PathBuf,
    pub(crate) fingerprint: String,
}

impl fmt::Display for Greeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Palisade Voice is ready.\n")?;
        writeln!(f, "  Page       {}/", self.address)?;
        if let Some(redirect) = &self.redirect {
            writeln!(f, "  Redirect   {redirect}/ goes there")?;
        }
        if let Some(metrics) = &self.metrics {
            writeln!(f, "  Metrics    {metrics}/metrics")?;
        }
        writeln!(f, "  Data       {}", self.data.display())?;
        if let Some(authority) = &self.authority {
            writeln!(f, "  Authority  {}", authority.certificate.display())?;
            writeln!(f, "             SHA-256 {}", authority.fingerprint)?;
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
    fn first(&self, f: &mut fmt::Formatter<'_>, key: &NewKey) -> fmt::Result {
        writeln!(f, "  API key    {}", key.reveal())?;
        writeln!(
            f,
            "             Shown this once; only a digest is kept. To make another:\n             {}",
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
            "curl {}-H 'X-API-Key: {}' --get {}/tts --data-urlencode 'text={TEXT}' -o speech.wav",
            trust.unwrap_or_default(),
            key.reveal(),
            self.address,
        )
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
            metrics: None,
            data: "/data".into(),
            authority: Some(Authority {
                certificate: "/it's/ca.pem".into(),
                fingerprint: "AB:CD".into(),
            }),
            key: None,
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
