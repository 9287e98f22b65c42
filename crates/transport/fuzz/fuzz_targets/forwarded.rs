//! The resolution of forwarding headers: whatever a client sends, the address that the proxy saw counts, and
//! of a stranger's forwarding headers none is left.

#![no_main]

use std::sync::LazyLock;

use http::{HeaderName, HeaderValue, Request, request::Parts};
use libfuzzer_sys::fuzz_target;
use palisade_core::{ClientInfo, Guard, Peer, Scheme, SecurityContext, Verdict};
use palisade_transport::{ClientInfoLayer, ForwardedHeader, TrustedProxies};

const CLIENT: &str = "203.0.113.7";
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The layers that read a header, and what the proxy appends to it.
static PROXIED: LazyLock<Vec<(HeaderName, ClientInfoLayer, &str)>> = LazyLock::new(|| {
    let cases = [
        (ForwardedHeader::XForwardedFor, CLIENT),
        (ForwardedHeader::XForwardedFor, "203.0.113.7:4711"),
        (ForwardedHeader::Forwarded, "for=203.0.113.7;proto=http"),
        (
            ForwardedHeader::Forwarded,
            "proto=http;for=\"203.0.113.7:4711\"",
        ),
    ];
    let proxied = cases.map(|(header, appended)| {
        let layer = ClientInfoLayer::behind(TrustedProxies::loopback(), header.clone());
        (header.name(), layer, appended)
    });
    proxied.into()
});

static DIRECT: LazyLock<ClientInfoLayer> = LazyLock::new(ClientInfoLayer::direct);

// Each line is a value of the header that is read, and if it looks like one, a header of its own.
fuzz_target!(|sent: &[u8]| {
    let lines: Vec<&[u8]> = sent.split(|byte| *byte == b'\n').take(64).collect();
    for (name, layer, appended) in &*PROXIED {
        for same_line in [true, false] {
            let mut head = sent_by(&lines, name);
            append(&mut head, name, appended, same_line);
            // A list of schemes does not fit one proxy, and is refused.
            let is_list = head.headers.contains_key(&PROTO);
            append(&mut head, &PROTO, "http", same_line);
            let Some(client) = admit(layer, &mut head) else {
                assert!(is_list, "refused without a reason");
                continue;
            };
            assert_eq!(client.ip().to_string(), CLIENT);
            assert_eq!(client.scheme(), Scheme::Http);
            assert_eq!(client.forwarded_host(), None);
        }
    }
    let mut head = sent_by(&lines, &PROXIED[0].0);
    let client = admit(&DIRECT, &mut head).expect("a peer is a client");
    assert!(client.ip().is_loopback() && client.scheme() == Scheme::Https);
    let telling = |name: String| {
        name.starts_with("x-forwarded") || name == "forwarded" || name == "x-real-ip"
    };
    let mut left = head
        .headers
        .keys()
        .map(|name| name.as_str().replace('_', "-"));
    assert!(!left.any(telling));
});

fn sent_by(lines: &[&[u8]], name: &HeaderName) -> Parts {
    let mut head = Request::new(()).into_parts().0;
    for line in lines {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            head.headers.append(name, value);
        }
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let name = HeaderName::from_bytes(halves.next().unwrap_or_default());
        let value = HeaderValue::from_bytes(halves.next().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (name, value) {
            head.headers.append(name, value);
        }
    }
    head
}

/// What a proxy does: it adds to the last line of the list, or a line of its own.
fn append(head: &mut Parts, name: &HeaderName, appended: &str, same_line: bool) {
    let lines: Vec<HeaderValue> = head.headers.get_all(name).iter().cloned().collect();
    head.headers.remove(name);
    let (last, before) = match lines.split_last() {
        Some((last, before)) if same_line => (Some(last), before),
        _ => (None, &lines[..]),
    };
    for line in before {
        head.headers.append(name, line.clone());
    }
    let line = match last {
        Some(last) => [last.as_bytes(), b", ", appended.as_bytes()].concat(),
        None => appended.into(),
    };
    head.headers.append(
        name,
        HeaderValue::from_bytes(&line).expect("two values make one"),
    );
}

fn admit(layer: &ClientInfoLayer, head: &mut Parts) -> Option<ClientInfo> {
    head.extensions
        .insert(Peer::new(([127, 0, 0, 1], 4711).into(), Scheme::Https));
    let cx = SecurityContext::find_or_create(head);
    match layer.admit(&cx, head) {
        Verdict::Admit(()) => cx.client().cloned(),
        _ => None,
    }
}
