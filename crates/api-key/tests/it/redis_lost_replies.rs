//! A Redis server that executes a call, and whose reply is lost.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use http::StatusCode;
use palisade_api_key::{KeyEventKind, RedisKeyError, RedisKeyStore};
use palisade_core::Secret;

use crate::redis::Fleet;

/// A connection to the server that can lose replies.
struct LossyProxy {
    address: String,
    lost: Arc<LostReplies>,
}

/// Which replies are lost: to calls with this word, so many times.
struct LostReplies {
    word: &'static [u8],
    left: AtomicUsize,
}

impl LossyProxy {
    fn start(server: &str, word: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("redis://{}/0", listener.local_addr().unwrap());
        let lost = Arc::new(LostReplies {
            word: word.as_bytes(),
            left: AtomicUsize::new(0),
        });
        let server = server.trim_start_matches("redis://").trim_end_matches("/0");
        let (server, losing) = (server.to_owned(), Arc::clone(&lost));
        thread::spawn(move || {
            for client in listener.incoming() {
                let upstream = TcpStream::connect(&server).unwrap();
                let lost = Arc::clone(&losing);
                thread::spawn(move || forward(client.unwrap(), upstream, &lost));
            }
        });
        Self { address, lost }
    }

    fn lose(&self, replies: usize) {
        self.lost.left.store(replies, Ordering::SeqCst);
    }
}

/// Forwards calls and replies in turn. After a call whose reply is lost, both connections are closed.
fn forward(mut client: TcpStream, mut server: TcpStream, lost: &LostReplies) {
    let mut back = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let losing = Arc::new(Mutex::new(false));
    let is_lost = Arc::clone(&losing);
    thread::spawn(move || {
        let mut bytes = [0; 16 * 1024];
        while let Ok(read @ 1..) = back.0.read(&mut bytes) {
            if *is_lost.lock().unwrap() || back.1.write_all(&bytes[..read]).is_err() {
                break;
            }
        }
        let _ = back.0.shutdown(Shutdown::Both);
        let _ = back.1.shutdown(Shutdown::Both);
    });
    let mut bytes = [0; 16 * 1024];
    while let Ok(read @ 1..) = client.read(&mut bytes) {
        let call = &bytes[..read];
        let has_word = call.windows(lost.word.len()).any(|part| part == lost.word);
        if has_word && lost.left.load(Ordering::SeqCst) > 0 {
            lost.left.fetch_sub(1, Ordering::SeqCst);
            *losing.lock().unwrap() = true;
        }
        if server.write_all(call).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
}

fn process(fleet: &Fleet, proxy: &LossyProxy) -> palisade_api_key::RedisKeyStoreBuilder {
    let key = Secret::new(crate::redis::KEY);
    RedisKeyStore::builder(&proxy.address, key).clock(fleet.clock.shared())
}

#[tokio::test]
async fn a_key_is_refused_here_at_once_though_the_reply_to_its_revocation_was_lost() {
    let Some(fleet) = Fleet::start() else { return };
    let proxy = LossyProxy::start(&fleet.server.url(), "write");
    let store = process(&fleet, &proxy).build().unwrap();
    let minted = fleet.mint();
    store.insert(minted.record()).await.unwrap();
    assert_eq!(fleet.status(&store, minted.key()).await, StatusCode::OK);
    // The call is sent a second time after the first connection.
    proxy.lose(2);
    let revoked = store
        .revoke(minted.record().id(), crate::support::NOW)
        .await;
    assert!(matches!(revoked, Err(RedisKeyError::Unavailable(_))));
    assert_eq!(
        fleet.status(&store, minted.key()).await,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_removal_whose_reply_was_lost_is_told_and_counts_at_once() {
    let Some(fleet) = Fleet::start() else { return };
    let proxy = LossyProxy::start(&fleet.server.url(), "remove");
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let store = process(&fleet, &proxy)
        .on_change(move |event| seen.lock().unwrap().push(event.clone()))
        .build()
        .unwrap();
    let (first, second) = (fleet.mint(), fleet.mint());
    for minted in [&first, &second] {
        store.insert(minted.record()).await.unwrap();
        assert_eq!(fleet.status(&store, minted.key()).await, StatusCode::OK);
    }
    // The second try finds no record.
    proxy.lose(1);
    assert_eq!(store.remove(first.record().id()).await, Ok(true));
    let last = events.lock().unwrap().last().cloned().unwrap();
    assert_eq!(last.id(), first.record().id());
    assert_eq!(last.kind(), KeyEventKind::Removed);
    assert_eq!(store.remove(first.record().id()).await, Ok(false));

    proxy.lose(2);
    let removed = store.remove(second.record().id()).await;
    assert!(matches!(removed, Err(RedisKeyError::Unavailable(_))));
    assert_eq!(
        fleet.status(&store, second.key()).await,
        StatusCode::UNAUTHORIZED
    );
}
