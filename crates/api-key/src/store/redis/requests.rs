//! Finds the records of requests: from the cache, or from the server.

use std::{sync::Arc, time::Duration};

use palisade_core::MaybeReady;
use palisade_internal::log_limit::LogLimit;

use super::{Inner, RedisKeyError, RedisKeyStore, sealer::Opened};
use crate::{
    key::KeyId,
    record::{DigestRenewal, KeyRecord},
    store::{KeyStore, StoreUnavailable},
};

/// How often a request asks, if replies are older than what this process has seen.
const QUESTIONS: usize = 3;

impl Inner {
    /// Asks the server about an id, and keeps the reply. A reply that is older than what this process has seen may
    /// have been late, so it asks again; the same reply then is refused.
    async fn look_up(&self, id: KeyId) -> Result<Option<Arc<KeyRecord>>, StoreUnavailable> {
        for question in 0..QUESTIONS {
            // The server decides at some time after this one.
            let asked = self.clock.monotonic();
            let kept = match self.read(id).await? {
                None => self.cache.put_none(id, asked, question > 0).map(|()| None),
                Some(sealed) => {
                    let Opened { record, revision } = self.open(id, &sealed)?;
                    self.cache.put(record, revision, asked).map(Some)
                }
            };
            if let Ok(known) = kept {
                return Ok(known);
            }
        }
        warn_of_older(id, self.clock.monotonic());
        Err(StoreUnavailable::new(
            "the server has an older record than before",
        ))
    }
}

/// Logs, at most once a minute, that the server has gone back.
fn warn_of_older(id: KeyId, now: Duration) {
    static LIMIT: LogLimit = LogLimit::per_minute();
    if let Some(held_back) = LIMIT.admit(now) {
        tracing::warn!(target: "palisade", key = %id, held_back, "the key store has an older record than before: it lost writes, or somebody put old bytes back; the key is refused. Revoke or rotate it, or restart this process if the record is right");
    }
}

/// Logs, at most once a minute, that a digest stays under another pepper.
fn warn_of_renewal(id: KeyId, problem: &RedisKeyError, now: Duration) {
    static LIMIT: LogLimit = LogLimit::per_minute();
    if let Some(held_back) = LIMIT.admit(now) {
        tracing::warn!(target: "palisade", key = %id, %problem, held_back, "the digest of a key was not renewed: it stays under another pepper until the key is used after a restart");
    }
}

/// Why a digest was not renewed. `None`: it is there no more, so nothing is missing.
struct NotRenewed(Option<RedisKeyError>);

impl From<RedisKeyError> for NotRenewed {
    fn from(error: RedisKeyError) -> Self {
        Self(Some(error))
    }
}

impl KeyStore for RedisKeyStore {
    fn find(&self, id: KeyId) -> MaybeReady<Result<Option<Arc<KeyRecord>>, StoreUnavailable>> {
        if let Some(known) = self.0.cache.get(id, self.0.clock.monotonic()) {
            return MaybeReady::Ready(Ok(known));
        }
        let inner = Arc::clone(&self.0);
        MaybeReady::pending(async move { inner.look_up(id).await })
    }

    /// Written in a task of the runtime of the request. If the server cannot be asked, the older digest stays.
    fn renew_digest(&self, renewal: DigestRenewal) {
        let store = self.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // `None` where there is nothing to renew: then nothing is written.
                let renew = |record: &KeyRecord| {
                    let renewed = record.with_renewed_digest(&renewal);
                    renewed.ok_or(NotRenewed(None))
                };
                if let Err(NotRenewed(Some(problem))) = store.update(renewal.id(), renew).await {
                    warn_of_renewal(renewal.id(), &problem, store.0.clock.monotonic());
                }
            });
        }
    }
}
