//! PROXY protocol, version 2: addresses are where the protocol has them, a LOCAL header has
//! none, texts are plain, and the length does not depend on what follows.

#![no_main]

use std::net::{IpAddr, SocketAddr};

use libfuzzer_sys::fuzz_target;
use palisade_transport::server::ProxyHeader;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

fuzz_target!(|rest: &[u8]| {
    let bytes = [SIGNATURE, rest].concat();
    let Ok(Some((header, length))) = ProxyHeader::parse(&bytes) else {
        return;
    };
    let declared = usize::from(u16::from_be_bytes([bytes[14], bytes[15]]));
    assert_eq!(length, 16 + declared);
    assert!(length <= 4096 && length <= bytes.len());
    assert_eq!(
        ProxyHeader::parse(&bytes[..length]),
        Ok(Some((header.clone(), length)))
    );
    assert_eq!(ProxyHeader::parse(&bytes[..length - 1]), Ok(None));
    let (source, destination) = match (bytes[12], bytes[13]) {
        (0x21, 0x11) => (address::<4>(&bytes, 16, 24), address::<4>(&bytes, 20, 26)),
        (0x21, 0x21) => (address::<16>(&bytes, 16, 48), address::<16>(&bytes, 32, 50)),
        (0x20, _) | (0x21, 0x00 | 0x31) => (None, None),
        other => panic!("accepted: {other:?}"),
    };
    assert_eq!((header.source(), header.destination()), (source, destination));
    for text in [header.authority(), header.tls_version()].into_iter().flatten() {
        assert!(text.len() <= 255 && text.bytes().all(|byte| byte.is_ascii_graphic()));
    }
});

/// Reads an address and a port at their positions.
fn address<const N: usize>(bytes: &[u8], at: usize, port: usize) -> Option<SocketAddr>
where
    IpAddr: From<[u8; N]>,
{
    let address = <[u8; N]>::try_from(&bytes[at..at + N]).ok()?;
    let port = u16::from_be_bytes([bytes[port], bytes[port + 1]]);
    Some((IpAddr::from(address), port).into())
}
