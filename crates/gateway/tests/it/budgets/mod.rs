//! Budgets: what is reserved, what is charged, and that no one gets more than there is.

mod charged;
mod mistakes;
mod model_server;
mod refused;
mod rules;
mod second_models;
mod shared;
mod speech;
mod transcriptions;

use std::{fs, path::Path};

use palisade_gateway::{Gateway, Settings};
use palisade_rate_limit::MemoryBudgets;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

pub(crate) use self::model_server::ModelServer;
use crate::client::{Running, start_file};

/// No tokens of the upstream itself: a reserve is bytes of the body and `max_tokens`.
const METERING: &str = "[metering]\noverhead_tokens = 0\nmax_tokens = 20\n";

/// A budget of tokens in and one of tokens out, large enough for everything.
const WIDE: &str = "[[budgets]]\nname = 'in'\nunit = 'tokens_in'\namount = 1000000\nwindow = 'month'\n\
                    [[budgets]]\nname = 'out'\nunit = 'tokens_out'\namount = 1000000\nwindow = 'month'\n";

/// A folder with a key, and the configuration file of a gateway before an upstream.
struct Prepared {
    folder: TempDir,
    file: String,
    key: String,
}

/// Mints a key, and writes a configuration file with these budgets.
async fn prepare(server: &ModelServer, budgets: &str) -> Prepared {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::quick_start(format!("http://{}", server.address))
        .listen(([127, 0, 0, 1], 0).into())
        .data(folder.path().join("data"))
        .settings()
        .unwrap();
    let file = settings.as_file().unwrap().to_owned();
    let gateway = Gateway::prepare(settings).await.unwrap();
    let key = gateway.first_key().unwrap().to_owned();
    drop(gateway);
    let file = file
        .replace("audit.jsonl", "requests.jsonl")
        .replace("60/minute", "100000/minute")
        .replace("10/minute", "100000/minute");
    // Each gateway with the file has an authority of its own.
    let lines = file.lines();
    let lines = lines.filter(|line| !line.starts_with("development_authority"));
    let file = format!("{}\n{budgets}", lines.collect::<Vec<_>>().join("\n"));
    Prepared { folder, file, key }
}

/// Starts a gateway with these budgets before a model server.
async fn start(server: &ModelServer, budgets: &str) -> Running {
    let Prepared { folder, file, key } = prepare(server, &format!("{budgets}{METERING}")).await;
    let mut gateway = start_file(folder, &file).await;
    gateway.key = key;
    gateway
}

impl Running {
    /// Posts a body with the key, and returns the response.
    async fn post(&self, path: &str, body: &Value) -> String {
        self.send(&request(path, body)).await
    }

    /// Posts a body, and reads until the response has this text. Dropping the connection then leaves in
    /// the middle.
    async fn begin(&self, path: &str, body: &Value, until: &str) -> impl Sized {
        let mut stream = self.connect().await;
        let request = self.fill(&request(path, body));
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = Vec::new();
        let mut part = [0; 1024];
        while !String::from_utf8_lossy(&response).contains(until) {
            let length = stream.read(&mut part).await.unwrap();
            assert!(length > 0, "{}", String::from_utf8_lossy(&response));
            response.extend_from_slice(&part[..length]);
        }
        stream
    }
}

fn request(path: &str, body: &Value) -> String {
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nHOSTKEYContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Returns what a budget has charged, by the file of a gateway that has stopped.
pub(crate) fn charged(folder: &Path, budget: &str) -> u64 {
    let counters = MemoryBudgets::read_file(&folder.join("budgets.log")).unwrap();
    let of_budget = counters.iter().filter(|(key, _)| key.budget() == budget);
    of_budget.map(|(_, state)| state.charged()).sum()
}

/// Returns the records of requests in the audit trail of a gateway that has stopped.
fn trail(folder: &Path) -> String {
    fs::read_to_string(folder.join("data/audit/requests.jsonl")).unwrap()
}

/// Returns the JSON body of a response.
fn document(response: &str) -> Value {
    let body = response.split_once("\r\n\r\n").unwrap().1;
    let (begin, end) = (body.find('{').unwrap(), body.rfind('}').unwrap());
    serde_json::from_str(&body[begin..=end]).unwrap()
}
