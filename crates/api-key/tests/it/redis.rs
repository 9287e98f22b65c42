//! Keys in a real Redis server, which several processes share.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use palisade_api_key::{
    ApiKeyLayer, KeyRecord, KeyScheme, KeyStore as _, MintedKey, Pepper, RedisKeyError,
    RedisKeyStore, RedisKeyStoreBuildError, RedisKeyStoreBuilder, TableError,
};
use palisade_core::{GuardLayer, Layer as _, ManualClock, Secret};
use palisade_internal::{polling, redis_server::RedisServer};
use tower::{ServiceExt as _, service_fn};

use crate::support::{NOW, live, with_header};

pub(crate) const KEY: [u8; 32] = *b"a key of the fleet: thirty-two b";

/// A fleet: one server, one pepper, and a clock for all processes.
pub(crate) struct Fleet {
    pub(crate) server: RedisServer,
    pub(crate) scheme: KeyScheme,
    pub(crate) clock: ManualClock,
}

impl Fleet {
    pub(crate) fn start() -> Option<Self> {
        Some(Self {
            server: RedisServer::start().unwrap()?,
            scheme: KeyScheme::new(Pepper::generate().unwrap()),
            clock: ManualClock::new(NOW),
        })
    }

    pub(crate) fn builder(&self) -> RedisKeyStoreBuilder {
        let builder = RedisKeyStore::builder(&self.server.url(), Secret::new(KEY));
        builder.clock(self.clock.shared())
    }

    /// The store of one process.
    pub(crate) fn process(&self) -> RedisKeyStore {
        self.builder().build().unwrap()
    }

    pub(crate) fn mint(&self) -> MintedKey {
        self.scheme
            .mint(live().owner("acme").scopes(["tts:speak"]), NOW)
            .unwrap()
    }

    pub(crate) async fn status(&self, store: &RedisKeyStore, key: &str) -> StatusCode {
        self.status_by(&self.scheme, store, key).await
    }

    pub(crate) async fn status_by(
        &self,
        scheme: &KeyScheme,
        store: &RedisKeyStore,
        key: &str,
    ) -> StatusCode {
        let layer = ApiKeyLayer::builder(scheme.clone(), store.clone());
        let layer = layer.clock(self.clock.shared()).build().unwrap();
        let handler = service_fn(
            async |_: http::Request<http_body_util::Full<bytes::Bytes>>| {
                let body = http_body_util::Full::<bytes::Bytes>::default();
                Ok::<_, std::convert::Infallible>(http::Response::new(body))
            },
        );
        let service = GuardLayer(layer).layer(handler);
        service
            .oneshot(with_header("x-api-key", key))
            .await
            .unwrap()
            .status()
    }

    pub(crate) async fn command<T: redis::FromRedisValue>(&self, words: &[&[u8]]) -> T {
        let client = redis::Client::open(self.server.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(*word);
        }
        command.query_async(&mut connection).await.unwrap()
    }
}

