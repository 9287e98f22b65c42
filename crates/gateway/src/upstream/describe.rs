//! One upstream in words, for `palisade gateway explain`.
//!
//! Every setting is shown, defaults too: a reader need not know them. No secret is shown,
//! only whether there is one.
//!
//! The text is for people and may change. A program should read the configuration instead.

use std::{fmt::Write as _, time::Duration};

use super::{
    host_header::HostHeader, origin::Origin, service::Upstream, websocket::WebSocketLimits,
};

/// Says what goes to an upstream, what it gets, and how long each step may take.
///
/// ```text
///   http://127.0.0.1:11434/api
///     hosts: all
///     protocol: HTTP/1.1
///     host field: the upstream's own
///     origin field: removed
///     timeouts: connect 5 s, head 900 s, silence 600 s, total unbounded
/// ```
///
/// One line for each setting. An upstream with several servers has all of their addresses in the first
/// line.
pub(super) fn describe_upstream(upstream: &Upstream) -> String {
    let mut text = format!("  {}\n", upstream.addresses_and_path());
    let mut line = |what: &str, value: &str| {
        let _ = writeln!(text, "    {what}: {value}"); // Writing to a string cannot fail.
    };
    line("hosts", &describe_hosts(upstream));
    line(
        "protocol",
        if upstream.is_http2 {
            "HTTP/2"
        } else {
            "HTTP/1.1"
        },
    );
    line("host field", &describe_host(&upstream.host));
    line("origin field", &describe_origin(&upstream.origin));
    line("timeouts", &describe_timeouts(upstream));
    line("upgrade", &describe_upgrade(upstream.websocket));
    line(
        "credential",
        how_or_no(upstream.credential.is_some(), "put in by the gateway"),
    );
    line("identity", how_or_no(upstream.identity.is_some(), "signed"));
    line(
        "bodies of 5xx",
        if upstream.hide_errors {
            "replaced"
        } else {
            "passed on"
        },
    );
    let retries = format!(
        "{} for GET, HEAD and OPTIONS without a body",
        upstream.retries
    );
    line("retries", &retries);
    let health = upstream.health.as_ref();
    let health = health.map(|health| format!("{} every {:?}", health.path, health.interval));
    line("health check", health.as_deref().unwrap_or("none"));
    text
}

/// Says how something is done, or that it is not.
///
/// Used for settings that hold a secret, so that nothing of it is shown.
const fn how_or_no(is: bool, how: &'static str) -> &'static str {
    if is { how } else { "none" }
}

/// The protocol that clients may switch to, with its bounds.
fn describe_upgrade(limits: Option<WebSocketLimits>) -> String {
    let Some(limits) = limits else {
        return "none".to_owned();
    };
    let bytes = limits.max_bytes;
    let bytes = bytes.map_or("unbounded".to_owned(), |bytes| bytes.to_string());
    format!(
        "WebSocket, at most {} open, {} of one client, bytes of each {bytes}",
        limits.most, limits.most_per_client
    )
}

/// An empty list means all hosts.
///
/// Otherwise the names as they are written in the file.
fn describe_hosts(upstream: &Upstream) -> String {
    match upstream.hosts() {
        [] => "all".to_owned(),
        hosts => hosts.join(", "),
    }
}

/// The value of `Host`.
fn describe_host(host: &HostHeader) -> String {
    match host {
        HostHeader::AsSent => "as the client sent it".to_owned(),
        HostHeader::Name(name) => name.to_string(),
        HostHeader::Upstream => "the upstream's own".to_owned(),
    }
}

/// The value of `Origin`.
///
/// A fixed value is shown as it is sent.
fn describe_origin(origin: &Origin) -> String {
    match origin {
        Origin::AsSent => "as the client sent it".to_owned(),
        Origin::Name(value) => String::from_utf8_lossy(value.as_bytes()).into_owned(),
        Origin::Removed => "removed".to_owned(),
        Origin::Upstream => "the upstream's own".to_owned(),
    }
}

/// All four times, in the order in which they begin.
///
/// Whole seconds, since the keys are whole seconds.
fn describe_timeouts(upstream: &Upstream) -> String {
    let times = upstream.timeouts;
    let seconds = |time: Duration| format!("{} s", time.as_secs());
    format!(
        "connect {}, head {}, silence {}, total {}",
        seconds(times.connect),
        seconds(times.response),
        seconds(times.idle),
        times.total.map_or("unbounded".to_owned(), seconds),
    )
}
