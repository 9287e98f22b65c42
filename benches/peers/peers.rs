//! The same jobs, by Palisade and by what users would pick instead, side by side in one run.
//!
//! Each is set up as its documentation says, with the same limits, keys and checks. The floor of a
//! group is the bare service in the type that the group needs. Versions are printed by the run.
#![allow(missing_docs, clippy::print_stdout)]

use std::{convert::Infallible, net::SocketAddr, num::NonZeroU32, sync::Arc, time::Duration};

use axum::{body::Body as AxumBody, extract::ConnectInfo};
use benches::{
    ADDRESSES, Body, Floor, Regime, audit, both_regimes, client, keys, limit, run, settings,
};
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
use http::{HeaderName, HeaderValue, Request, Response, header::AUTHORIZATION};
use palisade::HeadersLayer;
use palisade::core::{GuardLayer, SystemClock};
use palisade::jwt::{
    Algorithm, Issuer, JwtLayer, Verifier,
    mint::{SigningKey, Token},
};
use serde::Deserialize;
use tokio::runtime::Runtime;
use tower::{Layer as _, Service, ServiceExt};

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "voice";

/// The claims that each of the peers reads.
#[derive(Clone, Debug, Deserialize)]
struct Claims {
    #[serde(rename = "sub")]
    _subject: String,
}

/// A request with the address where each layer looks for it.
fn request(regime: Regime, index: usize) -> Request<Body> {
    let mut request = regime.request(None, index);
    let address = ConnectInfo::<SocketAddr>(regime.peer(index));
    request.extensions_mut().insert(address);
    request
}

/// The bare service with the body of axum, which the errors of some need.
fn axum_floor()
-> impl Service<Request<Body>, Response = Response<AxumBody>, Error = Infallible, Future: Send>
+ Clone
+ Send {
    ServiceExt::<Request<Body>>::map_response(Floor, |response: Response<Body>| {
        response.map(AxumBody::new)
    })
}

/// Reaches the limit of every address, then measures refusals.
fn refusals<S, B>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, mut service: S)
where
    S: Service<Request<Body>, Response = Response<B>, Error: std::fmt::Debug>,
    B: axum::body::HttpBody + Unpin,
{
    for regime in Regime::BOTH {
        for index in 0..ADDRESSES {
            run(&mut service, request(regime, index));
        }
        assert_eq!(run(&mut service, request(regime, 0)), 429);
    }
    both_regimes(group, name, service, request);
}

fn limits(criterion: &mut Criterion) {
    use axum_governor::{GovernorConfigBuilder, GovernorLayer, Quota, extractor::PeerIp};

    let mut group = criterion.benchmark_group("peers: limit by address");
    let ours = |rate| GuardLayer((client(), limit(rate))).layer(axum_floor());
    let tower_governor = |period, burst| {
        let config = tower_governor::governor::GovernorConfigBuilder::default()
            .period(period)
            .burst_size(burst)
            .use_headers()
            .finish()
            .expect("a rate");
        tower_governor::GovernorLayer::new(config).layer(axum_floor())
    };
    let axum_governor = |quota| {
        let config = GovernorConfigBuilder::default()
            .with_extractor(PeerIp::default())
            .quota_default(quota)
            .gc_disable()
            .expect_connect_info()
            .finish()
            .expect("a rate");
        GovernorLayer::new(config).layer(axum_floor())
    };
    let a_billion = NonZeroU32::new(1_000_000_000).expect("not zero");

    both_regimes(&mut group, "floor", axum_floor(), request);
    both_regimes(
        &mut group,
        "admitted: palisade",
        ours("1000000000/minute"),
        request,
    );
    let service = tower_governor(Duration::from_nanos(1), u32::MAX);
    both_regimes(&mut group, "admitted: tower_governor", service, request);
    let service = axum_governor(Quota::requests_per_second(a_billion));
    both_regimes(&mut group, "admitted: axum-governor", service, request);
    refusals(&mut group, "refused: palisade", ours("1/day"));
    let service = tower_governor(Duration::from_secs(86_400), 1);
    refusals(&mut group, "refused: tower_governor", service);
    let service = axum_governor(Quota::requests_per_hour(NonZeroU32::MIN));
    refusals(&mut group, "refused: axum-governor", service);
    group.finish();
}

