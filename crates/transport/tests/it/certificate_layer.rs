//! Principals by the certificate of the connection.

use std::{sync::Arc, time::Duration};

use axum::{Extension, Router, extract::Request as HttpRequest, routing::get};
use http::{Request, Response};
use palisade_core::{
    AuthenticateLayer, ClientCertificate, CredentialFailure, CredentialState, Guard as _,
    ManualClock, Principal, SecurityContext, Verdict,
    testing::{TestAuthenticator, TestBody, signed_in},
};
use palisade_transport::{
    CertificateGrant, ClientCertificateBuildError, ClientCertificateLayer,
    ClientCertificateLayerBuilder, server::ClientAuth,
};
use tokio::io::AsyncWriteExt as _;
use tower::ServiceExt as _;

use crate::support::{bind, handshake, read_all, start_with, tls};

const NOW: u64 = 1_800_000_000;
const URI: &str = "spiffe://example.org/billing";

fn clock() -> ManualClock {
    ManualClock::new(Duration::from_secs(NOW))
}

fn certificate() -> ClientCertificate {
    ClientCertificate::new([7; 32])
        .with_subject("CN=billing,O=Example")
        .with_dns_names(["billing.example"])
        .with_uris([URI])
        .with_emails(["billing@example.org"])
        .with_expiry(Duration::from_secs(NOW + 60))
}

fn billing() -> CertificateGrant {
    CertificateGrant::new("billing").scopes(["invoices:read"])
}

fn by_uri(clock: &ManualClock) -> ClientCertificateLayer {
    let builder = ClientCertificateLayer::builder().uri(URI, billing());
    builder.clock(clock.shared()).build().unwrap()
}

/// The status, and the principal that the service saw.
async fn seen<L>(layer: &L, certificate: Option<ClientCertificate>) -> (u16, Option<Principal>)
where
    L: palisade_core::Guard + Clone,
{
    let mut request = Request::new(TestBody::default());
    if let Some(certificate) = certificate {
        request.extensions_mut().insert(certificate);
    }
    answer(layer, request).await
}

async fn answer<L>(layer: &L, request: Request<TestBody>) -> (u16, Option<Principal>)
where
    L: palisade_core::Guard + Clone,
{
    let (sender, receiver) = std::sync::mpsc::channel();
    let service = tower::service_fn(move |request: Request<TestBody>| {
        let cx = SecurityContext::of(request.extensions()).unwrap();
        sender.send(cx.principal().cloned()).unwrap();
        async { Ok::<_, std::convert::Infallible>(Response::new(TestBody::default())) }
    });
    let response = palisade_core::GuardService::new(layer.clone(), service)
        .oneshot(request)
        .await
        .unwrap();
    (
        response.status().as_u16(),
        receiver.try_recv().ok().flatten(),
    )
}

