//! The servers of this program: bare axum, and this project's with none, some and all of its layers.

use std::{fs, net::SocketAddr, path::Path};

use axum::{Router, routing::get};
use axum_server::tls_rustls::RustlsConfig;
use benches::{audit, shield};
use palisade::server::{Certificates, Server};
use palisade::{ClientInfoLayer, HeadersLayer};

use crate::Failure;

/// Served by every one of them: 32 KiB, as a second of sound has.
const BODY: &[u8] = &[b'a'; 32 * 1024];

/// Runs one of the servers until it is ended.
pub(crate) fn serve(name: &str, port: u16, folder: &Path) -> Result<(), Failure> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        match name {
            "axum-server" => axum_server(address, folder).await,
            "clear" => clear(address).await,
            _ => ours(name, address, folder).await,
        }
    })
}

/// The certificate and the private key that all of them present.
pub(crate) fn write_certificate(folder: &Path) -> Result<(), Failure> {
    let made =
        rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    fs::write(folder.join("cert.pem"), made.cert.pem())?;
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem())?;
    Ok(())
}

fn router() -> Router {
    Router::new().route("/tts", get(async || BODY))
}

async fn axum_server(address: SocketAddr, folder: &Path) -> Result<(), Failure> {
    let config =
        RustlsConfig::from_pem_file(folder.join("cert.pem"), folder.join("key.pem")).await?;
    let server = axum_server::bind_rustls(address, config);
    Ok(server.serve(router().into_make_service()).await?)
}

/// Without TLS, for what stands in front.
async fn clear(address: SocketAddr) -> Result<(), Failure> {
    let listener = tokio::net::TcpListener::bind(address).await?;
    Ok(axum::serve(listener, router()).await?)
}

async fn ours(name: &str, address: SocketAddr, folder: &Path) -> Result<(), Failure> {
    let certificates =
        Certificates::builder(folder.join("cert.pem"), folder.join("key.pem")).open()?;
    let builder = Server::builder().listen(address).tls(certificates);
    // It listens only when it is built: the key of a stack is in its file before that.
    let build = || builder.build();
    let never = std::future::pending::<()>();
    match name {
        "none" => {
            build()?.serve(router(), never).await?;
        }
        "outer" => {
            let layered = router().layer((HeadersLayer::api(), ClientInfoLayer::direct()));
            build()?.serve(layered, never).await?;
        }
        "stack" | "trail" => {
            let trail = (name == "trail").then(|| audit(&folder.join("load.jsonl")));
            let (shield, key) = shield("1000000000/minute", trail);
            fs::write(folder.join(format!("{name}.key")), key)?;
            let protected = shield.protect(router()).into_inner();
            build()?.serve(protected, never).await?;
        }
        _ => return Err(format!("no server is called {name}").into()),
    }
    Ok(())
}
