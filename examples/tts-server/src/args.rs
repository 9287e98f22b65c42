//! The command line.

use std::{env, path::PathBuf};

use clap::Parser;

use crate::first_start::quoted;

const AFTER: &str = r#"Without options the server creates the data folder at the first start, serves https on 127.0.0.1:8443 and
redirects http on 127.0.0.1:8080 to it. The first start prints an API key, once.

Files in the data folder:
  server.toml     configuration, if you write one; `--config` names another file
  keys.toml       digests of the API keys; change it with `palisade key new|list|revoke|rotate`
  pepper          secret for those digests; without it no key is valid
  tls/            development authority and certificate; give tls/ca.pem to clients
  audit/          one line for each request, chained with audit.key; verify it with `palisade audit verify`

A first configuration file, for a public address:
  [server]
  hosts = ["voice.example"]        # the names that are served
  https = "0.0.0.0:443"
  http = "0.0.0.0:80"
  certificate = "fullchain.pem"
  key = "privkey.pem"

  [tts]
  voices = ["voices/mine"]         # folders with voices; default: the built-in voice
  queue = 16                       # texts that may wait; more are refused with 503
  threads = 2                      # texts spoken at the same time; default: one for each core
  listeners = 64                   # open responses with sound
  metrics = "127.0.0.1:9464"       # a loopback address, or "off"

All sections and keys are in the reference of the book (`docs/`)."#;

/// Speaks Mandarin over https, safe to put on the public internet.
#[derive(Clone, Debug, Parser)]
#[command(name = "tts-server", version, after_help = AFTER)]
#[non_exhaustive]
pub struct Args {
    /// Folder for keys, certificates and the audit trail [default: $XDG_DATA_HOME/palisade-tts or ~/.local/share/palisade-tts].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Folder with the voices to load instead of the built-in voice.
    #[arg(long, value_name = "DIR")]
    pub voice: Option<PathBuf>,

    /// Create another API key, print it and exit. A running server accepts it within a second.
    #[arg(long)]
    pub new_key: bool,
}

impl Args {
    /// Returns the command that makes another key for the same data folder.
    #[must_use]
    pub fn another_key(&self) -> String {
        let program = env::args()
            .next()
            .unwrap_or_else(|| "tts-server".to_owned());
        let data = self
            .data
            .as_ref()
            .map(|data| format!(" --data {}", quoted(&data.to_string_lossy())));
        format!("{program}{} --new-key", data.unwrap_or_default())
    }
}
