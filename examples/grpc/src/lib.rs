//! An echo service over gRPC behind a [`Shield`]: the same layers as for HTTP, and a refusal is a gRPC status.

use std::error::Error;

use palisade::api_key::{KeyScheme, KeyStore};
use palisade::audit::MemorySink;
use palisade::core::SecurityContext;
use palisade::shield::Protected;
use palisade::{
    AllowedHosts, ApiKeyLayer, AuditLayer, Policy, RateLimitLayer, Rule, Rules, Shield,
};
use tonic::{Request, Response, Status, service::Routes};

#[allow(
    missing_docs,
    unreachable_pub,
    missing_debug_implementations,
    clippy::all,
    clippy::missing_errors_doc,
    clippy::must_use_candidate
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/palisade.example.Echo.rs"));
}

pub use self::generated::{
    echo_client::EchoClient,
    echo_server::{Echo, EchoServer},
};

/// The message of both directions.
#[derive(Clone, Eq, PartialEq, prost::Message)]
#[allow(clippy::exhaustive_structs)] // A message of the protocol.
pub struct Words {
    /// The text.
    #[prost(string, tag = "1")]
    pub text: String,
}

struct Parrot;

#[tonic::async_trait]
impl Echo for Parrot {
    async fn say(&self, request: Request<Words>) -> Result<Response<Words>, Status> {
        // The same context as in an axum handler. Missing means refuse.
        let Some(who) =
            SecurityContext::of(request.extensions()).and_then(SecurityContext::principal)
        else {
            return Err(Status::internal("no authenticator is outside this service"));
        };
        let text = format!(
            "{} says: {}",
            who.owner().unwrap_or("somebody"),
            request.get_ref().text
        );
        Ok(Response::new(Words { text }))
    }
}

/// Puts the echo service behind the stack. The rules name methods as gRPC's paths do.
///
/// # Errors
///
/// A part does not fit.
pub fn service(
    scheme: KeyScheme,
    keys: impl KeyStore,
    record: MemorySink,
) -> Result<Protected<Routes>, Box<dyn Error>> {
    let rules = Rules::new().any(
        "/palisade.example.Echo/Say",
        Rule::scope("echo:say").limit("say"),
    );
    let client = Policy::named("client").rate("60/minute")?;
    let say = Policy::named("say").rate("3/minute")?.on_named_routes();
    let shield = Shield::builder()
        .audit(AuditLayer::builder().sink(record).build()?)
        .authenticate(ApiKeyLayer::new(scheme, keys))
        .hosts(AllowedHosts::parse(["localhost:*"])?)
        .limit_clients(RateLimitLayer::by_client().policy(client).build()?)
        .limit_principals(RateLimitLayer::by_principal().policy(say).build()?)
        .rules(rules)
        .build()?;
    Ok(shield.wrap(Routes::new(EchoServer::new(Parrot)).prepare()))
}
