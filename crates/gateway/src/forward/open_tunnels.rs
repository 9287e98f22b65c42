//! The connections of a gateway that switched to WebSocket: how many, and whose.
//!
//! The stack decides about a WebSocket once, when it opens. After that no rate limit sees it, so the
//! number of open ones is bounded here.
//!
//! | bound | default | at the bound |
//! |---|---|---|
//! | open in all | 10000 | 503 `unavailable` |
//! | open for one client | 100 | 429 `websocket_limit` |
//!
//! A client is the principal, or the address for a guest; of an IPv6 address the first 64 bits count,
//! since one subscriber has them all.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use palisade::core::{Rejection, SecurityContext};
use tokio::sync::watch;

use super::failure;
use crate::upstream::WebSocketLimits;

/// The bits of an IPv6 address that identify a subscriber (RFC 6177 section 2).
const IPV6_NETWORK: u128 = u128::MAX << 64;

/// The open tunnels of a gateway: counted, and ended when the gateway stops. Clones share them.
///
/// There is one list for a gateway. It outlives reloads.
#[derive(Clone, Debug)]
pub(crate) struct OpenTunnels(Arc<State>);

/// Two channels that keep their last value, so that no change is missed by a task that looks later.
#[derive(Debug)]
struct State {
    /// True: all have to end.
    stop: watch::Sender<bool>,
    /// How many are open.
    open: watch::Sender<usize>,
    /// How many each client has open. A client without one has no entry.
    by_client: Mutex<HashMap<Client, u32>>,
}

/// Whose tunnels are counted together.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Client {
    /// A guest, by its network.
    Network(IpAddr),
    /// Kind and ID of a principal.
    Principal(&'static str, Box<str>),
    /// No layer outside has looked who the client is.
    Unknown,
}

impl Default for OpenTunnels {
    fn default() -> Self {
        let state = State {
            stop: watch::Sender::new(false),
            open: watch::Sender::new(0),
            by_client: Mutex::default(),
        };
        Self(Arc::new(state))
    }
}

impl OpenTunnels {
    /// Tells all tunnels to end, also those that open later.
    ///
    /// It returns at once. Use `until_none_open` to wait.
    pub(crate) fn stop(&self) {
        self.0.stop.send_replace(true);
    }

    /// Waits until none is open, at most for `patience`.
    ///
    /// The audit trail is closed after that, so that the records of the last sockets are in it.
    ///
    /// Tunnels that are still open after `patience` end with the process; their records may be
    /// missing.
    pub(crate) async fn until_none_open(&self, patience: Duration) {
        let mut open = self.0.open.subscribe();
        let none = open.wait_for(|open| *open == 0);
        let _ = tokio::time::timeout(patience, none).await;
    }

    /// Returns how many are open.
    pub(crate) fn open_count(&self) -> usize {
        *self.0.open.borrow()
    }

    /// Counts a tunnel, before the upstream is asked.
    ///
    /// The counts go down when the returned value is dropped, also after a panic of its task.
    ///
    /// # Errors
    ///
    /// There are too many, in all or of this client.
    pub(super) fn count_tunnel(
        &self,
        cx: &SecurityContext,
        limits: WebSocketLimits,
    ) -> Result<Entered, Box<Rejection>> {
        let client = Client::from_context(cx);
        let mut by_client = self.by_client();
        if *self.0.open.borrow() >= limits.most as usize {
            return Err(failure::no_websocket_left().into());
        }
        let count = by_client.entry(client.clone()).or_insert(0);
        if *count >= limits.most_per_client {
            return Err(failure::too_many_websockets().into());
        }
        *count += 1;
        self.0.open.send_modify(|open| *open += 1);
        let tunnels = self.clone();
        Ok(Entered { tunnels, client })
    }

    /// Locks the counts of the clients.
    fn by_client(&self) -> MutexGuard<'_, HashMap<Client, u32>> {
        // Counts are valid after any panic.
        let by_client = self.0.by_client.lock();
        by_client.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    /// Returns who the stack says the client is.
    fn from_context(cx: &SecurityContext) -> Self {
        match (cx.principal(), cx.client()) {
            (Some(who), _) => Self::Principal(who.kind(), who.id().into()),
            (None, Some(client)) => Self::Network(network_of(client.ip())),
            (None, None) => Self::Unknown,
        }
    }
}

/// Returns the address, or the first 64 bits of an IPv6 address.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & IPV6_NETWORK).into(),
        address => address,
    }
}

/// A tunnel that is counted.
#[derive(Debug)]
pub(super) struct Entered {
    /// Where the tunnel is counted. Its drop ends that.
    tunnels: OpenTunnels,
    /// Whose tunnel it is.
    client: Client,
}

impl Entered {
    /// Waits until the gateway stops.
    ///
    /// Returns at once if it has already stopped.
    pub(super) async fn until_gateway_stops(&self) {
        let mut stop = self.tunnels.0.stop.subscribe();
        let _ = stop.wait_for(|stop| *stop).await;
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut by_client = self.tunnels.by_client();
        if let Some(count) = by_client.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                by_client.remove(&self.client);
            }
        }
        self.tunnels.0.open.send_modify(|open| *open -= 1);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn context() -> SecurityContext {
        SecurityContext::find_or_create(&mut http::Request::new(()).into_parts().0)
    }

    #[test]
    fn a_client_at_its_bound_gets_a_place_when_it_closes_one() {
        let (tunnels, cx) = (OpenTunnels::default(), context());
        let limits = WebSocketLimits {
            most: 3,
            most_per_client: 2,
            max_bytes: None,
        };
        let first = tunnels.count_tunnel(&cx, limits).unwrap();
        let _second = tunnels.count_tunnel(&cx, limits).unwrap();
        let refused = tunnels.count_tunnel(&cx, limits).unwrap_err();
        assert_eq!(refused.code(), "websocket_limit");
        drop(first);
        assert!(tunnels.count_tunnel(&cx, limits).is_ok());
        assert_eq!(tunnels.by_client().len(), 1);
    }

    #[test]
    fn at_the_bound_in_all_no_one_gets_a_place_and_no_entry_is_left() {
        let (tunnels, cx) = (OpenTunnels::default(), context());
        let limits = WebSocketLimits {
            most: 1,
            most_per_client: 2,
            max_bytes: None,
        };
        let first = tunnels.count_tunnel(&cx, limits).unwrap();
        assert_eq!(
            tunnels.count_tunnel(&cx, limits).unwrap_err().code(),
            "unavailable"
        );
        drop(first);
        assert!(tunnels.by_client().is_empty());
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let network = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:2"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }
}