#[tokio::test]
async fn a_certificate_of_the_table_is_its_principal_by_each_kind_of_name() {
    let grant = || billing().owner("acme").tier("gold");
    let builder = ClientCertificateLayer::builder;
    for entry in [
        builder().uri(URI, grant()),
        builder().dns_name("Billing.Example", grant()),
        builder().email("billing@example.org", grant()),
        builder().subject("CN=billing,O=Example", grant()),
        builder().sha256([7; 32], grant()),
        builder().function(move |certificate| certificate.uris().any(|uri| uri == URI).then(grant)),
        // Two names of one principal.
        builder().uri(URI, grant()).sha256([7; 32], grant()),
    ] {
        let layer = entry.clock(clock().shared()).build().unwrap();
        let (status, who) = seen(&layer, Some(certificate())).await;
        let who = who.unwrap();
        assert_eq!(
            (status, who.id(), who.kind()),
            (200, "billing", "client_certificate")
        );
        assert!(who.scopes().eq(["invoices:read"]));
        assert_eq!((who.owner(), who.tier()), (Some("acme"), Some("gold")));
        assert_eq!(who.credential(), Some("07".repeat(32).as_str()));
        assert_eq!(who.expires(), Some(Duration::from_secs(NOW + 60)));
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_in_the_table_is_no_principal() {
    let layer = by_uri(&clock());
    let with_uri = |uri: &str| certificate().with_uris([uri]);
    for other in [
        with_uri("spiffe://example.org/billing/"),
        with_uri("spiffe://example.org/Billing"),
        with_uri("spiffe://example.org/billing2"),
        with_uri("billing"),
        with_uri(""),
        certificate().with_uris([""; 0]).with_dns_names([URI]),
        certificate().with_uris([""; 0]).with_subject(URI),
    ] {
        assert_eq!(seen(&layer, Some(other)).await.0, 401);
    }
    assert_eq!(seen(&layer, None).await.0, 401);
    let nameless = ClientCertificateLayer::builder()
        .function(|_| Some(CertificateGrant::new("")))
        .clock(clock().shared());
    assert_eq!(
        seen(&nameless.build().unwrap(), Some(certificate()))
            .await
            .0,
        401
    );
}

#[tokio::test]
async fn names_of_two_principals_are_none() {
    let both = ClientCertificateLayer::builder()
        .uri(URI, billing())
        .dns_name("billing.example", CertificateGrant::new("other"))
        .clock(clock().shared());
    let layer = both.build().unwrap();
    assert_eq!(seen(&layer, Some(certificate())).await.0, 401);
    let one = certificate().with_uris([""; 0]);
    assert_eq!(seen(&layer, Some(one)).await.1.unwrap().id(), "other");
}

/// The handshake was before the end of the certificate; the connection is still open after it.
#[tokio::test]
async fn a_certificate_ends_while_its_connection_is_open() {
    let clock = clock();
    let layer = by_uri(&clock);
    assert_eq!(seen(&layer, Some(certificate())).await.0, 200);
    clock.advance(Duration::from_secs(59));
    assert_eq!(seen(&layer, Some(certificate())).await.0, 200);
    clock.advance(Duration::from_secs(1));
    assert_eq!(seen(&layer, Some(certificate())).await.0, 401);
}

/// The certificate comes with every request of a connection; a key was meant.
#[tokio::test]
async fn an_explicit_credential_goes_before_the_certificate() {
    let all = AuthenticateLayer::builder()
        .authenticator(by_uri(&clock()))
        .authenticator(TestAuthenticator::new());
    let layer = all.build().unwrap();
    let mut request = Request::new(TestBody::default());
    request.extensions_mut().insert(certificate());
    let mut with_key = Request::new(TestBody::default());
    with_key.extensions_mut().insert(certificate());
    let ann = signed_in(Principal::builder("test", "ann").build());
    with_key.extensions_mut().insert(ann);
    assert_eq!(answer(&layer, request).await.1.unwrap().id(), "billing");
    assert_eq!(answer(&layer, with_key).await.1.unwrap().id(), "ann");
}

#[tokio::test]
async fn guests_pass_if_certificates_are_optional_and_unknown_certificates_do_not() {
    let layer = ClientCertificateLayer::builder()
        .uri(URI, billing())
        .optional()
        .clock(clock().shared())
        .build()
        .unwrap();
    assert_eq!(seen(&layer, None).await, (200, None));
    let other = certificate().with_uris(["spiffe://example.org/other"]);
    assert_eq!(seen(&layer, Some(other)).await.0, 401);
}

#[test]
fn a_table_that_would_accept_too_much_or_nothing_is_not_built() {
    let error = |builder: ClientCertificateLayerBuilder| builder.build().unwrap_err();
    let builder = ClientCertificateLayer::builder;
    assert_eq!(error(builder()), ClientCertificateBuildError::NoCertificate);
    let twice = builder()
        .uri(URI, billing())
        .uri(URI, CertificateGrant::new("other"));
    assert!(error(twice).to_string().contains(URI));
    for empty in [
        builder().subject("", billing()),
        builder().uri("", billing()),
        builder().dns_name("", billing()),
        builder().email("", billing()),
        builder().uri(URI, CertificateGrant::new("")),
    ] {
        assert_eq!(error(empty), ClientCertificateBuildError::Empty);
    }
}

#[tokio::test]
async fn over_tls_the_holder_of_the_key_is_the_principal() {
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    let key = rcgen::KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = rcgen::Issuer::new(params, key);
    let mut params = rcgen::CertificateParams::default();
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    params.subject_alt_names = vec![rcgen::SanType::URI(URI.try_into().unwrap())];
    let key = rcgen::KeyPair::generate().unwrap();
    let chain = vec![params.signed_by(&key, &issuer).unwrap().der().clone()];
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();

    let whoami = async |Extension(cx): Extension<SecurityContext>, _: HttpRequest| {
        cx.principal().unwrap().id().to_owned()
    };
    let layer = ClientCertificateLayer::builder().uri(URI, billing());
    let app = Router::new()
        .route("/", get(whoami))
        .layer(layer.build().unwrap());
    let auth = ClientAuth::pem_builder(authority.as_bytes())
        .open()
        .unwrap();
    let tls = tls();
    let running = start_with(bind().tls(tls.certificates.clone()).client_auth(auth), app);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(tls.roots())
        .with_client_auth_cert(chain, key)
        .unwrap();
    let mut stream = handshake(config, running.address, "localhost")
        .await
        .unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let response = read_all(&mut stream).await;
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    assert!(response.ends_with("billing"), "{response}");
}

/// What was opened with a certificate: it is asked again, with the table of a new configuration.
#[tokio::test]
async fn a_certificate_is_checked_again_for_what_it_opened() {
    let clock = clock();
    let layer = |builder: ClientCertificateLayerBuilder| {
        let layer = builder.clock(clock.shared()).build().unwrap();
        AuthenticateLayer::new(layer)
    };
    let builder = ClientCertificateLayer::builder;
    let by_table = || layer(builder().uri(URI, billing()));
    let before = by_table();
    let mut head = Request::new(()).into_parts().0;
    head.extensions.insert(certificate());
    let cx = SecurityContext::find_or_create(&mut head);
    assert!(matches!(before.admit(&cx, &mut head), Verdict::Admit(())));

    let ended = CredentialState::Ended;
    let other = ended(CredentialFailure::NotAllowedHere);
    let changed = CertificateGrant::new("billing");
    let elsewhere = builder().uri("spiffe://example.org/other", billing());
    for (now, expected) in [
        (before.clone(), CredentialState::Valid),
        (by_table(), CredentialState::Valid),
        (layer(elsewhere), other),
        (layer(builder().uri(URI, changed)), other),
    ] {
        assert_eq!(now.recheck(&cx).await, expected, "{now:?}");
    }
    clock.advance(Duration::from_secs(60));
    for now in [before, by_table()] {
        let expired = ended(CredentialFailure::Expired);
        assert_eq!(now.recheck(&cx).await, expired);
    }
}
