//! The services of the measured paths, from the bare one to the whole stack.

use std::{net::SocketAddr, path::Path, time::Duration};

use http::{HeaderValue, Method, Request, header::CONTENT_TYPE};
use palisade::core::{GuardLayer, Peer, Scheme, SystemClock};
use palisade::jwt::{
    Algorithm, Issuer, JwtLayer, Verifier,
    mint::{SigningKey, Token},
};
use palisade::sanitize::{Field, Sanitizer};
use palisade::{HeadersLayer, Policy, RateLimitLayer, SanitizeLayer};
use tower::Layer as _;

use super::{ADDRESSES, HotPath};
use crate::{Body, Floor, audit, chat_body, client, keys, limit, request, shield, still};

/// A rate that no measurement reaches.
const OFTEN: &str = "1000000000/minute";

/// Returns every path, each with its own state. Audit trails are written into the folder.
///
/// # Panics
///
/// When a part cannot be built.
#[must_use]
pub fn all(folder: &Path) -> Vec<HotPath> {
    let mut paths = layers(folder);
    paths.extend(credentials());
    paths.push(text_in_json());
    let bare = ["stack", "stack 401", "stack unknown key", "stack 429"];
    paths.extend(stack(bare, None));
    let with_trail = [
        "stack with trail",
        "stack with trail 401",
        "stack with trail unknown key",
        "stack with trail 429",
    ];
    paths.extend(stack(with_trail, Some(folder)));
    paths
}

/// A request of one of the addresses, with or without a key.
fn from_address(number: usize, key: Option<&str>) -> Request<Body> {
    let low = u8::try_from(number % ADDRESSES).unwrap_or_default();
    let address = SocketAddr::from(([203, 0, 113, low], 5000));
    let mut request = request(key);
    let peer = Peer::new(address, Scheme::Https);
    request.extensions_mut().insert(peer);
    request
}

fn layers(folder: &Path) -> Vec<HotPath> {
    let plain = |number| from_address(number, None);
    let without_fields = Policy::named("client").rate(OFTEN).expect("a rate");
    let without_fields = RateLimitLayer::by_client()
        .policy(without_fields)
        .clock(still().shared())
        .headers([])
        .build()
        .expect("a limit");
    let limited = |limit| GuardLayer((client(), limit)).layer(Floor);
    let trail = audit(&folder.join("layer.jsonl"));
    vec![
        HotPath::new("floor", 200, Floor, plain),
        HotPath::new("client address", 200, client().layer(Floor), plain),
        HotPath::new("limit without fields", 200, limited(without_fields), plain),
        HotPath::new("limit", 200, limited(limit(OFTEN)), plain),
        HotPath::new("limit refuses", 429, limited(limit("1/day")), plain),
        HotPath::new("headers", 200, HeadersLayer::api().layer(Floor), plain),
        HotPath::new("audit", 200, trail.layer(Floor), plain),
    ]
}

fn credentials() -> Vec<HotPath> {
    let (layer, key) = keys();
    let (_, unknown) = keys();
    let admitted = move |number| from_address(number, Some(&key));
    let refused = move |number| from_address(number, Some(&unknown));
    let none = |number| from_address(number, None);
    let (verifier, bearer) = token();
    let shown = move |number| {
        let mut request = from_address(number, None);
        let headers = request.headers_mut();
        headers.insert("authorization", bearer.clone());
        request
    };
    let with_token = JwtLayer::new(verifier).layer(Floor);
    vec![
        HotPath::new("api key", 200, layer.layer(Floor), admitted),
        HotPath::new("api key unknown", 401, layer.layer(Floor), refused),
        HotPath::new("api key none", 401, layer.layer(Floor), none),
        HotPath::new("jwt cached", 200, with_token, shown),
    ]
}

/// A text of a kilobyte in a JSON body, which needs no cleaning.
fn text_in_json() -> HotPath {
    let layer = SanitizeLayer::builder()
        .field(Field::required("/input", Sanitizer::prompt()))
        .build()
        .expect("a layer");
    let body = chat_body();
    let make = move |number| {
        let mut request = from_address(number, None);
        *request.method_mut() = Method::POST;
        *request.body_mut() = Body::new(body.clone());
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(CONTENT_TYPE, json);
        request
    };
    HotPath::new("text in json", 200, layer.layer(Floor), make)
}

/// A verifier, and the value of `Authorization` with a token that it accepts.
fn token() -> (Verifier, HeaderValue) {
    let signing = SigningKey::generate(Algorithm::Es256).expect("a key");
    let signing = signing.with_kid("one");
    let token = Token::new("https://id.example", "voice", "ann")
        .lifetime(Duration::from_secs(3600))
        .scopes(["tts:speak"])
        .sign(&signing, &SystemClock::default())
        .expect("a token");
    let issuer = Issuer::new("https://id.example", "voice", signing.verifying_key());
    let verifier = Verifier::builder().issuer(issuer).build();
    let bearer = format!("Bearer {token}").parse().expect("a header value");
    (verifier.expect("a verifier"), bearer)
}

/// The whole stack: admitted, without a key, an unknown key, and refused by the limit of addresses.
fn stack(names: [&'static str; 4], folder: Option<&Path>) -> [HotPath; 4] {
    let [admitted, none, unknown, limited] = names;
    let trail = |name| folder.map(|folder| audit(&folder.join(format!("{name}.jsonl"))));
    let path = |name, status, rate, key: fn(&str) -> Option<String>| {
        let (shield, valid) = shield(rate, trail(name));
        let key = key(&valid);
        let make = move |number| from_address(number, key.as_deref());
        HotPath::new(name, status, shield.wrap(Floor), make)
    };
    let valid = |key: &str| Some(key.to_owned());
    [
        path(admitted, 200, OFTEN, valid),
        path(none, 401, OFTEN, |_| None),
        path(unknown, 401, OFTEN, |_| Some(keys().1)),
        path(limited, 429, "1/day", valid),
    ]
}
