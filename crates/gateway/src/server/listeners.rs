//! The sockets of a gateway, and which services respond on them.
//!
//! | listener | default | what it serves |
//! |---|---|---|
//! | `https` | `127.0.0.1:8443` | health check, then the stack, over TLS |
//! | `http` | none | challenges of an authority, health check, then the stack, which redirects to `https` |
//!
//! Sockets are opened before anything is served, so an address that is in use is an error at start.

use std::net::SocketAddr;

use palisade::{
    TrustedProxies,
    config::{ListenOn, open_listeners},
    server::{
        Certificates, ChallengeLayer, HealthLayer, Listener, OuterLayerService, Readiness, Server,
        ServerBuilder,
    },
};
use tokio::sync::watch;
use tower_layer::Layer as _;

use crate::{
    error::{GatewayError, GatewayErrorKind},
    settings::{Settings, refuse_public_development},
};

/// Returns the services of the listeners with and without TLS.
///
/// An authority asks on the listener without TLS. Elsewhere the path of challenges is an ordinary one,
/// which needs a key and is recorded.
pub(super) fn listener_services<S: Clone>(
    stack: S,
    health: &HealthLayer,
    challenges: &ChallengeLayer,
) -> (
    OuterLayerService<S>,
    OuterLayerService<OuterLayerService<S>>,
) {
    let service = health.layer(stack);
    (service.clone(), challenges.layer(service))
}

/// Waits for the signal to stop. A sender that is gone means the same.
pub(super) async fn until_stopped(mut receiver: watch::Receiver<bool>) {
    let _ = receiver.wait_for(|stop| *stop).await;
}

/// Makes the error of a listener or its sockets.
pub(super) fn listener_error(error: impl std::fmt::Display) -> GatewayError {
    GatewayError::new(error).with_kind(GatewayErrorKind::Listener)
}

/// Opens the sockets with TLS and those without.
///
/// # Errors
///
/// An address cannot be used, or is public without a certificate that clients trust.
pub(super) fn open(settings: &Settings) -> Result<[Vec<Listener>; 2], GatewayError> {
    let opened = open_listeners([&settings.server.https, &settings.server.http]);
    let opened = opened.map_err(|error| {
        listener_error(error).with_remedy("free the address, or listen on another (`--listen`)")
    })?;
    // Those of a service manager are known only now.
    for address in opened[0].iter().filter_map(address_of) {
        refuse_public_development(&settings.server, address)?;
    }
    Ok(opened)
}

/// Returns the IP address of a listener. `None` for a Unix socket.
fn address_of(listener: &Listener) -> Option<SocketAddr> {
    listener.address().as_tcp()
}

/// Returns the IP addresses of listeners.
pub(super) fn addresses_of(listeners: &[Listener]) -> Vec<SocketAddr> {
    listeners.iter().filter_map(address_of).collect()
}

/// Starts a server with sockets and the settings of the file. `None` without sockets.
pub(super) fn start_server(
    settings: &Settings,
    listeners: Vec<Listener>,
) -> Result<Option<ServerBuilder>, GatewayError> {
    if listeners.is_empty() {
        return Ok(None);
    }
    let server = listeners
        .into_iter()
        .fold(Server::builder(), ServerBuilder::listener);
    Ok(Some(settings.config.configure(server)?))
}

/// Returns the health check. Without `health` in the file it responds to no one: its clients are the
/// addresses of `health_from`, and there are none.
///
/// # Errors
///
/// The path of the health check is no path.
pub(super) fn health_layer(
    settings: &Settings,
    readiness: &Readiness,
) -> Result<HealthLayer, GatewayError> {
    let (path, from) = match &settings.server.health {
        Some(health) => (health.path.as_str(), health.from.clone()),
        None => ("/", TrustedProxies::none()),
    };
    HealthLayer::builder(path, from, readiness.clone())
        .build()
        .map_err(GatewayError::new)
}

/// Logs settings that contradict each other.
///
/// # Errors
///
/// A file that the settings name cannot be read.
pub(super) fn warn_of_contradictions(
    settings: &Settings,
    addresses: &[SocketAddr],
    certificates: Option<&Certificates>,
) -> Result<(), GatewayError> {
    let found = settings
        .config
        .check_server(&settings.server, addresses, certificates)?;
    found.iter().for_each(palisade::shield::Warning::log);
    Ok(())
}

/// Returns what an operator should know of a listener without TLS: its address, and who is served.
pub(super) fn without_tls(settings: &Settings, address: SocketAddr) -> String {
    let http = settings.server.http.first();
    let listener = match http.and_then(ListenOn::as_address) {
        Some(_) => address.to_string(),
        None => http.map(ToString::to_string).unwrap_or_default(),
    };
    match settings.server.dangerously_accept_plain_http {
        true => format!("{listener} without TLS: others on the network can read keys and texts"),
        false => format!("{listener} without TLS, for proxies in front that end it"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bytes::Bytes;
    use http::{Request, Response};
    use http_body_util::Full;
    use palisade::server::Acme;
    use tower_service::Service;

    use super::*;

    #[derive(Clone)]
    struct Stack;

    impl Service<Request<Full<Bytes>>> for Stack {
        type Response = Response<Full<Bytes>>;
        type Error = std::convert::Infallible;
        type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

        fn poll_ready(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), Self::Error>> {
            std::task::Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
            std::future::ready(Ok(Response::builder()
                .status(418)
                .body(Full::default())
                .unwrap()))
        }
    }

    #[tokio::test]
    async fn challenges_of_an_authority_are_answered_in_clear_alone() {
        let folder = tempfile::tempdir().unwrap();
        let acme = Acme::builder(["voice.example"], folder.path().join("acme"))
            .accept_terms()
            .build()
            .unwrap();
        let health = HealthLayer::builder("/", TrustedProxies::none(), Readiness::new())
            .build()
            .unwrap();
        let (mut service, mut in_clear) =
            listener_services(Stack, &health, &ChallengeLayer::new(&acme));
        let ask = || {
            let request = Request::get("/.well-known/acme-challenge/token");
            request.body(Full::<Bytes>::default()).unwrap()
        };
        assert_eq!(in_clear.call(ask()).await.unwrap().status(), 404);
        assert_eq!(
            service.call(ask()).await.unwrap().status(),
            418,
            "the stack decides"
        );
    }
}
