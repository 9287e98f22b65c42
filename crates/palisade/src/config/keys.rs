//! `[keys]`: opens the file of API keys and adds their authenticator.
//!
//! A missing or unreadable file is an error at start. After that, the last keys read stay valid for
//! `max_stale_minutes`; then requests with a key get status 503.

use std::{
    path::PathBuf,
    sync::mpsc::{Receiver, sync_channel},
    thread,
};

use palisade_api_key::{
    ApiKeyBuildError, ApiKeyLayer, Environment, FileKeyStore, KeyFileError, KeyFormat, KeyId,
    KeyScheme, Pepper,
};
use palisade_core::{Clock as _, SystemClock};
use palisade_internal::log_limit::LogLimit;

use super::{
    Config, ConfigFileError,
    document::{Keys, OnExposed},
    late_audit::LateAudit,
    numbers::TimeUnit,
};
use crate::{audit_events, shield::ShieldBuilder};

/// The largest `max_stale_minutes`: a week. While the file cannot be read, a revoked key stays
/// valid for so long.
pub(super) const LONGEST_STALE_MINUTES: u64 = 7 * 24 * 60;
/// How many keys may wait to be revoked because they were sent without TLS. More than that are revoked
/// the next time that they are sent.
const WAITING_REVOCATIONS: usize = 64;

impl Config {
    /// Adds the authenticator of API keys. Also returns scheme and store, with which the
    /// application can issue and revoke keys. `trail` gets the changes of keys.
    ///
    /// # Errors
    ///
    /// The file or the pepper cannot be read, or a key was made with another pepper or prefix.
    pub(super) fn keys(
        &self,
        shield: ShieldBuilder,
        trail: &LateAudit,
    ) -> Result<(ShieldBuilder, Option<(KeyScheme, FileKeyStore)>), ConfigFileError> {
        let Some(keys) = &self.document.keys else {
            return Ok((shield, None));
        };
        let scheme = self.scheme(keys)?;
        let trail = trail.clone();
        let mut store = FileKeyStore::builder(self.path(keys.file.get_ref()))
            .on_change(move |change| trail.record(audit_events::of_key(change)));
        if let Some(age) = self.time(
            &keys.max_stale_minutes,
            TimeUnit::Minutes,
            LONGEST_STALE_MINUTES,
        )? {
            store = store.max_stale_age(age);
        }
        let store = store.open().map_err(|problem| {
            let remedy = "make one with `palisade key new`, or name the existing file";
            self.source.at(&keys.file, problem, remedy)
        })?;
        let records = store.table().records();
        if let Some(record) = records.iter().find(|record| !scheme.made(record)) {
            // Otherwise every key would be refused, and only the audit trail would say why.
            let problem = format!(
                "the key {} was made with another pepper or prefix",
                record.id()
            );
            let remedy = "name the pepper and the prefix with which the keys of this file were made, or add the pepper to other_peppers";
            return Err(self.source.at(&keys.pepper, problem, remedy));
        }
        let mut layer = ApiKeyLayer::builder(scheme.clone(), store.clone());
        if let Some(written) = &keys.environments {
            layer = layer.environments(self.environments(written)?);
        }
        if let OnExposed::Revoke = keys.on_exposed {
            layer = layer.on_exposed(revoker(store.clone()));
        }
        if let Some(prefix) = &keys.imported_prefix {
            layer = layer.imported_prefix(prefix.get_ref().as_str());
        }
        if let Some(realm) = &keys.realm {
            layer = layer.realm(realm.get_ref().as_str());
        }
        let layer = layer
            .build()
            .map_err(|problem| self.layer_error(keys, &problem))?;
        Ok((shield.authenticate(layer), Some((scheme, store))))
    }

    /// Makes the error about the key that the layer refuses.
    fn layer_error(&self, keys: &Keys, problem: &ApiKeyBuildError) -> ConfigFileError {
        let remedy = "correct the section `keys`";
        match (problem, &keys.imported_prefix, &keys.realm) {
            (ApiKeyBuildError::ImportedPrefix, Some(prefix), _) => {
                let remedy =
                    "write a prefix such as \"sk-\", and dangerously_accept_imported_keys = true";
                self.source.at(prefix, problem, remedy)
            }
            (ApiKeyBuildError::Realm, _, Some(realm)) => self.source.at(realm, problem, remedy),
            _ => self.source.at(&keys.file, problem, remedy),
        }
    }

