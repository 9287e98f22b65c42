//! The command line.

use std::{env, path::PathBuf};

use clap::Parser;

use crate::first_start::quoted;

const AFTER: &str = r#"Without any option the server keeps its files in the data folder (made at the first start), serves
https on 127.0.0.1:8443 and sends http on 127.0.0.1:8080 there. The first start prints a key, once.

Files in the data folder:
  server.toml     (yours to write) read when there; `--config` names another
  keys.toml       digests of the keys; change it with `palisade key new|list|revoke|rotate`
  pepper          secret for those digests; without it no key is valid
  tls/            development authority and certificate; clients trust tls/ca.pem
  audit/          one line a request, chained under audit.key; check it with `palisade audit verify`

A first configuration file, for a public address:
  [server]
  hosts = ["voice.example"]        # the names that are served
  https = "0.0.0.0:443"
  http = "0.0.0.0:80"
  certificate = "fullchain.pem"
  key = "privkey.pem"

  [tts]
  voices = ["voices/mine"]         # folders; the voice that is built in, without
  queue = 16                       # texts that may wait for their turn
  threads = 2                      # texts that are spoken at once; one a core, without
  listeners = 64                   # texts under way or not yet read to their end
  metrics = "127.0.0.1:9464"       # a loopback address, or "off"

Every section and key: the reference in the book (`docs/`)."#;

/// Speaks Mandarin over https, safe to put on the public internet.
#[derive(Clone, Debug, Parser)]
#[command(name = "tts-server", version, after_help = AFTER)]
#[non_exhaustive]
pub struct Args {
    /// Keep keys, certificates and the audit trail here [default: $XDG_DATA_HOME/palisade-tts or ~/.local/share/palisade-tts].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Read this configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Load the voices in this folder instead of the one that is built in.
    #[arg(long, value_name = "DIR")]
    pub voice: Option<PathBuf>,

    /// Make another API key, print it, and end. The running server takes it within a second.
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
