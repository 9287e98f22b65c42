//! Forty lines of axum behind Palisade: https, a key, limits, an audit trail. `quickstart [ADDRESS] [FOLDER]`.
#![allow(clippy::print_stdout)] // It is a program.
use std::{env, error::Error, fs, io::Write, net::SocketAddr, os::unix::fs::OpenOptionsExt};

use palisade::api_key::{Environment, Grant, KeyScheme};
use palisade::api_key::{MemoryKeyStore, Pepper};
use palisade::core::SystemClock;
use palisade::logging::Log;
use palisade::server::{DevAuthority, Server};
use palisade::{AllowedHosts, ApiKeyLayer, AuditLayer, FileSink};
use palisade::{Policy, Principal, RateLimitLayer, Routes, Rule, Shield};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let _log = Log::builder().environment().start()?;
    let address: SocketAddr = env::args()
        .nth(1)
        .as_deref()
        .unwrap_or("127.0.0.1:8443")
        .parse()?;
    let folder = env::args()
        .nth(2)
        .unwrap_or_else(|| "quickstart-data".into());
    fs::create_dir_all(&folder)?;

    let scheme = KeyScheme::new(Pepper::generate()?);
    let grant = Grant::new(Environment::Live)
        .owner("ann")
        .scopes(["notes:read"]);
    let minted = scheme.mint(grant, SystemClock::shared().unix_time())?;
    let keys = MemoryKeyStore::new();
    keys.insert(minted.record().clone())?;

    let routes = Routes::new()
        .get("/health", Rule::public(), async || "ok\n")
        .get(
            "/notes",
            Rule::scope("notes:read").limit("notes"),
            async |who: Principal| {
                format!(
                    "The notes of {}: buy bread.\n",
                    who.owner().unwrap_or("no one")
                )
            },
        );
    let client = Policy::named("client").rate("60/minute")?;
    let notes = Policy::named("notes").rate("10/minute")?.on_named_routes();
    let audit =
        AuditLayer::builder().sink(FileSink::builder(format!("{folder}/audit.jsonl")).open()?);
    let app = Shield::builder()
        .audit(audit.build()?)
        .authenticate(ApiKeyLayer::new(scheme, keys))
        .hosts(AllowedHosts::parse(["localhost:*"])?)
        .limit_clients(RateLimitLayer::by_client().policy(client).build()?)
        .limit_principals(RateLimitLayer::by_principal().policy(notes).build()?)
        .protect(routes)?;

    let authority = DevAuthority::open_or_create(&folder)?;
    let server = Server::builder()
        .listen(address)
        .tls(authority.certificates()?)
        .build()?;
    let (trusted, port) = (authority.certificate_path(), server.local_addr().port());
    // The key of this run goes to a private file: standard output may be a journal that others read.
    let header = format!("{folder}/key.header");
    let mut private = fs::OpenOptions::new();
    private.write(true).create(true).truncate(true).mode(0o600);
    write!(private.open(&header)?, "X-API-Key: {}", minted.key())?;
    println!(
        "curl --cacert {} -H @{header} https://localhost:{port}/notes",
        trusted.display()
    );
    server
        .serve(app.into_inner(), async {
            drop(tokio::signal::ctrl_c().await)
        })
        .await?;
    Ok(())
}
