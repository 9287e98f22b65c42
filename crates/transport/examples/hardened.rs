//! A page behind all four layers, on the hardened server: https on 127.0.0.1:8443, and the redirect on
//! 127.0.0.1:8080, or on the two ports that are given.
//!
//! ```sh
//! cargo run -p palisade-transport --features server --example hardened -- 8443 8080
//! curl --cacert target/hardened/ca.pem https://localhost:8443/
//! ```

#![allow(clippy::print_stdout)]

use std::error::Error;

use axum::{Router, response::Html, routing::get};
use palisade_transport::{
    AllowedHosts, ClientInfoLayer, ContentSecurityPolicy, HeadersLayer, HostLayer, HttpsLayer,
    server::{DevAuthority, Server},
};
use tower::ServiceBuilder;

const PAGE: &str =
    "<!doctype html><html lang=en><title>Palisade</title><p>You are safe here.</html>";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut ports = std::env::args().skip(1).map(|port| port.parse());
    let secure_port = ports.next().transpose()?.unwrap_or(8443);
    let clear_port = ports.next().transpose()?.unwrap_or(8080);

    let hosts = AllowedHosts::parse(["localhost:*", "127.0.0.1:*", "[::1]:*"])?;
    let layers = ServiceBuilder::new()
        .layer(
            HeadersLayer::builder()
                .browser(&ContentSecurityPolicy::same_origin())
                .no_index()
                .build(),
        )
        .layer(ClientInfoLayer::direct())
        .layer(HostLayer::new(hosts.clone()))
        .layer(
            HttpsLayer::builder()
                .redirect_within(hosts, secure_port)
                .page("/")
                .build()?,
        );
    let app = Router::new().route("/", get(async || Html(PAGE)));
    let service = layers.service(app);

    let authority = DevAuthority::open_or_create("target/hardened")?;
    let secure = Server::builder()
        .listen(([127, 0, 0, 1], secure_port).into())
        .tls(authority.certificates()?)
        .build()?;
    let clear = Server::builder()
        .listen(([127, 0, 0, 1], clear_port).into())
        .build()?;
    println!(
        "https://{}  authority {}",
        secure.local_addr(),
        authority.fingerprint()
    );
    println!("http://{}  redirects", clear.local_addr());

    let stop = || async { drop(tokio::signal::ctrl_c().await) };
    tokio::try_join!(
        secure.serve(service.clone(), stop()),
        clear.serve(service, stop()),
    )?;
    Ok(())
}
