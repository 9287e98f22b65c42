//! Keys of clients and the key of the audit trail, made at the first start.
//!
//! | file in the data folder | holds | without it |
//! |---|---|---|
//! | `keys.toml` | the digests of the clients' keys | no key is valid; a next start mints a new one |
//! | `pepper` | the secret in those digests | no key in `keys.toml` is valid |
//! | `audit.key` | the key of the hash chain | the trail cannot be verified or continued |
//!
//! Each file is made once, with mode 0600, and never overwritten.

use std::path::Path;

use palisade::{
    api_key::{Environment, FileKeyStore, Grant, KeyScheme, MintedKey, Pepper},
    audit::AuditKey,
    core::SharedClock,
};
use palisade_internal::{hex, private_file};

use crate::error::{GatewayError, GatewayErrorKind};

/// Makes the file of the keys and the pepper beside it, if they are not there.
///
/// If the file of the keys is there, nothing is made, even if the pepper is missing.
///
/// # Errors
///
/// A file cannot be written.
pub(crate) fn create_key_files(keys: &Path, pepper: &Path) -> Result<(), GatewayError> {
    if keys.exists() {
        // A new pepper would make every key in the file worthless: opening it tells what is missing.
        return Ok(());
    }
    let broken = |error| GatewayError::new(error).with_kind(GatewayErrorKind::File);
    Pepper::read_or_create_file(pepper).map_err(broken)?;
    FileKeyStore::create(keys).map_err(broken)?;
    Ok(())
}

/// Mints a key with these scopes, and stores its digest.
///
/// It belongs to `operator` and has no network and no end. The key itself is in the returned value
/// only.
///
/// # Errors
///
/// The system gives no random numbers, or the file of the keys cannot be written.
pub(crate) fn mint_key(
    scheme: &KeyScheme,
    store: &FileKeyStore,
    scopes: &[&str],
    clock: &SharedClock,
) -> Result<MintedKey, GatewayError> {
    let grant = Grant::new(Environment::Live).owner("operator");
    let grant = grant.scopes(scopes.iter().copied());
    let minted = scheme
        .mint(grant, clock.unix_time())
        .map_err(|error| GatewayError::new(format_args!("no key could be made: {error}")))?;
    let record = minted.record().clone();
    let stored = store.update(|table| table.insert(record));
    stored.map_err(|error| {
        GatewayError::new(format_args!("the key could not be stored: {error}"))
            .with_kind(GatewayErrorKind::File)
    })?;
    Ok(minted)
}

/// Makes the key of the audit trail, if it is not there: 32 random bytes, written in hexadecimal.
///
/// # Errors
///
/// The system gives no random numbers, or the file cannot be written.
pub(crate) fn create_audit_key(path: &Path) -> Result<(), GatewayError> {
    if path.exists() {
        return Ok(());
    }
    let key = AuditKey::generate().map_err(|error| GatewayError::at_path(path, error))?;
    let text = hex::encode(key.expose());
    private_file::write_new(path, text.as_bytes())
        .map_err(|error| GatewayError::at_path(path, error))
}
