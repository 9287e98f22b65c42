//! Serves the echo service over TLS on 127.0.0.1:8444 and prints a key.
#![allow(clippy::print_stdout)] // It is a program.

use std::error::Error;

use palisade::api_key::{Environment, Grant, KeyScheme, MemoryKeyStore, Pepper};
use palisade::audit::MemorySink;
use palisade::core::SystemClock;
use palisade::server::{DevAuthority, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let scheme = KeyScheme::new(Pepper::generate()?);
    let grant = Grant::new(Environment::Live)
        .owner("ann")
        .scopes(["echo:say"]);
    let minted = scheme.mint(grant, SystemClock::shared().unix_time())?;
    let keys = MemoryKeyStore::new();
    keys.insert(minted.record().clone())?;

    let authority = DevAuthority::open_or_create("grpc-data")?;
    let server = Server::builder()
        .listen("127.0.0.1:8444".parse()?)
        .tls(authority.certificates()?)
        .build()?;
    println!("palisade.example.Echo on https://localhost:8444");
    println!("authority: {}", authority.certificate_path().display());
    println!("metadata:  x-api-key: {}", minted.key());
    let service = grpc::service(scheme, keys, MemorySink::new())?;
    server
        .serve(service, async { drop(tokio::signal::ctrl_c().await) })
        .await?;
    Ok(())
}
