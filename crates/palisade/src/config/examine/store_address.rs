//! The address of the shared store: does it leave this machine without TLS?

use std::net::IpAddr;

use crate::{config::Config, diagnostics, shield::Warning};

impl Config {
    /// `redis-without-tls`: the address is `redis://`, and its host is not this machine.
    pub(super) fn store_without_tls(&self) -> Option<Warning> {
        let redis = self.document.redis.as_ref()?;
        if !is_clear_and_far(redis.url.get_ref()) {
            return None;
        }
        let problem =
            "keys of clients and, with a password, the store itself are open to the network";
        let remedy = "write rediss://, or a tunnel to 127.0.0.1";
        let error = self.source.at(&redis.url, problem, remedy);
        Some(Warning::new(
            &diagnostics::REDIS_WITHOUT_TLS,
            error.to_string(),
        ))
    }
}

/// Whether an address leads over the network in clear text. The error text never has the address: it
/// may have a password.
fn is_clear_and_far(url: &str) -> bool {
    let schemes = ["redis://", "redis-sentinel://", "redis-cluster://"];
    let Some(rest) = schemes.iter().find_map(|scheme| url.strip_prefix(scheme)) else {
        return false;
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let hosts = authority
        .rsplit_once('@')
        .map_or(authority, |(_, hosts)| hosts);
    hosts.split(',').any(|host| !is_here(host))
}

/// Whether a host, with or without a port, is this machine. An empty one is.
fn is_here(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(inside) => inside.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let is_loopback = name
        .parse::<IpAddr>()
        .is_ok_and(|address| address.is_loopback());
    is_loopback || name.is_empty() || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clear_text_to_another_machine_is_found() {
        for found in [
            "redis://10.0.0.5:6379",
            "redis://user:p@ss@store.example/0",
            "redis://[2001:db8::1]:6379",
            "redis-cluster://127.0.0.1:1,10.0.0.5:1",
        ] {
            assert!(is_clear_and_far(found), "{found}");
        }
        for fine in [
            "redis://127.0.0.1:6379/0",
            "redis://localhost",
            "redis://[::1]:6379?protocol=resp3",
            "redis:///",
            "rediss://store.example",
            "redis+unix:///run/redis.sock",
        ] {
            assert!(!is_clear_and_far(fine), "{fine}");
        }
    }
}
