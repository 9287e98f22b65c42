//! The state of a running gateway, as one JSON document.

use serde_json::{Value, json};

use crate::{server::reload::Reloader, upstream::ServerState};

/// Describes the upstreams with their servers, and what is open.
///
/// Members may be added; none changes its meaning. No secret is in it.
pub(super) async fn status_document(reloader: &Reloader) -> Value {
    let upstreams = reloader.current_upstreams().await;
    let upstreams: Vec<Value> = upstreams
        .server_states()
        .map(|(path, hosts, servers)| {
            let servers: Vec<Value> = servers.map(|server| describe_server(&server)).collect();
            json!({ "path": path, "hosts": hosts, "servers": servers })
        })
        .collect();
    json!({
        "draining": reloader.is_draining(),
        "websockets": reloader.open_tunnels(),
        "upstreams": upstreams,
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
