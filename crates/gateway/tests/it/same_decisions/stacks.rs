//! The three stacks of one configuration.

use std::{collections::BTreeMap, fs, net::SocketAddr};

use axum::{Router, extract::Request};
use http_body::Body;
use http_body_util::BodyExt as _;
use palisade::{
    Shield,
    api_key::{Environment, FileKeyStore, Grant, KeyScheme, Pepper},
    audit::AuditHandle,
    config::Config,
    core::{BoxError, SystemClock},
    server::{DevAuthority, ReceivedBody, Server},
};
use rustls::pki_types::ServerName;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use crate::{
    client::{Running, start_file, trust_pem},
    python_server::PythonServer,
};

const CONFIGURATION: &str = r#"
[server]
hosts = ["localhost:*"]
https = "127.0.0.1:0"

[audit]
file = "audit.jsonl"

[keys]
file = "keys.toml"
pepper = "pepper"

[text]
max_graphemes = 40

[[limits]]
name = "client"
rate = "100000/minute"

[[limits]]
name = "scarce"
rate = "1/hour"
by = "principal"
routes = "named"

[[routes]]
path = "/tts"
methods = ["GET", "POST"]
access = ["speak"]
text = ["text?"]
body = "json-or-form"

[[routes]]
path = "/scarce"
methods = ["GET"]
access = "authenticated"
limits = ["scarce"]

[[routes]]
path = "/voices"
methods = ["GET"]
access = "authenticated"

[[routes]]
path = "/files/{*path}"
methods = ["GET", "PUT", "DELETE"]
access = "authenticated"

[[routes]]
path = "/palisade.example.Echo/Say"
methods = ["POST"]
access = ["speak"]

[[routes]]
path = "/health"
methods = ["GET"]
access = "public"
"#;

/// The files of the keys, and the keys by their words in requests.
pub(super) struct Keys {
    folder: TempDir,
    keys: BTreeMap<&'static str, String>,
}

/// A stack that serves until it is stopped.
pub(super) enum Stack {
    Gateway {
        gateway: Running,
        keys: BTreeMap<&'static str, String>,
        _upstream: PythonServer,
    },
    Shield {
        address: SocketAddr,
        tls: TlsConnector,
        keys: BTreeMap<&'static str, String>,
        folder: TempDir,
        stop: oneshot::Sender<()>,
        served: JoinHandle<()>,
    },
}

/// Mints a key with the scope of the routes, one without scopes, and one that is over.
pub(super) fn prepare_folder() -> Keys {
    let folder = tempfile::tempdir().unwrap();
    let pepper = Pepper::read_or_create_file(folder.path().join("pepper")).unwrap();
    let path = folder.path().join("keys.toml");
    FileKeyStore::create(&path).unwrap();
    let store = FileKeyStore::builder(&path).unwatched().open().unwrap();
    let scheme = KeyScheme::new(pepper);
    let now = SystemClock::shared().unix_time();
    let grant = || Grant::new(Environment::Live).owner("ann");
    let grants = [
        ("RIGHT", grant().scopes(["speak"])),
        ("NARROW", grant()),
        ("OVER", grant().scopes(["speak"])),
    ];
    let keys = grants.map(|(word, grant)| {
        let minted = scheme.mint(grant, now).unwrap();
        store
            .update(|table| table.insert(minted.record().clone()))
            .unwrap();
        if word == "OVER" {
            store
                .update(|table| table.revoke(minted.record().id(), now))
                .unwrap();
        }
        (word, minted.key().to_owned())
    });
    Keys {
        folder,
        keys: keys.into(),
    }
}

impl Keys {
    /// Returns a folder of its own with the files of the keys.
    fn copied(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["keys.toml", "pepper"] {
            fs::copy(self.folder.path().join(name), folder.path().join(name)).unwrap();
        }
        folder
    }
}

