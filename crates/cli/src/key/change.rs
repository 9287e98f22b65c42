//! `palisade key revoke` and `palisade key rotate`.
//!
//! Both change a file in one update: it changes as a whole or, after an error, not at all. A
//! running service reads the file again by itself, and asks a server within a second.
//!
//! A revoked key is refused for ever. A rotated key keeps its identifier, so limits, audit records and
//! the owner stay the same; only the secret is another one.
//!
//! # Output
//!
//! | command | standard output | standard error |
//! |---|---|---|
//! | `key revoke` | nothing | one line `revoked ID` for each key |
//! | `key rotate` | the key with its new secret | its id and expiry, and until when the old secret is accepted |
//!
//! Exit code 0 if the store was changed, otherwise 2. A key that is revoked already stays revoked,
//! and that is no error.

use clap::Args;
use palisade_api_key::{KeyId, Timestamp};

use super::{files::Scheme, name::id_in, new::print_key, store::Store};
use crate::{
    failure::Failure,
    moment::{Span, now},
    output,
};

const REVOKE_EXAMPLES: &str = "\
Servers that watch the store refuse the key within a second. It stays in the store, so that its use can be traced.

Examples:
  palisade key revoke --store keys.toml 4fT0aXb93Kqz
  palisade key revoke --store keys.toml --owner team-voice
  palisade key revoke --redis redis://10.0.0.5:6379/4 --seal-key keys.seal --replicas 1 4fT0aXb93Kqz";

/// Revokes keys: services refuse them from now on
///
/// Revoking cannot be undone: make a new key instead. The record stays in the store, so the audit trail
/// can still be read.
#[derive(Args)]
#[command(after_help = REVOKE_EXAMPLES)]
pub(crate) struct Revoke {
    #[command(flatten)]
    store: Store,
    /// Revokes all keys of this owner
    ///
    /// Keys that were revoked before are listed too.
    #[arg(long)]
    owner: Option<String>,
    /// The ids of the keys; a whole key that was found is accepted too
    ///
    /// The secret part of a whole key is ignored and not printed. If one id is unknown, none is revoked.
    #[arg(required_unless_present = "owner", value_name = "ID")]
    keys: Vec<String>,
}

impl Revoke {
    /// Revokes the keys: those of a file in one update, those of a server one after the other.
    ///
    /// The keys are checked in the order of the arguments; the first unknown one ends the command.
    ///
    /// # Errors
    ///
    /// A key does not exist, the owner has none, or the store cannot be written. Nothing is changed then. In a server,
    /// what was changed before is printed.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let now = now();
        let keys: Result<Vec<KeyId>, _> = self.keys.iter().map(|text| id_in(text)).collect();
        self.store
            .open()?
            .revoke(&keys?, self.owner.as_deref(), now)
    }
}

const ROTATE_EXAMPLES: &str = "\
The key keeps its id and what it may do. Its old secret is accepted until the overlap is over; a secret before that one is not.

Examples:
  palisade key rotate --store keys.toml --pepper pepper 4fT0aXb93Kqz
  palisade key rotate --store keys.toml --pepper pepper --overlap 0s 4fT0aXb93Kqz";

/// Gives a key a new secret and prints it, once
///
/// Give the new key to the client while the old secret is still accepted. After a leak use --overlap 0s,
/// or revoke the key.
#[derive(Args)]
#[command(after_help = ROTATE_EXAMPLES)]
pub(crate) struct Rotate {
    #[command(flatten)]
    store: Store,
    #[command(flatten)]
    scheme: Scheme,
    /// How long the old secret is still accepted
    ///
    /// A key has at most two secrets. Rotating again within the overlap ends the oldest one at once.
    #[arg(long, default_value = "24h", value_name = "SPAN")]
    overlap: Span,
    /// The id of the key
    ///
    /// As `palisade key list` shows it, 12 letters and digits.
    #[arg(value_name = "ID")]
    key: String,
}

impl Rotate {
    /// Replaces the secret.
    ///
    /// # Errors
    ///
    /// The key does not exist, the store cannot be written, or the new key cannot be printed. Nothing is changed
    /// then.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let now = now();
        let id = id_in(&self.key)?;
        let store = self.store.open()?;
        let scheme = self.scheme.open(&store.all()?)?;
        let until = now + self.overlap.0;
        let minted = store.rotate(id, |record| {
            let minted = scheme.rotate(record, until, now)?;
            print_key(&minted)?;
            Ok(minted)
        })?;
        if let Some((_, until)) = minted.record().previous() {
            output::print_note(format_args!(
                "The old secret is accepted until {}.",
                Timestamp::from_unix(until)
            ));
        }
        Ok(())
    }
}