/// A token of RS256, the most common at providers, and all that verifies it.
struct Signed {
    signing: SigningKey,
    jwks: String,
    bearer: HeaderValue,
}

impl Signed {
    fn new() -> Self {
        let signing = SigningKey::generate(Algorithm::Rs256)
            .expect("a key")
            .with_kid("one");
        let token = Token::new(ISSUER, AUDIENCE, "ann")
            .lifetime(Duration::from_secs(3600))
            .scopes(["tts:speak"])
            .sign(&signing, &SystemClock::default())
            .expect("a token");
        let jwk = signing.public_jwk().expect("a public key");
        Self {
            jwks: serde_json::json!({ "keys": [jwk] }).to_string(),
            bearer: format!("Bearer {token}").parse().expect("a header"),
            signing,
        }
    }

    fn request(&self, regime: Regime, index: usize) -> Request<Body> {
        let mut request = request(regime, index);
        request
            .headers_mut()
            .insert(AUTHORIZATION, self.bearer.clone());
        request
    }
}

fn tokens(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let _inside = runtime.enter();
    let signed = Signed::new();
    let ask = |regime, index| signed.request(regime, index);
    let mut group = criterion.benchmark_group("peers: token RS256");
    both_regimes(&mut group, "floor", Floor, ask);

    let issuer = Issuer::new(ISSUER, AUDIENCE, signed.signing.verifying_key());
    let verifier = Verifier::builder()
        .issuer(issuer)
        .build()
        .expect("a verifier");
    both_regimes(
        &mut group,
        "palisade",
        JwtLayer::new(verifier).layer(Floor),
        ask,
    );

    let floor = ServiceExt::<Request<Body>>::map_response(Floor, |response: Response<Body>| {
        response.map(axum_0_7::body::Body::new)
    });
    let layer = runtime.block_on(jwt_authorizer(&signed.jwks));
    both_regimes(&mut group, "jwt-authorizer", layer.layer(floor), ask);

    let server = runtime.block_on(oauth2_resource_server(&signed.jwks));
    both_regimes(
        &mut group,
        "tower-oauth2-resource-server",
        server.into_layer().layer(Floor),
        ask,
    );

    let router = axum_jwt_auth(&signed.jwks);
    both_regimes(&mut group, "axum-jwt-auth in a router", router, ask);
    let router = axum::Router::new().route("/tts", axum::routing::get(|| async { "hello" }));
    both_regimes(&mut group, "floor: router", router, ask);
    group.finish();
}

async fn jwt_authorizer(jwks: &str) -> jwt_authorizer::layer::AuthorizationLayer<Claims> {
    use jwt_authorizer::IntoLayer as _;

    let validation = jwt_authorizer::Validation::new()
        .iss(&[ISSUER])
        .aud(&[AUDIENCE]);
    jwt_authorizer::JwtAuthorizer::from_jwks_text(jwks)
        .validation(validation)
        .build()
        .await
        .expect("an authorizer")
        .into_layer()
}

async fn oauth2_resource_server(
    jwks: &str,
) -> tower_oauth2_resource_server::server::OAuth2ResourceServer<Claims> {
    use tower_oauth2_resource_server::{
        server::OAuth2ResourceServer, tenant::TenantConfiguration, validation::ClaimsValidationSpec,
    };
    let claims = ClaimsValidationSpec::recommended(ISSUER, &vec![AUDIENCE.to_owned()]);
    let tenant = TenantConfiguration::static_builder(jwks)
        .identifier(ISSUER)
        .audiences(&[AUDIENCE])
        .claims_validation(claims)
        .build()
        .expect("a tenant");
    let builder = <OAuth2ResourceServer<Claims>>::builder().add_tenant(tenant);
    builder.build().await.expect("a server")
}