/// Starts a router of axum behind the shield.
pub(super) fn start_axum(keys: &Keys) -> Stack {
    let echo = async |request: Request| {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let (method, query) = (&head.method, head.uri.query().unwrap_or_default());
        format!("{method} {query} {}", String::from_utf8_lossy(&body))
    };
    let (folder, shield, audit) = make_shield(keys);
    let service = shield.wrap(Router::new().fallback(echo));
    serve_shield(keys, folder, audit, service)
}

/// Starts tonic's router without services behind the shield.
pub(super) fn start_tonic(keys: &Keys) -> Stack {
    let (folder, shield, audit) = make_shield(keys);
    let routes = tonic::service::Routes::default().prepare();
    serve_shield(keys, folder, audit, shield.wrap(routes))
}

/// Makes a shield of the configuration.
fn make_shield(keys: &Keys) -> (TempDir, Shield, AuditHandle) {
    let folder = keys.copied();
    let file = folder.path().join("palisade.toml");
    fs::write(&file, CONFIGURATION).unwrap();
    let assembled = Config::read(&file).unwrap().assemble().unwrap();
    let audit = assembled.audit.unwrap().handle();
    (folder, assembled.shield.build().unwrap(), audit)
}

/// Serves a shield over TLS, as the gateway is served, and closes its trail at the end.
fn serve_shield<S, B>(keys: &Keys, folder: TempDir, audit: AuditHandle, service: S) -> Stack
where
    S: Service<http::Request<ReceivedBody>, Response = http::Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let tls = folder.path().join("tls");
    let authority = DevAuthority::open_or_create(&tls).unwrap();
    let server = Server::builder()
        .listen(([127, 0, 0, 1], 0).into())
        .tls(authority.certificates().unwrap())
        .build()
        .unwrap();
    let address = server.local_addr();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(async move {
        let stop = async { drop(stopped.await) };
        server.serve(service, stop).await.unwrap();
        audit.close().await.unwrap();
    });
    Stack::Shield {
        address,
        tls: trust_pem(&tls.join("ca.pem"), b"http/1.1"),
        keys: keys.keys.clone(),
        folder,
        stop,
        served,
    }
}

impl Stack {
    /// Sends a request and reads until the server closes. Words in capitals stand for header lines.
    pub(super) async fn send(&self, request: &str) -> String {
        let (address, tls, keys) = match self {
            Self::Gateway { gateway, keys, .. } => (gateway.address, &gateway.tls, keys),
            Self::Shield {
                address, tls, keys, ..
            } => (*address, tls, keys),
        };
        let host = format!("Host: localhost:{}\r\n", address.port());
        let mut request = request.replace("HOST", &host);
        for (word, key) in keys {
            request = request.replace(word, &format!("X-API-Key: {key}\r\n"));
        }
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = tls.connect(name, stream).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response).await;
        String::from_utf8_lossy(&response).into_owned()
    }

    /// Stops the stack, and returns its folder with the audit trail.
    pub(super) async fn stop(self) -> TempDir {
        match self {
            Self::Gateway { gateway, .. } => gateway.stop().await,
            Self::Shield {
                folder,
                stop,
                served,
                ..
            } => {
                let _ = stop.send(());
                served.await.unwrap();
                folder
            }
        }
    }
}

/// Returns the records of requests, and those that count repeated refusals.
pub(super) fn records_in(folder: &TempDir) -> Vec<Value> {
    let trail = fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    let records = trail
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let is_counted = |record: &Value| record["type"] == "request" || record["type"] == "folded";
    records.filter(is_counted).collect()
}

/// Starts the gateway before Flask. `None`: there is no Flask.
pub(super) async fn start_gateway(keys: &Keys) -> Option<Stack> {
    let upstream = PythonServer::flask("echo.py").await?;
    let file = format!(
        "{CONFIGURATION}\n[[upstreams]]\nurl = 'http://{}'\n",
        upstream.address
    );
    Some(Stack::Gateway {
        gateway: start_file(keys.copied(), &file).await,
        keys: keys.keys.clone(),
        _upstream: upstream,
    })
}
