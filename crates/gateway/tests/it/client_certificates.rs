//! `[server.client_auth]`, and routes that demand a certificate of the client.

use std::{fs, path::Path, sync::Arc, time::Duration};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsConnector;

use crate::{
    client::{Running, start_file, status},
    revoked::{self, HANDSHAKE, SWITCHED},
    upstream::{OK, answering},
};

/// An authority of clients, with a certificate that it signed.
pub(crate) struct Clients {
    pub(crate) authority: String,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

pub(crate) fn clients() -> Clients {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "billing");
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    Clients {
        authority,
        chain: vec![certificate.der().clone()],
        key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
    }
}

/// Connects with a certificate or without.
fn connector(gateway: &Running, client: Option<&Clients>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let own = gateway.folder.path().join("tls/ca.pem");
    roots
        .add(CertificateDer::from_pem_file(own).unwrap())
        .unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots);
    let config = match client {
        Some(client) => config
            .with_client_auth_cert(client.chain.clone(), client.key.clone_key())
            .unwrap(),
        None => config.with_no_client_auth(),
    };
    TlsConnector::from(Arc::new(config))
}

/// Sends a request, with a certificate or without. Empty if the gateway ended the handshake.
async fn get(gateway: &Running, path: &str, client: Option<&Clients>) -> String {
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let Ok(mut stream) = connector(gateway, client).connect(name, stream).await else {
        return String::new();
    };
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(request.as_bytes()).await;
    let mut response = Vec::new();
    let _ = stream.read_to_end(&mut response).await;
    String::from_utf8(response).unwrap()
}

async fn start(clients: &Clients, required: bool) -> (Running, crate::upstream::Upstream) {
    let upstream = answering(OK).await;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &clients.authority);
    let file = format!(
        "[server]\nhosts = ['localhost:*', 'localhost']\nhttps = '127.0.0.1:0'\n\
         [server.client_auth]\nauthorities = ['clients.pem']\nrequired = {required}\n\
         [[routes]]\npath = '/open'\naccess = 'public'\n\
         [[routes]]\npath = '/closed'\naccess = 'public'\nclient_certificate = true\n\
         [[upstreams]]\nurl = 'http://{}'\n",
        upstream.address
    );
    (start_file(folder, &file).await, upstream)
}

pub(crate) fn write(folder: &Path, authority: &str) {
    fs::write(folder.join("clients.pem"), authority).unwrap();
}

#[tokio::test]
async fn a_route_demands_a_certificate_where_the_server_does_not() {
    let (known, unknown) = (clients(), clients());
    let (gateway, _upstream) = start(&known, false).await;
    assert_eq!(status(&get(&gateway, "/open", None).await), 200);
    let refused = get(&gateway, "/closed", None).await;
    assert!(refused.contains("client_certificate_required"), "{refused}");
    assert_eq!(status(&refused), 403);
    assert_eq!(status(&get(&gateway, "/closed", Some(&known)).await), 200);
    assert_eq!(get(&gateway, "/open", Some(&unknown)).await, "");
}

#[tokio::test]
async fn changed_authorities_of_clients_apply_at_a_reload() {
    let (old, new) = (clients(), clients());
    let (gateway, _upstream) = start(&old, true).await;
    assert_eq!(get(&gateway, "/open", None).await, "");
    assert_eq!(status(&get(&gateway, "/open", Some(&old)).await), 200);
    write(gateway.folder.path(), "broken");
    let problem = gateway.reloader.reload().await.unwrap_err().to_string();
    assert!(
        problem.contains("gateway.toml:5: server.client_auth.authorities"),
        "{problem}"
    );
    assert_eq!(status(&get(&gateway, "/open", Some(&old)).await), 200);
    write(gateway.folder.path(), &new.authority);
    gateway.reloader.reload().await.unwrap();
    assert_eq!(get(&gateway, "/open", Some(&old)).await, "");
    assert_eq!(status(&get(&gateway, "/open", Some(&new)).await), 200);
}

/// Each certificate is a principal of the table, and is asked for again every second.
const TABLE: &str = "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n\
    [server.client_auth]\nauthorities = ['clients.pem']\n[audit]\nfile = 'audit.jsonl'\n\
    [[client_certificates]]\nid = 'reports'\nsubject = 'CN=reports'\n\
    [[client_certificates]]\nid = 'billing'\nsubject = 'CN=billing'\n\
    [[routes]]\npath = '/{*path}'\naccess = 'authenticated'\n\
    [[upstreams]]\nurl = 'http://UPSTREAM'\nupgrade = ['websocket']\ncredential_check_seconds = 1\n";

#[tokio::test]
async fn a_websocket_of_a_certificate_survives_a_reload_and_ends_with_its_entry() {
    let clients = clients();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &clients.authority);
    let text = TABLE.replace("UPSTREAM", &listener.local_addr().unwrap().to_string());
    let mut gateway = start_file(folder, &text).await;
    gateway.tls = connector(&gateway, Some(&clients));
    let (mut client, mut upstream) = revoked::open(&gateway, &listener, HANDSHAKE, SWITCHED).await;
    revoked::read_until(&mut client, "\r\n\r\n").await;

    gateway.reloader.reload().await.unwrap();
    // In this time the certificate is checked again, by the new layer.
    let silent = tokio::time::timeout(Duration::from_millis(2500), client.read_u8()).await;
    assert!(silent.is_err(), "it is closed: {silent:?}");
    upstream.write_all(b"still").await.unwrap();
    revoked::read_until(&mut client, "still").await;

    let removed = "[[client_certificates]]\nid = 'billing'\nsubject = 'CN=billing'\n";
    let file = gateway.folder.path().join("gateway.toml");
    fs::write(file, text.replace(removed, "")).unwrap();
    gateway.reloader.reload().await.unwrap();
    revoked::ended(&mut client).await;
    revoked::ended(&mut upstream).await;
    let record = revoked::record(gateway).await;
    let reason = "\"key\":\"credential_ended\",\"value\":\"not_allowed_here\"";
    assert!(record.contains(reason), "{record}");
}
