//! Two gateways with one store in Redis: one sum.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use serde_json::json;

use super::{METERING, ModelServer, document, prepare};
use crate::client::{Running, start_file, status};

/// A server on a loopback port, stopped with the test. `None`: it is not installed.
struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    #[allow(clippy::disallowed_methods)] // CI says so in the environment.
    async fn start(folder: &std::path::Path) -> Option<Self> {
        let port =
            palisade_internal::free_port::choose(std::net::Ipv4Addr::LOCALHOST.into()).unwrap();
        let child = Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--dir",
            ])
            .arg(folder)
            .stdout(Stdio::null())
            .spawn();
        let Ok(child) = child else {
            let required = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(
                !required,
                "redis-server is not installed, and CI must not skip"
            );
            eprintln!("skipped: redis-server is not installed");
            return None;
        };
        let redis = Self { child, port };
        while tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .is_err()
        {
            tokio::task::yield_now().await;
        }
        Some(redis)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a second gateway with the key and the store of the first one.
async fn second(first: &Running) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let file = fs::read_to_string(first.folder.path().join("gateway.toml")).unwrap();
    let file = file.replace("requests.jsonl", "second.jsonl");
    let mut gateway = start_file(folder, &file).await;
    gateway.key = first.key.clone();
    gateway
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_grant_together_what_there_is() {
    let server = ModelServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let Some(redis) = Redis::start(folder.path()).await else {
        return;
    };
    let hash_key = folder.path().join("hash.key");
    fs::write(&hash_key, "sixteen bytes and some more").unwrap();
    let store = format!(
        "[redis]\nurl = 'redis://127.0.0.1:{}/0'\nhash_key = '{}'\ndeadline_millis = 10000\n\
         [[budgets]]\nname = 'team'\nunit = 'tokens_out'\namount = 50\nwindow = 'month'\n{METERING}",
        redis.port,
        hash_key.display()
    );
    let prepared = prepare(&server, &store).await;
    let mut one = start_file(prepared.folder, &prepared.file).await;
    one.key = prepared.key;
    let two = second(&one).await;
    let body = json!({"model": "gated", "max_tokens": 10, "messages": [], "stream": true});
    // A store that is not connected yet refuses.
    for gateway in [&one, &two] {
        let body = json!({"model": "exact", "max_tokens": 3, "messages": []});
        while status(&gateway.post("/v1/messages", &body).await) == 503 {}
    }
    // These used 6 of 50: there is space for four of 10.
    let streams = [&one, &two, &one, &two];
    let mut running = Vec::new();
    for gateway in streams {
        running.push(gateway.begin("/v1/chat/completions", &body, "\"lo\"").await);
    }
    for gateway in [&one, &two] {
        let refused = gateway.post("/v1/chat/completions", &body).await;
        assert_eq!(status(&refused), 402, "{refused}");
        let violated = &document(&refused)["violated-budgets"][0];
        assert_eq!(violated["left"], "4", "{violated}");
    }
    drop(running);
    assert!(!one.folder.path().join("budgets.log").exists());
}
