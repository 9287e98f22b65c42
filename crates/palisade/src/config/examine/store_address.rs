//! The addresses of Redis: do they leave this machine without TLS?

use std::net::IpAddr;

use crate::{config::Config, diagnostics, shield::Warning};

impl Config {
    /// `redis-without-tls`: an address is `redis://`, and its host is not this machine.
    pub(in crate::config) fn stores_without_tls(&self) -> Vec<Warning> {
        let (keys, session) = (self.document.keys.as_ref(), self.document.session.as_ref());
        let keys = keys.and_then(|keys| keys.redis.as_ref());
        let session = session.and_then(|session| session.redis.as_ref());
        let stores = [
            (
                self.document.redis.as_ref().map(|redis| &redis.url),
                "keys of clients and, with a password, the store itself are open to the network",
            ),
            (
                keys.map(|redis| &redis.url),
                "owners, scopes and networks of API keys and, with a password, the store itself are open to the network",
            ),
            (
                session.map(|redis| &redis.url),
                "who is signed in and, with a password, the store itself are open to the network",
            ),
        ];
        let open = stores.into_iter().filter_map(|(url, problem)| {
            let url = url.filter(|url| is_clear_and_far(url.get_ref()))?;
            let remedy = "write rediss://, or a tunnel to 127.0.0.1";
            let error = self.source.at(url, problem, remedy);
            let diagnostic = &diagnostics::REDIS_WITHOUT_TLS;
            Some(Warning::new(diagnostic, error.to_string()))
        });
        open.collect()
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