#[tokio::test]
async fn a_key_of_one_process_is_one_of_all_with_its_grant() {
    let Some(fleet) = Fleet::start() else { return };
    let (one, two) = (fleet.process(), fleet.process());
    let minted = fleet.mint();
    assert_eq!(
        fleet.status(&two, minted.key()).await,
        StatusCode::UNAUTHORIZED
    );
    one.insert(minted.record()).await.unwrap();
    // The process that asked before knows for a second that there was none.
    fleet.clock.advance(Duration::from_secs(1));
    assert_eq!(fleet.status(&two, minted.key()).await, StatusCode::OK);
    let record = two.get(minted.record().id()).await.unwrap().unwrap();
    assert_eq!(record.grant(), minted.record().grant());
    assert_eq!(record.principal(), minted.record().principal());
    let other = fleet.scheme.mint(live(), NOW).unwrap();
    assert_eq!(
        fleet.status(&two, other.key()).await,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once_here_and_within_a_second_everywhere() {
    let Some(fleet) = Fleet::start() else { return };
    let (one, two) = (fleet.process(), fleet.process());
    let minted = fleet.mint();
    one.insert(minted.record()).await.unwrap();
    for store in [&one, &two] {
        assert_eq!(fleet.status(store, minted.key()).await, StatusCode::OK);
    }
    one.revoke(minted.record().id(), NOW).await.unwrap();
    assert_eq!(
        fleet.status(&one, minted.key()).await,
        StatusCode::UNAUTHORIZED
    );
    fleet.clock.advance(Duration::from_millis(899));
    assert_eq!(
        fleet.status(&two, minted.key()).await,
        StatusCode::OK,
        "the stated bound"
    );
    fleet.clock.advance(Duration::from_millis(1));
    assert_eq!(
        fleet.status(&two, minted.key()).await,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn what_was_revoked_before_an_outage_is_not_admitted_in_it_nor_after_it() {
    let Some(fleet) = Fleet::start() else { return };
    let (one, two) = (fleet.process(), fleet.process());
    let (revoked, valid) = (fleet.mint(), fleet.mint());
    for minted in [&revoked, &valid] {
        one.insert(minted.record()).await.unwrap();
        assert_eq!(fleet.status(&two, minted.key()).await, StatusCode::OK);
    }
    one.revoke(revoked.record().id(), NOW).await.unwrap();
    fleet.server.freeze(true).unwrap();
    assert_eq!(
        fleet.status(&two, valid.key()).await,
        StatusCode::OK,
        "known for a second"
    );
    fleet.clock.advance(Duration::from_secs(1));
    for minted in [&revoked, &valid] {
        let status = fleet.status(&two, minted.key()).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    }
    fleet.server.freeze(false).unwrap();
    let back = async |key: &str| {
        let answered = polling::value_in_time(tokio::time::sleep, async || {
            let status = fleet.status(&two, key).await;
            (status != StatusCode::SERVICE_UNAVAILABLE).then_some(status)
        });
        answered.await.expect("it is not back")
    };
    assert_eq!(back(valid.key()).await, StatusCode::OK);
    assert_eq!(back(revoked.key()).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn changes_of_several_processes_at_once_are_not_lost() {
    let Some(fleet) = Fleet::start() else { return };
    let minted = fleet.mint();
    let id = minted.record().id();
    let store = fleet.process();
    store.insert(minted.record()).await.unwrap();
    let rotated = fleet.scheme.rotate(minted.record(), NOW, NOW).unwrap();
    let (revoked, replaced) = (fleet.process(), fleet.process());
    let revoke = tokio::spawn(async move { revoked.revoke(id, NOW).await });
    let record = rotated.record().clone();
    let before = minted.record().clone();
    let replace = tokio::spawn(async move { replaced.replace(&before, &record).await });
    revoke.await.unwrap().unwrap();
    // Before or after the revocation; never in place of it.
    let late = replace.await.unwrap();
    assert!(
        late.is_ok() || late == Err(TableError::Revoked(id).into()),
        "{late:?}"
    );
    assert!(store.get(id).await.unwrap().unwrap().revoked_at().is_some());
    assert_eq!(
        store.replace(minted.record(), rotated.record()).await,
        Err(TableError::Revoked(id).into())
    );
}

#[tokio::test]
async fn what_is_there_or_is_not_there_is_told() {
    let Some(fleet) = Fleet::start() else { return };
    let store = fleet.process();
    let minted = fleet.mint();
    let id = minted.record().id();
    assert_eq!(
        store.revoke(id, NOW).await,
        Err(TableError::Unknown(id).into())
    );
    assert_eq!(store.get(id).await.unwrap().map(|record| record.id()), None);
    store.insert(minted.record()).await.unwrap();
    let other = KeyRecord::from_grant(id, minted.record().digest().clone(), live(), NOW);
    let again = store.insert(&other.unwrap()).await;
    assert_eq!(again, Err(RedisKeyError::Table(TableError::Duplicate(id))));
    for _ in 0..3 {
        store.insert(fleet.mint().record()).await.unwrap();
    }
    let all = store.list().await.unwrap();
    assert_eq!(all.len(), 4);
    assert!(all.iter().any(|record| record.id() == id));
}

#[tokio::test]
async fn who_writes_to_the_server_makes_no_key_and_widens_none() {
    let Some(fleet) = Fleet::start() else { return };
    let store = fleet.process();
    let (own, admin) = (fleet.mint(), fleet.mint());
    for minted in [&own, &admin] {
        store.insert(minted.record()).await.unwrap();
    }
    let key = |minted: &MintedKey| format!("{{palisade-keys}}:k:{}", minted.record().id());
    let read: Vec<u8> = fleet.command(&[b"GET", key(&own).as_bytes()]).await;
    let text = String::from_utf8_lossy(&read[32..]).into_owned();
    assert!(
        text.contains("tts:speak") && !text.contains(own.key()),
        "{text}"
    );
    let wider = text.replace("tts:speak", "keys:admin");
    let forged = [&read[..32], wider.as_bytes()].concat();
    let other: Vec<u8> = fleet.command(&[b"GET", key(&admin).as_bytes()]).await;
    for record in [&forged, &other] {
        let _: () = fleet.command(&[b"SET", key(&own).as_bytes(), record]).await;
        let status = fleet.status(&fleet.process(), own.key()).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    }
    let elsewhere = RedisKeyStore::builder(
        &fleet.server.url(),
        Secret::new(*b"another key: thirty-two bytes ok"),
    );
    let status = fleet.status(&elsewhere.build().unwrap(), admin.key()).await;
    assert_eq!(
        status,
        StatusCode::SERVICE_UNAVAILABLE,
        "another key of the fleet"
    );
    assert_eq!(
        fleet.status(&fleet.process(), admin.key()).await,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_key_that_is_used_comes_under_the_current_pepper() {
    let Some(fleet) = Fleet::start() else { return };
    let (old, new) = (Pepper::generate().unwrap(), Pepper::generate().unwrap());
    let minted = KeyScheme::new(old.clone()).mint(live(), NOW).unwrap();
    let store = fleet.process();
    store.insert(minted.record()).await.unwrap();
    let ring = KeyScheme::new(new).also_accept(old).unwrap();
    assert_eq!(
        fleet.status_by(&ring, &store, minted.key()).await,
        StatusCode::OK
    );
    let renewed = polling::value_in_time(tokio::time::sleep, async || {
        let record = store.get(minted.record().id()).await.unwrap().unwrap();
        ring.made_with_current_pepper(&record).then_some(())
    });
    renewed.await.expect("the digest is not renewed");
}

#[tokio::test]
async fn the_time_of_last_use_is_kept_over_questions() {
    let Some(fleet) = Fleet::start() else { return };
    let store = fleet.process();
    let minted = fleet.mint();
    store.insert(minted.record()).await.unwrap();
    assert_eq!(fleet.status(&store, minted.key()).await, StatusCode::OK);
    fleet.clock.advance(Duration::from_secs(5));
    let found = store.find(minted.record().id()).get().await.unwrap();
    let found: Arc<KeyRecord> = found.unwrap();
    assert_eq!(found.last_used(), Some(NOW));
}

#[test]
fn what_cannot_be_used_is_not_built() {
    use RedisKeyStoreBuildError as Problem;
    let builder = || RedisKeyStore::builder("redis://:hunter2@127.0.0.1", Secret::new(KEY));
    let long = Duration::from_secs(61);
    assert_eq!(
        builder().lifetime(long).build().unwrap_err(),
        Problem::Bounds
    );
    assert_eq!(
        builder().deadline(Duration::ZERO).build().unwrap_err(),
        Problem::Bounds
    );
    assert_eq!(
        builder().remembered_keys(1_000_001).build().unwrap_err(),
        Problem::Bounds
    );
    assert_eq!(builder().prefix("").build().unwrap_err(), Problem::Prefix);
    let short = RedisKeyStore::builder("redis://127.0.0.1", Secret::new(&KEY[..15]));
    assert_eq!(short.build().unwrap_err(), Problem::Key);
    let guessed = RedisKeyStore::builder("redis://127.0.0.1", Secret::new([b'a'; 32]));
    assert_eq!(guessed.build().unwrap_err(), Problem::Key);
    let other = RedisKeyStore::builder("keys.toml", Secret::new(KEY));
    assert_eq!(other.build().unwrap_err(), Problem::Address);
    let shown = format!("{:?} {:?}", builder(), builder().build().unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");
}
