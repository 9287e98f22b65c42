//! Certificates that are replaced again and again while clients connect and ask.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use palisade_transport::server::Certificates;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_rustls::client::TlsStream;

use crate::support::{
    Running, bind, client_config, eventually, handshake, http2, read_response, start, text, within,
};

const SWAPS: usize = 100;
const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// An authority that issues all certificates, so that every client trusts each of them.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    roots: RootCertStore,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let mut roots = RootCertStore::empty();
        let certificate = params.self_signed(&key).unwrap();
        roots.add(certificate.der().clone()).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            roots,
        }
    }

    /// Writes a new certificate and its key. Each file is replaced at once, as by a deploy.
    fn issue(&self, folder: &Path) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        for (name, text) in [
            ("chain.pem", certificate.pem()),
            ("key.pem", key.serialize_pem()),
        ] {
            let part = folder.join("part");
            fs::write(&part, text).unwrap();
            fs::rename(part, folder.join(name)).unwrap();
        }
    }

    fn client(&self, alpn: &[&[u8]]) -> rustls::ClientConfig {
        client_config(self.roots.clone(), rustls::ALL_VERSIONS, alpn)
    }
}

fn opened(folder: &Path) -> Certificates {
    Certificates::from_pem_files(folder.join("chain.pem"), folder.join("key.pem")).unwrap()
}

/// Sends a request and reads its response. Without the flush, the last record may stay with the client.
async fn ask(socket: &mut TlsStream<TcpStream>) -> String {
    socket.write_all(GET).await.unwrap();
    within(socket.flush()).await.unwrap();
    read_response(socket).await
}

/// What the clients did. Each failure of theirs is a panic, which its task reports.
#[derive(Default)]
struct Load {
    is_over: AtomicBool,
    handshakes: AtomicUsize,
    requests: AtomicUsize,
}

impl Load {
    /// Connects anew for each request, without resuming, until the swaps are over.
    async fn connect_again_and_again(&self, authority: &Authority, running: &Running) {
        while !self.is_over.load(Ordering::SeqCst) {
            let config = authority.client(&[]);
            let mut socket = handshake(config, running.address, "localhost")
                .await
                .expect("a handshake failed");
            self.handshakes.fetch_add(1, Ordering::SeqCst);
            assert!(ask(&mut socket).await.ends_with("hello"));
        }
    }

    /// Asks on one connection of HTTP/1.1 until the swaps are over.
    async fn ask_on_one_connection(&self, authority: &Authority, running: &Running) {
        let config = authority.client(&[]);
        let mut socket = handshake(config, running.address, "localhost")
            .await
            .unwrap();
        while !self.is_over.load(Ordering::SeqCst) {
            assert!(ask(&mut socket).await.ends_with("hello"));
            self.requests.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Asks on one connection of HTTP/2 until the swaps are over.
    async fn ask_over_http2(&self, authority: &Authority, running: &Running) {
        let config = authority.client(&[b"h2"]);
        let socket = handshake(config, running.address, "localhost")
            .await
            .unwrap();
        let mut sender = http2(socket).await;
        while !self.is_over.load(Ordering::SeqCst) {
            let request = http::Request::get("https://localhost/");
            let request = request.body(http_body_util::Full::default()).unwrap();
            let response = within(sender.send_request(request)).await.unwrap();
            assert_eq!(text(response).await, "hello");
            self.requests.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Replaces the certificate. Before the next swap, a handshake and a request are done, so that each
    /// swap meets both.
    async fn swap(&self, authority: &Authority, certificates: &Certificates, folder: &Path) {
        for number in 0..SWAPS {
            let before = certificates.fingerprint();
            authority.issue(folder);
            // By the watched files, and by a reload of the configuration.
            match number % 2 {
                0 => assert!(certificates.refresh().unwrap()),
                _ => certificates.replace(&opened(folder)),
            }
            assert_ne!(certificates.fingerprint(), before);
            let done = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
            let (handshakes, requests) = (done(&self.handshakes), done(&self.requests));
            let both = || done(&self.handshakes) > handshakes && done(&self.requests) > requests;
            eventually("clients connect and ask", both).await;
        }
        self.is_over.store(true, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_certificates_under_load_fail_no_handshake_and_drop_no_request() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    authority.issue(folder.path());
    let certificates = opened(folder.path());
    let running = start(bind().tls(certificates.clone()));
    // A request that is open from the first certificate to the last.
    let mut open = handshake(authority.client(&[]), running.address, "localhost")
        .await
        .unwrap();
    open.write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    running.waiting(1).await;

    let load = Arc::new(Load::default());
    tokio::join!(
        load.connect_again_and_again(&authority, &running),
        load.connect_again_and_again(&authority, &running),
        load.ask_on_one_connection(&authority, &running),
        load.ask_over_http2(&authority, &running),
        load.swap(&authority, &certificates, folder.path()),
    );
    assert!(load.handshakes.load(Ordering::SeqCst) >= SWAPS);
    running.door.notify_one();
    assert!(read_response(&mut open).await.ends_with("waited"));
    assert_eq!(running.stats.failed_handshakes(), 0);
}
