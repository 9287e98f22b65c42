//! The state of a running gateway, as one JSON document.

use serde_json::{Value, json};

use super::limits::Limits;
use crate::{server::reload::Reloader, upstream::ServerState};

/// How many subjects that limits refuse are in it.
const MOST_LIMITED: usize = 10;

/// How many kinds of refusals in shadow are in it.
const MOST_IN_SHADOW: usize = 20;

/// Describes the upstreams with their servers, what is open, and what was served.
///
/// Members may be added; none changes its meaning. No secret is in it.
pub(in crate::server) async fn status_document(reloader: &Reloader) -> Value {
    let upstreams = reloader.current_upstreams().await;
    let upstreams: Vec<Value> = upstreams
        .server_states()
        .map(|(path, hosts, servers)| {
            let servers: Vec<Value> = servers.map(|server| describe_server(&server)).collect();
            json!({ "path": path, "hosts": hosts, "servers": servers })
        })
        .collect();
    let (started, now) = reloader.start_and_now();
    json!({
        "draining": reloader.is_draining(),
        "websockets": reloader.open_tunnels(),
        "upstreams": upstreams,
        "started": started.as_secs(),
        "now": now.as_secs(),
        "traffic": reloader.traffic(),
        "would_refuse": reloader.shadow_refusals(MOST_IN_SHADOW),
        "limited": Limits::new(reloader.current_limits()).most_refused(MOST_LIMITED),
    })
}

/// One server.
fn describe_server(server: &ServerState) -> Value {
    json!({
        "address": server.address,
        "healthy": server.is_healthy,
        "breaker": server.breaker,
        "pending": server.pending,
    })
}
