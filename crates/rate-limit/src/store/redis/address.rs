//! The address of the store: how many servers it names, and how they belong together.
//!
//! One server has the address that every Redis client reads. A cluster and a group under Sentinel
//! have several hosts between commas, and the same user and password for all:
//!
//! ```text
//! redis://[user:password@]host:port/database
//! redis-cluster://[user:password@]host:port,host:port
//! redis-sentinel://[user:password@]host:port,host:port/service[/database]
//! ```
//!
//! `rediss`, `rediss-cluster` and `rediss-sentinel` are the same over TLS.

use redis::{ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo};

/// The port of Sentinel, where an address names none.
const SENTINEL_PORT: u16 = 26_379;

/// The servers that an address names.
pub(super) enum Address {
    /// A cluster. Each node is an address of its own; the first that replies names all others.
    Cluster { nodes: Vec<String> },
    /// Servers that Sentinel watches. The primary is found through any of the sentinels.
    Sentinel {
        sentinels: Vec<ConnectionAddr>,
        service: String,
        settings: RedisConnectionInfo,
    },
    /// One server, with the address as it was given.
    Standalone(String),
}

/// The parts of an address after its scheme.
struct Parts<'a> {
    /// `user:password@`, or nothing.
    user: &'a str,
    /// The hosts with their ports, separated by commas.
    hosts: &'a str,
    /// After the first `/`: the database, or the name of the service.
    path: &'a str,
}

impl Address {
    /// Reads an address, and whether the connection is encrypted. `None` if it is malformed.
    pub(super) fn parse(url: &str) -> Option<(Self, bool)> {
        let (scheme, rest) = url.split_once("://")?;
        let parts = Parts::split(rest);
        let (scheme, encrypted) = match scheme.strip_prefix("rediss") {
            Some(kind) => (kind, true),
            None => (scheme.strip_prefix("redis").unwrap_or(scheme), false),
        };
        let address = match scheme {
            "-cluster" => parts.cluster(encrypted)?,
            "-sentinel" => parts.sentinel(encrypted)?,
            _ => Self::Standalone(url.to_owned()),
        };
        Some((address, encrypted))
    }
}

impl<'a> Parts<'a> {
    /// Cuts the address at the first `/` and before it at the last `@`, since a password may
    /// contain one.
    fn split(rest: &'a str) -> Self {
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let user_ends = authority.rfind('@').map_or(0, |at| at + 1);
        let (user, hosts) = authority.split_at(user_ends);
        Self { user, hosts, path }
    }

    /// Returns the hosts. `None` if one is empty.
    fn hosts(&self) -> Option<Vec<&'a str>> {
        let hosts: Vec<&str> = self.hosts.split(',').map(str::trim).collect();
        hosts.iter().all(|host| !host.is_empty()).then_some(hosts)
    }

    /// A cluster has database 0 only, so its address has no path.
    fn cluster(&self, encrypted: bool) -> Option<Address> {
        let scheme = if encrypted { "rediss" } else { "redis" };
        let node = |host: &str| format!("{scheme}://{}{host}", self.user);
        let nodes = self.hosts()?.into_iter().map(node).collect();
        self.path.is_empty().then_some(Address::Cluster { nodes })
    }

    /// User, password and database are those of the servers that Sentinel watches.
    fn sentinel(&self, encrypted: bool) -> Option<Address> {
        let (service, database) = self.path.split_once('/').unwrap_or((self.path, "0"));
        if service.is_empty() {
            return None;
        }
        let server = format!("redis://{}server/{database}", self.user);
        let server = server.into_connection_info().ok()?;
        Some(Address::Sentinel {
            sentinels: self
                .hosts()?
                .into_iter()
                .map(|host| sentinel(host, encrypted))
                .collect::<Option<_>>()?,
            service: service.to_owned(),
            settings: server.redis_settings().clone(),
        })
    }
}

/// Reads the host and port of one sentinel.
fn sentinel(host: &str, encrypted: bool) -> Option<ConnectionAddr> {
    let scheme = if encrypted { "rediss" } else { "redis" };
    let has_port = host
        .rfind(':')
        .is_some_and(|colon| host.rfind(']').is_none_or(|end| end < colon));
    let url = match has_port {
        true => format!("{scheme}://{host}"),
        false => format!("{scheme}://{host}:{SENTINEL_PORT}"),
    };
    Some(url.into_connection_info().ok()?.addr().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str) -> Option<String> {
        let (address, encrypted) = Address::parse(url)?;
        let text = match address {
            Address::Cluster { nodes } => nodes.join(" "),
            Address::Sentinel {
                sentinels,
                service,
                settings,
            } => {
                let hosts: Vec<String> = sentinels.iter().map(ToString::to_string).collect();
                let (user, password) = (settings.username(), settings.password());
                format!(
                    "{} {service} {user:?} {password:?} {}",
                    hosts.join(" "),
                    settings.db()
                )
            }
            Address::Standalone(url) => url,
        };
        Some(format!("{text} {encrypted}"))
    }

    #[test]
    fn one_server_keeps_its_address() {
        let url = "redis://user:pass@host:6380/3";
        assert_eq!(check(url), Some(format!("{url} false")));
        assert_eq!(
            check("rediss://host"),
            Some("rediss://host true".to_owned())
        );
    }

    #[test]
    fn each_node_of_a_cluster_has_the_user_of_the_address() {
        assert_eq!(
            check("redis-cluster://user:p%40ss@one:7000,[::1]:7001").as_deref(),
            Some("redis://user:p%40ss@one:7000 redis://user:p%40ss@[::1]:7001 false")
        );
        assert_eq!(
            check("rediss-cluster://one:7000").as_deref(),
            Some("rediss://one:7000 true")
        );
    }

    #[test]
    fn the_user_of_a_sentinel_address_is_that_of_the_servers() {
        assert_eq!(
            check("redis-sentinel://user:p%40ss@one,[::1]:26380/main/2").as_deref(),
            Some("one:26379 ::1:26380 main Some(\"user\") Some(\"p@ss\") 2 false")
        );
        assert_eq!(
            check("rediss-sentinel://one/main").as_deref(),
            Some("one:26379 main None None 0 true")
        );
    }

    #[test]
    fn an_address_that_misses_a_part_is_refused() {
        for url in [
            "host:6379",
            "redis-cluster://one:7000/1",
            "redis-cluster://one,,two",
            "redis-cluster://",
            "redis-sentinel://one:26379",
            "redis-sentinel://one:26379/main/first",
            "redis-sentinel://one:port/main",
        ] {
            assert_eq!(check(url), None, "{url}");
        }
    }
}
