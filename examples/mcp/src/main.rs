//! `mcp HOST ISSUER [ADDRESS] [FOLDER]`: notes for agents, with the tokens of an authorization server.

use std::{env, error::Error, net::SocketAddr};

use mcp::{ServerParts, protect};
use palisade::core::SystemClock;
use palisade::jwt::resource_server::ResourceServer;
use palisade::server::{DevAuthority, Server};
use palisade::{AuditLayer, FileSink};

const USAGE: &str =
    "usage: mcp HOST ISSUER [ADDRESS] [FOLDER], such as: mcp localhost:8443 https://login.example";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut arguments = env::args().skip(1);
    let (host, issuer) = (
        arguments.next().ok_or(USAGE)?,
        arguments.next().ok_or(USAGE)?,
    );
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8443".into());
    let address: SocketAddr = address.parse()?;
    let folder = arguments.next().unwrap_or_else(|| "mcp-data".into());
    std::fs::create_dir_all(&folder)?;

    let resource = ResourceServer::builder(format!("https://{host}/mcp"))
        .discover(issuer)
        .scopes(["notes:read", "notes:write"])
        .initial_scopes(["notes:read"]);
    let trail = FileSink::builder(format!("{folder}/audit.jsonl")).open()?;
    let app = protect(ServerParts {
        resource,
        host,
        audit: AuditLayer::builder().sink(trail).build()?,
        clock: SystemClock::shared(),
    })?;
    let authority = DevAuthority::open_or_create(&folder)?;
    let server = Server::builder().listen(address);
    let server = server.tls(authority.certificates()?).build()?;
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    server.serve(app.into_inner(), stop).await?;
    Ok(())
}
