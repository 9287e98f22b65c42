//! Revokes keys of a file that were sent without TLS (`on_exposed = "revoke"`).

use std::{
    sync::mpsc::{Receiver, sync_channel},
    thread,
};

use palisade_api_key::{FileKeyStore, KeyFileError, KeyId};
use palisade_core::{Clock as _, SystemClock};
use palisade_internal::log_limit::LogLimit;

/// How many keys may wait to be revoked because they were sent without TLS. More than that are revoked
/// the next time that they are sent.
const WAITING_REVOCATIONS: usize = 64;

/// Returns a function that revokes keys of a store, for keys that were sent without TLS.
///
/// It is called inside a request and never blocks: one thread writes the file. That thread ends when
/// the function is dropped. If it cannot be started, keys are revoked inside the request.
pub(in crate::config) fn revoker(store: FileKeyStore) -> impl Fn(KeyId) + Send + Sync + 'static {
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

    use palisade_api_key::{Environment, Grant, KeyScheme, Pepper};
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
