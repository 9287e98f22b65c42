//! Changes of keys whose reply is lost: they are in the trail all the same.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use palisade::{
    api_key::{KeyId, KeyRecord, KeyStore, MemoryKeyStore, StoreUnavailable},
    core::MaybeReady,
    key_admin::{KeyAdminError, KeyChange, KeyReply, ManagedKeys},
};
use serde_json::{Value, json};

use super::{Service, read};

/// A store whose replies are lost: the change took effect, and nothing after it does.
#[derive(Clone, Debug)]
struct LostReply {
    keys: MemoryKeyStore,
    /// One of the constants below.
    mode: Arc<AtomicU8>,
}

/// A change has a reply.
const REPLIES: u8 = 0;
/// The store cannot be listed.
const NO_LIST: u8 = 1;
/// A change takes effect, and has no reply.
const SILENT: u8 = 2;
/// A change takes effect, and its reply is an error.
const FAILS: u8 = 3;

impl LostReply {
    fn reply(&self, done: KeyReply<()>) -> KeyReply<()> {
        match self.mode.load(Ordering::SeqCst) {
            SILENT => MaybeReady::pending(std::future::pending()),
            FAILS => MaybeReady::Ready(Err(KeyAdminError::Unavailable("no reply".into()))),
            _ => done,
        }
    }
}

impl KeyStore for LostReply {
    fn find(&self, id: KeyId) -> MaybeReady<Result<Option<Arc<KeyRecord>>, StoreUnavailable>> {
        self.keys.find(id)
    }
}

impl ManagedKeys for LostReply {
    fn list(&self) -> KeyReply<Vec<Arc<KeyRecord>>> {
        match self.mode.load(Ordering::SeqCst) {
            NO_LIST => MaybeReady::Ready(Err(KeyAdminError::Unavailable("away".into()))),
            _ => self.keys.list(),
        }
    }

    fn insert(&self, record: KeyRecord) -> KeyReply<()> {
        let done = ManagedKeys::insert(&self.keys, record);
        self.reply(done)
    }

    fn change(&self, id: KeyId, change: KeyChange) -> KeyReply<()> {
        let done = self.keys.change(id, change);
        self.reply(done)
    }
}

async fn with_lost_replies() -> (Service, LostReply) {
    let store = LostReply {
        keys: MemoryKeyStore::new(),
        mode: Arc::new(AtomicU8::new(REPLIES)),
    };
    (Service::start(store.clone()).await, store)
}

#[tokio::test]
async fn a_change_is_in_the_trail_though_its_client_left_before_the_reply() {
    let (service, store) = with_lost_replies().await;
    store.mode.store(SILENT, Ordering::SeqCst);
    let id: KeyId = service.root_id.parse().unwrap();
    let path = format!("/{id}/revoke");
    let body = Value::Null;
    {
        let mut response = Box::pin(service.send("POST", &path, &service.admin, &body));
        let is_revoked = || {
            let table = store.keys.table();
            table.get(id).unwrap().revoked_at().is_some()
        };
        let revoked = async {
            while !is_revoked() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = &mut response => panic!("there is no reply"),
            () = revoked => {}
        }
    }
    let trail = service.trail.lines().join("\n");
    let noted = format!("\"key\":\"key_change\",\"value\":\"{id}\"");
    assert!(trail.contains(&noted), "{trail}");
}

#[tokio::test]
async fn a_change_is_in_the_trail_though_its_store_replied_with_an_error() {
    let (service, store) = with_lost_replies().await;
    store.mode.store(FAILS, Ordering::SeqCst);
    let grant = json!({ "environment": "live", "owner": "unnoticed" });
    let refused = service.send("POST", "", &service.admin, &grant).await;
    assert_eq!(refused.status, 503);
    let made = store.keys.table().records();
    let made = made
        .iter()
        .find(|it| it.principal().owner() == Some("unnoticed"));
    let id = made.unwrap().id();
    let trail = service.trail.lines().join("\n");
    let noted = format!("\"key\":\"key_change\",\"value\":\"{id}\"");
    assert!(trail.contains(&noted), "{trail}");
}

#[tokio::test]
async fn a_change_needs_no_list_of_the_store() {
    let (service, store) = with_lost_replies().await;
    store.mode.store(NO_LIST, Ordering::SeqCst);
    let id = &service.root_id;
    for (change, noted) in [("disable", "key_disabled"), ("revoke", "key_revoked")] {
        let path = format!("/{id}/{change}");
        let changed = service
            .send("POST", &path, &service.admin, &Value::Null)
            .await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        assert_eq!(read(&changed)["id"], **id);
        let trail = service.trail.lines().join("\n");
        let noted = format!("\"key\":\"{noted}\",\"value\":\"{id}\"");
        assert!(trail.contains(&noted), "{trail}");
    }
}
