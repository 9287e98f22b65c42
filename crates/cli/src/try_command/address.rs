//! `palisade try address`: determines the client's address as the layer does.
//!
//! # Input
//!
//! | member | default | meaning |
//! |---|---|---|
//! | `peer` | required | IP address of the connection, with or without a port |
//! | `headers` | none | pairs of name and value, in their order; a name may occur several times |
//! | `scheme` | `http` | `https` if the connection itself has TLS |
//!
//! An unknown member is an error: a misspelled one would be silently ignored.
//!
//! # Output
//!
//! `{"address":…,"scheme":…,"hops":[…]}`, with `notes` if the layer noted something. A refused
//! request has `refused` (the code of the problem document) and `detail`. A line that describes no
//! request has `error`: `not_a_request`, `peer_invalid` or `header_invalid`, and `detail`.
//!
//! The headers are those of RFC 7239 (`Forwarded`) and the usual `X-Forwarded-For` and
//! `X-Forwarded-Proto`. The decision is made by `ClientInfoLayer` itself.

use std::net::{IpAddr, SocketAddr};

use clap::Args;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use palisade::transport::{ClientInfoLayer, ForwardedHeader, TrustedProxies};
use palisade_core::{Fact, Guard, Peer, Rejection, Scheme, SecurityContext, Verdict};
use serde::Deserialize;
use serde_json::{Value, json};

use super::each_line;
use crate::failure::Failure;

const EXAMPLES: &str = "\
Reads one JSON object a line from standard input and prints one JSON object a line. The exit code is 0 whatever is decided.

Input: {\"peer\":\"10.0.0.1\",\"headers\":[[\"X-Forwarded-For\",\"203.0.113.7\"],[\"X-Forwarded-Proto\",\"https\"]]}
`peer` may have a port. `\"scheme\":\"https\"` says that the connection itself has TLS; the default is http.

Example:
  palisade try address --trust 10.0.0.0/8 --header X-Forwarded-For < requests.jsonl
  {\"address\":\"203.0.113.7\",\"hops\":[\"10.0.0.1\"],\"scheme\":\"https\"}";

/// The header of the search for hops: no proxy sends it, so the scheme is never ambiguous there.
const NO_HEADER: HeaderName = HeaderName::from_static("x-palisade-no-scheme");

/// Determines the address of clients behind proxies
///
/// Each line is a request: the address of the peer and the headers, in their order. The result is the
/// client's address, the scheme that it used, and the trusted proxies in between, the nearest first. An
/// ambiguous request gets the code of the refusal.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TryAddress {
    /// Trusted proxies: an address or a network; may be given several times
    ///
    /// Default: none, so that the peer is the client and no header is read.
    #[arg(long = "trust", value_name = "CIDR", value_parser = TrustedProxies::parse)]
    trust: Vec<TrustedProxies>,
    /// The header in which the proxies send the client's address
    ///
    /// Forwarded, X-Forwarded-For, or a header with one address such as CF-Connecting-IP. Exactly one is read.
    #[arg(long, default_value = "X-Forwarded-For", value_name = "NAME", value_parser = ForwardedHeader::named)]
    header: ForwardedHeader,
}

/// A request as a line of the input describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    /// The address of the connection, as text.
    peer: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    scheme: DescribedScheme,
}

/// Whether the connection of the peer has TLS.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DescribedScheme {
    #[default]
    Http,
    Https,
}

/// What the layer decided about one request.
struct Decision {
    address: IpAddr,
    scheme: Scheme,
    /// What the layer noted for the audit trail.
    notes: Vec<String>,
}

impl TryAddress {
    /// Decides about each line.
    ///
    /// # Errors
    ///
    /// A setting is wrong, or standard input or output cannot be used.
    pub(super) fn run(self) -> Result<(), Failure> {
        let none = TrustedProxies::none();
        let proxies = self.trust.iter().fold(none, |all, one| all.and(one));
        each_line(|line| match parse_request(line) {
            Ok((peer, headers)) => self.result_document(&proxies, peer, &headers),
            Err((error, detail)) => json!({ "error": error, "detail": detail }),
        })
    }

