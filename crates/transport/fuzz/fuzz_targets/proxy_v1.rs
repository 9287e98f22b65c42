//! PROXY protocol, version 1: a header has one accepted spelling, is whole or refused, and its
//! length does not depend on what follows.

#![no_main]

use std::net::SocketAddr;

use libfuzzer_sys::fuzz_target;
use palisade_transport::server::ProxyHeader;

fuzz_target!(|rest: &[u8]| {
    let bytes = [b"PROXY ", rest].concat();
    let Ok(Some((header, length))) = ProxyHeader::parse(&bytes) else {
        return;
    };
    assert!(length <= 107 && length <= bytes.len());
    assert_eq!(
        ProxyHeader::parse(&bytes[..length]),
        Ok(Some((header.clone(), length)))
    );
    for cut in 0..length {
        assert_eq!(ProxyHeader::parse(&bytes[..cut]), Ok(None), "cut at {cut}");
    }
    let line = std::str::from_utf8(&bytes[..length]).expect("a header is text");
    match (header.source(), header.destination()) {
        (Some(SocketAddr::V4(source)), Some(SocketAddr::V4(destination))) => assert_eq!(
            line,
            format!(
                "PROXY TCP4 {} {} {} {}\r\n",
                source.ip(),
                destination.ip(),
                source.port(),
                destination.port()
            )
        ),
        (Some(SocketAddr::V6(source)), Some(SocketAddr::V6(destination))) => {
            let words: Vec<_> = line.trim_end().split(' ').collect();
            assert_eq!(words.len(), 6);
            assert_eq!(words[1], "TCP6");
            assert_eq!(words[2].parse().ok().as_ref(), Some(source.ip()));
            assert_eq!(words[3].parse().ok().as_ref(), Some(destination.ip()));
            assert_eq!(words[4], source.port().to_string());
            assert_eq!(words[5], destination.port().to_string());
        }
        (None, None) => assert!(line.starts_with("PROXY UNKNOWN")),
        other => panic!("two families: {other:?}"),
    }
    assert!(!header.is_tls() && header.authority().is_none());
});
