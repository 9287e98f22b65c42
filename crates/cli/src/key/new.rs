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
use palisade_api_key::{FileKeyStore, KeyId, MintedKey, TableError, Timestamp};

use super::{
    files::{Scheme, Store},
    grant::GrantOptions,
};
use crate::{failure::Failure, moment::now, output};

const EXAMPLES: &str = "\
The key goes to standard output, once; the store keeps its digest only. Everything else goes to standard error.
Store and pepper are made (mode 0600) where they are missing.

Examples:
  palisade key new --store keys.toml --pepper pepper --scope tts:speak --expires 90d
  palisade key new --store keys.toml --pepper pepper --env test --owner team-voice --tier gold
  palisade key new --store keys.toml --pepper pepper --network 203.0.113.0/24 > key.txt";

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
        let record = minted.record().clone();
        let id = record.id();
        store.update(|table| table.insert(record))?;
        print_key(&minted).or_else(|problem| take_back(&store, id, problem))
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

/// Removes a key that could not be printed, since no one can use it, and returns `problem`.
///
/// For example if the disk is full and standard output is a file on it.
///
/// # Errors
///
/// Returns `problem`, or the error of the store if the record cannot be removed. That key is stored
/// and known to no one.
fn take_back(store: &FileKeyStore, id: KeyId, problem: Failure) -> Result<(), Failure> {
    store.update(|table| {
        table.remove(id);
        Ok::<_, TableError>(())
    })?;
    Err(problem)
}