fn axum_jwt_auth(jwks: &str) -> axum::Router {
    use axum_jwt_auth::{Decoder, LocalDecoder};
    use jsonwebtoken_10::{Algorithm, DecodingKey, Validation, jwk::JwkSet};

    let set: JwkSet = serde_json::from_str(jwks).expect("a set of keys");
    let keys = set
        .keys
        .iter()
        .map(|jwk| DecodingKey::from_jwk(jwk).expect("a key"));
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    let decoder = LocalDecoder::new(keys.collect(), validation).expect("a decoder");
    let state: Decoder<Claims> = Arc::new(decoder);
    let handler = |_: axum_jwt_auth::Claims<Claims>| async { "hello" };
    axum::Router::new()
        .route("/tts", axum::routing::get(handler))
        .with_state(state)
}

fn headers(criterion: &mut Criterion) {
    use tower_http::set_header::SetResponseHeaderLayer;

    let mut group = criterion.benchmark_group("peers: security headers");
    both_regimes(&mut group, "floor", Floor, request);
    both_regimes(
        &mut group,
        "palisade, 13 fields",
        HeadersLayer::api().layer(Floor),
        request,
    );
    let set = |name, value| {
        SetResponseHeaderLayer::if_not_present(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    let layers = tower::ServiceBuilder::new()
        .layer(set("strict-transport-security", "max-age=63072000"))
        .layer(set("content-security-policy", "default-src 'none'"))
        .layer(set("x-content-type-options", "nosniff"))
        .layer(set("x-frame-options", "DENY"))
        .layer(set("referrer-policy", "no-referrer"))
        .layer(set("cross-origin-opener-policy", "same-origin"))
        .layer(set("cross-origin-resource-policy", "same-origin"))
        .layer(set("cache-control", "no-store"));
    let service = layers.service(Floor);
    both_regimes(
        &mut group,
        "tower-http, 8 × SetResponseHeader",
        service,
        request,
    );
    group.finish();
}

fn trails(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("peers: a line for each response");
    let folder = tempfile::tempdir().expect("a folder");
    both_regimes(&mut group, "floor", Floor, request);
    let trail = audit(&folder.path().join("audit.jsonl"));
    both_regimes(
        &mut group,
        "palisade, chained record to a file",
        trail.layer(Floor),
        request,
    );

    let file = tracing_appender::rolling::never(folder.path(), "trace.jsonl");
    let (writer, _flush) = tracing_appender::non_blocking(file);
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_writer(writer)
        .finish();
    let _subscriber = tracing_subscriber::util::SubscriberInitExt::set_default(subscriber);
    let on_response = tower_http::trace::DefaultOnResponse::new().level(tracing::Level::INFO);
    let span = tower_http::trace::DefaultMakeSpan::new().level(tracing::Level::INFO);
    let layer = tower_http::trace::TraceLayer::new_for_http()
        .make_span_with(span)
        .on_response(on_response);
    let service = layer.layer(Floor);
    both_regimes(
        &mut group,
        "tower-http TraceLayer, JSON to a file",
        service,
        request,
    );
    group.finish();
}

fn unauthorized() -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = http::StatusCode::UNAUTHORIZED;
    response
}

fn key_checks(criterion: &mut Criterion) {
    use tower_http::validate_request::ValidateRequestHeaderLayer;

    let mut group = criterion.benchmark_group("peers: one key");
    let (layer, key) = keys();
    let ask = |regime: Regime, index: usize| regime.request(Some(&key), index);
    both_regimes(&mut group, "floor", Floor, ask);
    let service = layer.layer(Floor);
    both_regimes(
        &mut group,
        "palisade, digest of a key in a store",
        service,
        ask,
    );

    let bearer = HeaderValue::from_str(&format!("Bearer {key}")).expect("a header");
    let with_bearer = |regime: Regime, index: usize| {
        let mut request = regime.request(None, index);
        request.headers_mut().insert(AUTHORIZATION, bearer.clone());
        request
    };
    let expected = bearer.clone();
    let layer = ValidateRequestHeaderLayer::custom(move |request: &mut Request<Body>| {
        let shown = request.headers().get(AUTHORIZATION);
        if shown == Some(&expected) {
            Ok(())
        } else {
            Err(unauthorized())
        }
    });
    let service = layer.layer(Floor);
    both_regimes(
        &mut group,
        "tower-http ValidateRequestHeader, one string",
        service,
        with_bearer,
    );
    group.finish();
}

criterion_group!(
    name = benches;
    config = settings();
    targets = limits, tokens, headers, trails, key_checks
);
criterion_main!(benches);