    /// The result of one request, as the object that is printed.
    fn result_document(&self, proxies: &TrustedProxies, peer: Peer, headers: &HeaderMap) -> Value {
        let layer = ClientInfoLayer::behind(proxies.clone(), self.header.clone());
        let decision = match client_of_request(&layer, peer, headers) {
            Ok(decision) => decision,
            Err(rejection) => {
                let why = rejection.reason().unwrap_or_else(|| rejection.detail());
                return json!({ "refused": rejection.code(), "detail": why });
            }
        };
        let hops = self.trusted_hops(proxies, peer, headers);
        let hops: Vec<String> = hops.iter().map(ToString::to_string).collect();
        let mut result = json!({
            "address": decision.address.to_string(),
            "scheme": decision.scheme.as_str(),
            "hops": hops,
        });
        if let (Some(result), false) = (result.as_object_mut(), decision.notes.is_empty()) {
            result.insert("notes".into(), decision.notes.into());
        }
        result
    }

    /// Returns the trusted proxies on the way, the nearest first. Each is listed once.
    ///
    /// The layer itself is asked, with one more proxy trusted in each step: its client is then the next
    /// address on the way.
    fn trusted_hops(
        &self,
        proxies: &TrustedProxies,
        peer: Peer,
        headers: &HeaderMap,
    ) -> Vec<IpAddr> {
        let mut hops: Vec<IpAddr> = Vec::new();
        let mut known = TrustedProxies::none();
        let mut next = peer.address.ip().to_canonical();
        while proxies.contains(next) && !hops.contains(&next) {
            hops.push(next);
            let Ok(one) = TrustedProxies::parse(&next.to_string()) else {
                break;
            };
            known = known.and(&one);
            let layer = ClientInfoLayer::builder()
                .behind(known.clone(), self.header.clone())
                .scheme_from(NO_HEADER)
                .build();
            match client_of_request(&layer, peer, headers) {
                Ok(decision) => next = decision.address,
                Err(_) => break,
            }
        }
        hops
    }
}

/// Lets the layer decide about a request with this peer and these headers.
///
/// # Errors
///
/// The refusal of the layer.
fn client_of_request(
    layer: &ClientInfoLayer,
    peer: Peer,
    headers: &HeaderMap,
) -> Result<Decision, Box<Rejection>> {
    let (mut head, ()) = Request::new(()).into_parts();
    head.headers = headers.clone();
    head.extensions.insert(peer);
    let cx = SecurityContext::find_or_create(&mut head);
    if let Verdict::Refuse(rejection) = layer.admit(&cx, &mut head) {
        return Err(rejection);
    }
    let notes = cx.facts().into_iter().filter_map(|fact| match fact {
        Fact::Noted { value, .. } => Some(value.into_owned()),
        _ => None,
    });
    let client = cx.client();
    Ok(Decision {
        address: client.map_or(peer.address.ip(), |client| client.ip()),
        scheme: client.map_or(peer.scheme, |client| client.scheme()),
        notes: notes.collect(),
    })
}

/// Reads a line. Returns a code and a sentence if it describes no request.
///
/// # Errors
///
/// A stable code and a sentence, which become `error` and `detail`.
fn parse_request(line: &[u8]) -> Result<(Peer, HeaderMap), (&'static str, String)> {
    let described: Described = serde_json::from_slice(line).map_err(|problem| {
        let form = r#"write {"peer":"10.0.0.1","headers":[["name","value"]]} a line"#;
        ("not_a_request", format!("{form}: {problem}"))
    })?;
    let address = peer_address(&described.peer).ok_or_else(|| {
        let words = "write the peer as an IP address, with or without a port";
        ("peer_invalid", words.to_owned())
    })?;
    let scheme = match described.scheme {
        DescribedScheme::Http => Scheme::Http,
        DescribedScheme::Https => Scheme::Https,
    };
    Ok((
        Peer::new(address, scheme),
        parse_headers(&described.headers)?,
    ))
}

/// Reads `10.0.0.1`, `10.0.0.1:443`, `2001:db8::1` and `[2001:db8::1]:443`.
///
/// Without a port the port is 0: the layer does not use it.
fn peer_address(written: &str) -> Option<SocketAddr> {
    let with_port = || written.parse().ok();
    match written.parse::<IpAddr>() {
        Ok(address) => Some(SocketAddr::new(address, 0)),
        Err(_) => with_port(),
    }
}

/// Makes headers of names and values. An HTTP server would refuse a request with one that is not valid.
///
/// # Errors
///
/// `header_invalid` with the index of the first wrong header, counted from 0.
fn parse_headers(written: &[(String, String)]) -> Result<HeaderMap, (&'static str, String)> {
    let mut headers = HeaderMap::new();
    for (index, (name, value)) in written.iter().enumerate() {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_bytes(value.as_bytes());
        let (Ok(name), Ok(value)) = (name, value) else {
            let words = format!("header {index} has a name or value that HTTP does not allow");
            return Err(("header_invalid", words));
        };
        headers.append(name, value);
    }
    Ok(headers)
}
