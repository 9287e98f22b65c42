//! `palisade try key`: decides about API keys as the layer does.
//!
//! | code | when |
//! |---|---|
//! | `malformed` | the form, the prefix or the checksum is wrong |
//! | `unknown` | no record has this id |
//! | others | those of `KeyFailure::code`: wrong secret, not yet valid, expired, revoked, wrong network, wrong environment |
//!
//! A service gives one response for all of them, so that no one learns which part was right.

use std::{net::IpAddr, path::PathBuf};

use clap::Args;
use palisade_api_key::{Environment, FileKeyStore, KeyFailure, KeyFormat, KeyRecord};
use serde_json::{Value, json};

use super::decide_each_line;
use crate::{failure::Failure, key_scheme::scheme_of, moment, token_decision::Decision};

const EXAMPLES: &str = "\
Reads one key a line from standard input and prints one JSON object a line. The exit code is 0 whatever is decided.

Example:
  palisade try key --store keys.toml --pepper pepper < key.txt
  {\"accepted\":false,\"code\":\"revoked\",\"reason\":\"key revoked\"}";

/// Decides about API keys from standard input
///
/// The codes are those of the audit trail: malformed, unknown, wrong secret, expired, revoked and so on.
/// A client never sees them: its response is the same in all cases.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TryKey {
    /// The TOML file with the digests of all keys
    ///
    /// It is read once, at the start of the command.
    #[arg(long, value_name = "FILE")]
    store: PathBuf,
    /// The file with the secret that digests are made with
    ///
    /// The one of the service: with another, every key has a wrong secret.
    #[arg(long, value_name = "FILE")]
    pepper: PathBuf,
    /// The file of another pepper that the service accepts; may be given several times
    ///
    /// The files of `other_peppers` in the configuration.
    #[arg(long = "other-pepper", value_name = "FILE")]
    other_peppers: Vec<PathBuf>,
    /// Accepts keys of another system that were imported
    ///
    /// As a service with `dangerously_accept_imported_keys = true` does.
    #[arg(long)]
    imported_keys: bool,
    /// The prefix of all keys
    ///
    /// As the service is configured. A key with another prefix is malformed.
    #[arg(long, default_value = "psk", value_parser = KeyFormat::with_prefix, value_name = "WORD")]
    prefix: KeyFormat,
    /// Accepts keys of this environment; may be given several times
    ///
    /// A key of another environment is refused, as by a service that does not accept it.
    #[arg(long = "env", default_value = "live", value_name = "live|test")]
    environments: Vec<Environment>,
    /// The client's address, for keys that are bound to networks
    ///
    /// Default: unknown. A key that is bound to networks is then refused.
    #[arg(long, value_name = "ADDRESS")]
    client: Option<IpAddr>,
}

impl TryKey {
    /// Decides about each line.
    ///
    /// The order of the checks is that of the layer: form, id, secret, times, network, environment.
    ///
    /// # Errors
    ///
    /// Fails before the first line if the store or the pepper cannot be read.
    pub(super) fn run(self) -> Result<(), Failure> {
        let store = FileKeyStore::builder(&self.store)
            .on_report(|_| {})
            .unwatched()
            .open()?;
        let scheme = scheme_of(self.prefix.clone(), &self.pepper, &self.other_peppers)?;
        let scheme = match self.imported_keys {
            true => scheme.dangerously_accept_imported_keys(),
            false => scheme,
        };
        let table = store.table();
        decide_each_line(|key| {
            let decided = scheme
                .present(key)
                .map_err(|_| KeyFailure::Malformed)
                .and_then(|key| {
                    let record = table.get(key.id()).ok_or(KeyFailure::Unknown)?;
                    record.check(&key, moment::now(), self.client)?;
                    match self.environments.contains(&record.environment()) {
                        true => Ok(record),
                        false => Err(KeyFailure::WrongEnvironment),
                    }
                });
            match decided {
                Ok(record) => Decision::Accepted(principal_document(record)),
                Err(failure) => Decision::Refused {
                    code: failure.code().to_owned(),
                    reason: failure.reason().to_owned(),
                },
            }
        })
    }
}

/// Returns the principal that a request with this key would have.
fn principal_document(record: &KeyRecord) -> Value {
    let who = record.principal();
    json!({
        "kind": who.kind(),
        "id": who.id(),
        "owner": who.owner(),
        "tier": who.tier(),
        "scopes": who.scopes().collect::<Vec<_>>(),
        "environment": record.environment().as_str(),
        "expires": record.expires().map(palisade_internal::rfc3339::write_seconds),
    })
}
