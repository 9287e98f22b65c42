//! `palisade key new`: creates a key, stores its digest and prints the key once.
//!
//! The key goes to standard output alone, so that it can be piped; notes go to standard error.
//!
//! # Order
//!
//! 1. Missing files are created, with mode 0600. A pepper is created only for an empty store.
//! 2. The arguments become a grant. An end in the past is refused here.
//! 3. A key is made of random bytes, and its digest is stored.
//! 4. The key is printed. If that fails, its record is removed again.
//!
//! Exit code 0 if the key is stored and printed, otherwise 2. Two commands at the same time are
//! safe: the store is locked for each change.

use clap::Args;
use palisade_api_key::{MintedKey, Timestamp};

use super::{files::Scheme, grant::GrantOptions, store::Store};
use crate::{failure::Failure, moment::now, output};

const EXAMPLES: &str = "\
The key goes to standard output, once; the store keeps its digest only. Everything else goes to standard error.
Store and pepper are made (mode 0600) where they are missing.

Examples:
  palisade key new --store keys.toml --pepper pepper --scope tts:speak --expires 90d
  palisade key new --store keys.toml --pepper pepper --env test --owner team-voice --tier gold
  palisade key new --store keys.toml --pepper pepper --limit speak=500 --network 203.0.113.0/24 > key.txt
  palisade key new --redis redis://10.0.0.5:6379/4 --seal-key keys.seal --pepper pepper --scope tts:speak";

/// Makes a key and prints it, once
///
/// The key is shown only now. If it is lost, rotate the key. Without --scope the key proves who the
/// client is, and allows only routes that need no scope.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct New {
    #[command(flatten)]
    store: Store,
    #[command(flatten)]
    scheme: Scheme,
    #[command(flatten)]
    grant: GrantOptions,
}

impl New {
    /// Creates missing files, stores the key and prints it. A key that cannot be printed is removed
    /// again.
    ///
    /// The key is stored before it is printed: a client must not get a key that the service does not know.
    ///
    /// # Errors
    ///
    /// A value of the arguments cannot be used, or the store cannot be written. No key is stored then.
    pub(super) fn run(self) -> Result<(), Failure> {
        let now = now();
        let (scheme, store) = self.scheme.open_or_create(&self.store)?;
        let minted = scheme.mint(self.grant.make_grant(now)?, now)?;
        store.insert(std::slice::from_ref(minted.record()))?;
        print_key(&minted).or_else(|problem| {
            // No one can use it: for example if the disk is full and standard output is a file on it.
            store.take_back(minted.record().id())?;
            Err(problem)
        })
    }
}

/// Prints a key to standard output, once: only its digest is stored. Id and end go to standard
/// error.
///
/// Also used by `key rotate`, whose key has a new secret.
///
/// # Errors
///
/// Fails if standard output cannot be written. The caller then undoes its change.
pub(super) fn print_key(minted: &MintedKey) -> Result<(), Failure> {
    output::print_result(minted.key())?;
    let record = minted.record();
    let end = record.expires().map(Timestamp::from_unix);
    let end = end.map_or("it never expires".to_owned(), |end| {
        format!("it expires at {end}")
    });
    output::print_note(format_args!(
        "This is key {}; {end}. It will not be shown again.",
        record.id()
    ));
    Ok(())
}