    /// Reads peppers and prefix. Default prefix: that of [`KeyScheme::new`].
    ///
    /// # Errors
    ///
    /// A pepper cannot be read, or is there twice; or the prefix cannot be one.
    fn scheme(&self, keys: &Keys) -> Result<KeyScheme, ConfigFileError> {
        let pepper = self.pepper(&keys.pepper)?;
        let format = match &keys.prefix {
            None => KeyFormat::default(),
            Some(prefix) => KeyFormat::with_prefix(prefix.get_ref()).map_err(|problem| {
                self.source
                    .at(prefix, problem, "write a short word, such as \"psk\"")
            })?,
        };
        let mut scheme = KeyScheme::with_format(format, pepper);
        for other in &keys.other_peppers {
            scheme = scheme.also_accept(self.pepper(other)?).map_err(|problem| {
                self.source
                    .at(other, problem, "remove this file from the list")
            })?;
        }
        Ok(match keys.dangerously_accept_imported_keys {
            true => scheme.dangerously_accept_imported_keys(),
            false => scheme,
        })
    }

    /// Reads a pepper.
    ///
    /// # Errors
    ///
    /// It cannot be read, or others may read it.
    fn pepper(&self, file: &toml::Spanned<PathBuf>) -> Result<Pepper, ConfigFileError> {
        Pepper::read_file(self.path(file.get_ref())).map_err(|problem| {
            let remedy = "make one with `palisade key new`, or name the existing file";
            self.source.at(file, problem, remedy)
        })
    }

    /// Parses the environments whose keys are accepted.
    ///
    /// # Errors
    ///
    /// One of them is neither `live` nor `test`.
    fn environments(
        &self,
        written: &[toml::Spanned<String>],
    ) -> Result<Vec<Environment>, ConfigFileError> {
        let parse = |one: &toml::Spanned<String>| {
            let parsed = one.get_ref().parse();
            parsed.map_err(|problem| self.source.at(one, problem, "write \"live\" or \"test\""))
        };
        written.iter().map(parse).collect()
    }
}

/// Returns a function that revokes keys of a store, for keys that were sent without TLS.
///
/// It is called inside a request and never blocks: one thread writes the file. That thread ends when
/// the function is dropped. If it cannot be started, keys are revoked inside the request.
fn revoker(store: FileKeyStore) -> impl Fn(KeyId) + Send + Sync + 'static {
    let (sender, waiting) = sync_channel(WAITING_REVOCATIONS);
    let writer = store.clone();
    let started = thread::Builder::new()
        .name("palisade-revoke".to_owned())
        .spawn(move || revoke_all(&writer, &waiting));
    move |id| match &started {
        Ok(_) => drop(sender.try_send(id)),
        Err(_) => revoke(&store, id),
    }
}

/// Revokes keys until no more can come.
fn revoke_all(store: &FileKeyStore, waiting: &Receiver<KeyId>) {
    while let Ok(id) = waiting.recv() {
        revoke(store, id);
    }
}

/// Revokes a key, and logs the outcome.
///
/// A key that was revoked is logged once: the layer does not report it again. A file that cannot be
/// written is logged at most once a minute, since a client can send its key again and again.
fn revoke(store: &FileKeyStore, id: KeyId) {
    let now = SystemClock::shared().unix_time();
    let table = store.table();
    let record = table.get(id);
    if record.is_some_and(|record| record.revoked_at().is_some()) {
        return; // A request that came before the last write.
    }
    let revoked: Result<(), KeyFileError> = store.update(|table| table.revoke(id, now));
    match revoked {
        Ok(()) => {
            tracing::warn!(target: "palisade", key = %id, "revoked a key that was sent without TLS")
        }
        Err(error) => {
            static LIMIT: LogLimit = LogLimit::per_minute();
            if let Some(held_back) = LIMIT.admit(SystemClock::default().monotonic()) {
                tracing::error!(target: "palisade", key = %id, %error, held_back, "cannot revoke a key that was sent without TLS");
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{fs, time::Duration};

    use palisade_api_key::Grant;
    use palisade_internal::log_lines;

    use super::*;

    #[test]
    fn a_key_that_cannot_be_revoked_writes_one_line_however_often_it_is_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        let scheme = KeyScheme::new(Pepper::generate().unwrap());
        let minted = scheme.mint(Grant::new(Environment::Live), Duration::ZERO);
        let record = minted.unwrap().record().clone();
        let id = record.id();
        FileKeyStore::create(&path).unwrap();
        let store = FileKeyStore::builder(&path).unwatched().open().unwrap();
        store.update(|table| table.insert(record)).unwrap();
        // A folder in place of the file: no update is possible.
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let lines = log_lines::count(|| (0..100).for_each(|_| revoke(&store, id)));
        assert_eq!(lines, 1);
    }
}
