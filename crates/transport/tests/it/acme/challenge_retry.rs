//! A client that begins a handshake as the challenge of an authority, and after a
//! `HelloRetryRequest` (RFC 8446, section 4.1.2) offers HTTP.
//!
//! RFC 8446 lets the second `ClientHello` change little, and a server that chose its settings by the
//! first must not serve what the second asks for. The client here is that of rustls: it offers a
//! group that no server has, so that it is asked for another, and its first `ClientHello` is
//! rewritten, on the wire and in the transcript. So a server that accepts it would serve a request.

use std::{fs, io, sync::Arc};

use palisade_transport::server::{ClientAuth, DevAuthority};
use rustls::{
    CipherSuiteCommon, ClientConfig, ClientConnection, Error, NamedGroup, SupportedCipherSuite,
    Tls13CipherSuite,
    crypto::{
        ActiveKeyExchange, SharedSecret, SupportedKxGroup,
        aws_lc_rs::{cipher_suite::TLS13_AES_256_GCM_SHA384, default_provider, kx_group},
        hash::{Context, Hash, HashAlgorithm, Output},
    },
    pki_types::ServerName,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{challenges::acme, client::AnyCertificate, pebble::NAME};
use crate::support::{Running, bind, start, tls, within};

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
/// The protocols of a challenge, as they are on the wire (RFC 7301, section 3.1).
const CHALLENGE: &[u8] = b"\x0aacme-tls/1";
/// Others of the same length: `http/1.1` and `x`.
const HTTP: &[u8] = b"\x08http/1.1\x01x";

fn rewrite(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let found = bytes.windows(from.len()).position(|part| part == from);
    if let Some(at) = found {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

/// A group of a key exchange that no server here has.
#[derive(Debug)]
struct UnknownGroup;

impl SupportedKxGroup for UnknownGroup {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        Ok(Box::new(Self))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

impl ActiveKeyExchange for UnknownGroup {
    fn complete(self: Box<Self>, _: &[u8]) -> Result<SharedSecret, Error> {
        Err(Error::General("no server chooses this group".to_owned()))
    }

    fn pub_key(&self) -> &[u8] {
        &[4; 133]
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

/// What the first `ClientHello` offers in place of [`HTTP`].
struct Transcript {
    first: &'static [u8],
    real: &'static dyn Hash,
}

impl Hash for Transcript {
    fn start(&self) -> Box<dyn Context> {
        Box::new(Rewritten {
            real: self.real.start(),
            first: Some(self.first),
        })
    }

    fn hash(&self, data: &[u8]) -> Output {
        self.real.hash(data)
    }

    fn output_len(&self) -> usize {
        self.real.output_len()
    }

    fn algorithm(&self) -> HashAlgorithm {
        self.real.algorithm()
    }
}

struct Rewritten {
    real: Box<dyn Context>,
    first: Option<&'static [u8]>,
}

impl Context for Rewritten {
    fn fork_finish(&self) -> Output {
        self.real.fork_finish()
    }

    fn fork(&self) -> Box<dyn Context> {
        self.real.fork()
    }

    fn finish(self: Box<Self>) -> Output {
        self.real.finish()
    }

    fn update(&mut self, data: &[u8]) {
        // A transcript begins with the first `ClientHello` (type 1), or with its digest.
        match self.first.take().filter(|_| data.first() == Some(&1)) {
            Some(first) => self.real.update(&rewrite(data, HTTP, first)),
            None => self.real.update(data),
        }
    }
}

/// A client whose first `ClientHello` offers `first`, and whose second one offers HTTP.
fn client(first: &'static [u8]) -> ClientConnection {
    let SupportedCipherSuite::Tls13(real) = TLS13_AES_256_GCM_SHA384 else {
        panic!("a suite of TLS 1.3");
    };
    let hash: &'static Transcript = Box::leak(Box::new(Transcript {
        first,
        real: real.common.hash_provider,
    }));
    let suite: &'static Tls13CipherSuite = Box::leak(Box::new(Tls13CipherSuite {
        common: CipherSuiteCommon {
            suite: real.common.suite,
            hash_provider: hash,
            confidentiality_limit: real.common.confidentiality_limit,
        },
        hkdf_provider: real.hkdf_provider,
        aead_alg: real.aead_alg,
        quic: None,
    }));
    let mut provider = default_provider();
    let verifier = AnyCertificate(provider.signature_verification_algorithms);
    provider.cipher_suites = vec![SupportedCipherSuite::Tls13(suite)];
    provider.kx_groups = vec![&UnknownGroup, kx_group::X25519];
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"x".to_vec()];
    let name = ServerName::try_from(NAME).unwrap();
    ClientConnection::new(Arc::new(config), name).unwrap()
}

/// Does a handshake and sends a request. Returns the response.
async fn visit(running: &Running, first: &'static [u8]) -> io::Result<String> {
    let mut client = client(first);
    let mut socket = TcpStream::connect(running.address).await?;
    let mut hello = Vec::new();
    client.write_tls(&mut hello)?;
    socket.write_all(&rewrite(&hello, HTTP, first)).await?;
    io::Write::write_all(&mut client.writer(), GET)?;
    let mut response = Vec::new();
    loop {
        let mut received = [0; 16 * 1024];
        let count = socket.read(&mut received).await?;
        if count == 0 {
            return Ok(String::from_utf8(response).unwrap());
        }
        let mut received = &received[..count];
        while !received.is_empty() {
            client.read_tls(&mut received)?;
            let state = client.process_new_packets().map_err(io::Error::other)?;
            let mut plain = vec![0; state.plaintext_bytes_to_read()];
            io::Read::read_exact(&mut client.reader(), &mut plain)?;
            response.extend(plain);
        }
        let mut sent = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut sent)?;
        }
        socket.write_all(&sent).await?;
    }
}

/// The client itself is sound: without a change it is served, after a retry.
#[tokio::test]
async fn a_client_that_is_asked_for_another_group_is_served() {
    let tls = tls();
    let running = start(bind().tls(tls.certificates.clone()));
    let response = within(visit(&running, HTTP)).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
}

/// An order is in progress, so the first `ClientHello` gets its response.
#[tokio::test]
async fn a_handshake_that_began_as_a_challenge_serves_no_http() {
    let folder = tempfile::tempdir().unwrap();
    let authority = DevAuthority::builder(folder.path().join("tls")).hosts([NAME]);
    let authority = authority.open_or_create().unwrap();
    let shown = authority.certificates().unwrap();
    let clients = fs::read(authority.certificate_path()).unwrap();
    let auth = ClientAuth::pem_builder(&clients).open().unwrap();
    let ordered = acme(folder.path()).challenge_certificates().unwrap();
    let digest = "07".repeat(32);
    fs::write(folder.path().join(format!("challenges/tls-{NAME}")), digest).unwrap();
    let bind = || bind().tls(shown.clone()).tls(ordered.clone());
    for server in [bind().client_auth(auth), bind()] {
        let running = start(server);
        let refused = within(visit(&running, CHALLENGE)).await;
        assert!(refused.is_err(), "{refused:?}");
    }
}
