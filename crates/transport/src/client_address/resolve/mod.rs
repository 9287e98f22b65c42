//! Determines the client: a function of the peer, the headers and the configuration.
//!
//! Called for requests of trusted proxies only. It reads no context and changes no header.

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use http::HeaderMap;
use palisade_core::{Peer, Scheme};

use crate::client_address::{
    header::{self, Ambiguous, Hop},
    proxies::TrustedProxies,
    source::{ForwardedHeader, Source},
};

/// The most trusted hops that are followed. A longer chain is a loop of proxies.
const MAX_TRUSTED_HOPS: usize = 16;

/// What was found out about the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Decision<'a> {
    /// The client's address, in canonical form.
    pub(super) address: IpAddr,
    /// The scheme that the client used towards the outermost trusted proxy.
    pub(super) scheme: Scheme,
    /// The host that the client sent to the proxy, not yet checked. `None` if it is not read.
    pub(super) host: Option<&'a str>,
    /// Whether a trusted proxy wrote something that is not an address. The proxy is the client
    /// then.
    pub(super) stopped: bool,
}

/// Reads the headers of a trusted peer. The caller has checked that it is trusted.
///
/// # Errors
///
/// A header has several values, and one of them may be the client's.
pub(super) fn decide<'a>(
    peer: Peer,
    headers: &'a HeaderMap,
    proxies: &TrustedProxies,
    source: &Source,
) -> Result<Decision<'a>, Ambiguous> {
    let chain = match &source.address {
        ForwardedHeader::Forwarded => {
            let hops = header::of_forwarded(headers, &source.name);
            return Ok(inside_forwarded(
                peer,
                &follow_hops(peer, hops, proxies),
                source,
            ));
        }
        ForwardedHeader::Vendor(name) => {
            if headers.get_all(name).into_iter().nth(1).is_some() {
                return Err(Ambiguous(
                    "the proxy adds its client address header without removing the client's own",
                ));
            }
            follow_hops(peer, read_single(headers, name), proxies)
        }
        ForwardedHeader::XForwardedFor => {
            follow_hops(peer, header::of_list(headers, &source.name), proxies)
        }
    };
    // A trusted proxy that appends to one list appends to the others, so the values match.
    let value = |name| header::value_of_outermost(headers, name, chain.hops);
    let proto = value(&source.scheme)?;
    let host = source.accepts_host.then(|| value(&source.host));
    Ok(Decision {
        address: chain.address,
        scheme: proto.map_or(peer.scheme, parse_scheme),
        host: host.transpose()?.flatten(),
        stopped: chain.stopped,
    })
}

/// Takes scheme and host from the outermost `Forwarded` element that a trusted proxy wrote.
fn inside_forwarded<'a>(peer: Peer, chain: &TrustedChain<'a>, source: &Source) -> Decision<'a> {
    Decision {
        address: chain.address,
        scheme: chain.last.proto.map_or(peer.scheme, parse_scheme),
        host: chain.last.host.filter(|_| source.accepts_host),
        stopped: chain.stopped,
    }
}

/// Reads a vendor's header. It has one address; a list is not one.
fn read_single<'a>(
    headers: &'a HeaderMap,
    name: &http::HeaderName,
) -> impl Iterator<Item = Hop<'a>> {
    headers.get(name).into_iter().map(|line| Hop {
        address: line
            .to_str()
            .ok()
            .map(str::trim)
            .and_then(header::parse_address),
        ..Hop::default()
    })
}

/// The state of the search, from the nearest hop outwards.
struct TrustedChain<'a> {
    /// The last address that was read.
    address: IpAddr,
    /// How many hops trusted proxies wrote.
    hops: usize,
    /// Host and scheme of the outermost trusted proxy that wrote them.
    last: Hop<'a>,
    /// Whether the search ended at a hop without an address.
    stopped: bool,
}

/// Goes from the nearest hop outwards, as long as the proxy that wrote the hop is trusted.
fn follow_hops<'a>(
    peer: Peer,
    hops: impl Iterator<Item = Hop<'a>>,
    proxies: &TrustedProxies,
) -> TrustedChain<'a> {
    let mut chain = TrustedChain {
        address: peer.address.ip().to_canonical(),
        hops: 0,
        last: Hop::default(),
        stopped: false,
    };
    for (count, hop) in hops.enumerate() {
        if count == MAX_TRUSTED_HOPS {
            chain.stopped = true;
            return chain;
        }
        chain.hops = count + 1;
        // Hosts and schemes may be written by some proxies of a chain and not by others.
        chain.last = Hop {
            host: hop.host.or(chain.last.host),
            proto: hop.proto.or(chain.last.proto),
            ..hop
        };
        // A hop that cannot be read is never skipped: what is left of it may be forged.
        let Some(address) = hop.address else {
            chain.stopped = true;
            return chain;
        };
        chain.address = address;
        if !proxies.contains(address) {
            return chain;
        }
    }
    chain
}

/// Reads a scheme. Every value except `https` and `wss` counts as clear text.
fn parse_scheme(written: &str) -> Scheme {
    let secure = ["https", "wss"]
        .iter()
        .any(|known| written.eq_ignore_ascii_case(known));
    if secure { Scheme::Https } else { Scheme::Http }
}
