//! The permissions of the book suffice for sessions in Redis, and each one is needed from the first call on.

use palisade_core::Secret;
use palisade_internal::redis_server::RedisServer;
use palisade_session::{RedisSessionStore, SessionStore as _};

use crate::{
    redis::{KEY, command, process},
    support::{Browser, ann},
};

/// The rules of the access list in the book.
fn documented() -> Vec<String> {
    let page = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/src/how-to/browsers.md"
    );
    let page = std::fs::read_to_string(page).unwrap();
    let mut lines = page.lines();
    let line = lines.find_map(|line| line.trim().strip_prefix("user sessions on >PASSWORD "));
    line.unwrap().split(' ').map(str::to_owned).collect()
}

/// A store of a user with these rules, for two sessions of an owner and three of all.
async fn store_of(server: &RedisServer, rules: &[String]) -> RedisSessionStore {
    let rules = rules.iter().map(String::as_str);
    let setuser = ["ACL", "SETUSER", "sessions", "reset", "on", ">right"];
    let words: Vec<&str> = setuser.into_iter().chain(rules).collect();
    let _: () = command(server, &words).await;
    let url = server.url().replace("redis://", "redis://sessions:right@");
    let builder = RedisSessionStore::builder(&url, Secret::new(KEY));
    builder.per_owner(2).capacity(3).build().unwrap()
}

#[tokio::test]
async fn the_documented_permissions_suffice_for_every_step_of_a_session() {
    let Some(server) = RedisServer::start().unwrap() else {
        return;
    };
    let (sessions, clock) = process(store_of(&server, &documented()).await);
    let mut browsers = Vec::new();
    for _ in 0..4 {
        browsers.push(Browser::signed_in(&sessions, ann()).await);
    }
    let [.., last] = &*browsers else {
        unreachable!()
    };
    assert_eq!(last.reads(&sessions).await, 200);
    clock.advance(std::time::Duration::from_secs(600));
    assert_eq!(last.reads(&sessions).await, 200, "its use is noted");
    assert_eq!(sessions.list(&ann()).await.unwrap().len(), 2);
    assert_eq!(sessions.end_all(&ann()).await.unwrap(), 2);
    assert_eq!(last.reads(&sessions).await, 401);
}

#[tokio::test]
async fn without_one_permission_no_session_is_found_and_the_reason_is_told() {
    let Some(server) = RedisServer::start().unwrap() else {
        return;
    };
    let needed = documented();
    let (sessions, _) = process(store_of(&server, &needed).await);
    let browser = Browser::signed_in(&sessions, ann()).await;
    assert_eq!(browser.reads(&sessions).await, 200);
    for missing in needed
        .iter()
        .filter(|rule| rule.starts_with('+') || rule.starts_with('~'))
    {
        let rules: Vec<_> = needed
            .iter()
            .filter(|rule| *rule != missing)
            .cloned()
            .collect();
        // The server has the text of the script from before.
        if missing == "+script|load" {
            continue;
        }
        let store = store_of(&server, &rules).await;
        let any = palisade_session::SessionDigest::from_bytes([7; 32]);
        let problem = store.find(any).get().await.unwrap_err().to_string();
        assert!(problem.contains("NOPERM"), "{missing}: {problem}");
        let (sessions, _) = process(store);
        assert_eq!(browser.reads(&sessions).await, 503, "{missing}");
    }
}
