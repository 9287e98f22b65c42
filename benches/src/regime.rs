//! The two ways in which requests come: one again and again, and many different ones.

use std::net::{Ipv4Addr, SocketAddr};

use http::Request;
use palisade::core::{Peer, Scheme};

use crate::{Body, peer, request};

/// How many different requests the cold regime has.
pub const DIFFERENT_REQUESTS: usize = 20_000;

/// From how many addresses the requests of the cold regime come.
pub const ADDRESSES: usize = 10_000;

/// How requests come to a service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // The two regimes are all there are.
pub enum Regime {
    /// The same request again and again: everything it touches is in the nearest cache.
    Hot,
    /// 20,000 requests from 10,000 addresses in turn, made beforehand: caches as in a server.
    Cold,
}

impl Regime {
    /// Both, in the order in which they are printed.
    pub const BOTH: [Self; 2] = [Self::Hot, Self::Cold];

    /// The name in the results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Cold => "cold",
        }
    }

    /// How many requests are made before the clock starts.
    #[must_use]
    pub const fn batch(self) -> usize {
        match self {
            Self::Hot => 64,
            Self::Cold => DIFFERENT_REQUESTS,
        }
    }

    /// The address of the client that sends request number `index`.
    #[must_use]
    pub fn peer(self, index: usize) -> SocketAddr {
        match self {
            Self::Hot => peer(),
            Self::Cold => address(index % ADDRESSES),
        }
    }

    /// Request number `index`, with or without a key, as it comes from a server.
    #[must_use]
    pub fn request(self, key: Option<&str>, index: usize) -> Request<Body> {
        let mut request = request(key);
        let from = Peer::new(self.peer(index), Scheme::Https);
        request.extensions_mut().insert(from);
        request
    }
}

/// One of the addresses, spread over networks as clients are.
fn address(number: usize) -> SocketAddr {
    // 198.18.0.0/15 is set aside for measurements (RFC 2544). A factor that is prime to the number
    // of addresses there scatters neighbours.
    let scattered = u32::try_from(number * 12_289 % (1 << 17)).unwrap_or_default();
    let base = u32::from(Ipv4Addr::new(198, 18, 0, 0));
    SocketAddr::from((Ipv4Addr::from(base + scattered), 5000))
}
