//! Certificates from pebble: the first, the next, and after a restart.

use palisade_transport::server::ConnectionEventKind;

use super::*;

#[tokio::test]
async fn tls_alpn_01_brings_the_first_certificate_while_the_server_runs() {
    let (server, port) = bound();
    let setup = Setup {
        tls_port: port,
        ..Setup::default()
    };
    let Some(pebble) = Pebble::start(setup).await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let acme = settings(&pebble, folder.path(), port).build().unwrap();
    let events = Events::of(&acme);
    let (running, mut served) = serve_tls(server, &acme);
    let root = pebble.issuing_root().await;
    served.has_certificate().await;
    let body = client::get(running.address, NAME, "/", &root).await;
    assert_eq!(body, "hello");
    assert_eq!(served.certificates.names(), [NAME]);
    assert!(
        matches!(events.all().as_slice(), [AcmeEvent::Issued { names, .. }] if *names == [NAME])
    );
    assert_eq!((pebble.orders(), pebble.accounts()), (1, 1));
    // Neither the self-check nor the challenge of the authority is a failed handshake.
    assert_eq!(running.stats.count(ConnectionEventKind::HandshakeFailed), 0);
}

#[tokio::test]
async fn http_01_brings_the_first_certificate() {
    let (http, port) = bound();
    let setup = Setup {
        http_port: port,
        ..Setup::default()
    };
    let Some(pebble) = Pebble::start(setup).await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let acme = settings(&pebble, folder.path(), port)
        .challenge(ChallengeKind::Http01)
        .build()
        .unwrap();
    let _http = serve_http(http, &acme);
    let (https, mut served) = serve_tls(bind(), &acme);
    served.has_certificate().await;
    let root = pebble.issuing_root().await;
    assert_eq!(client::get(https.address, NAME, "/", &root).await, "hello");
}

/// RFC 8738: the authority connects to the address itself, and names it by its reverse zone in the
/// handshake of tls-alpn-01.
#[tokio::test]
async fn a_certificate_for_an_address_comes_by_either_challenge() {
    let (address, loopback) = ("127.0.0.1", IpAddr::from(Ipv4Addr::LOCALHOST));
    for challenge in [ChallengeKind::TlsAlpn01, ChallengeKind::Http01] {
        let (http, http_port) = bound();
        let (https, tls_port) = bound();
        let setup = Setup {
            http_port,
            tls_port,
            ..Setup::default()
        };
        let Some(pebble) = Pebble::start(setup).await else {
            return;
        };
        let port = match challenge {
            ChallengeKind::Http01 => http_port,
            _ => tls_port,
        };
        let folder = tempfile::tempdir().unwrap();
        // No name is resolved: the address is where the authority connects.
        let acme = Acme::builder([address], folder.path())
            .accept_terms()
            .directory(pebble.directory())
            .root(pebble.root())
            .validation_port(port)
            .challenge(challenge)
            .build()
            .unwrap();
        let _http = serve_http(http, &acme);
        let (https, mut served) = serve_tls(https, &acme);
        served.has_certificate().await;
        assert_eq!(served.certificates.names(), [address]);
        assert!(served.certificates.covers(&loopback.to_string()));
        let root = pebble.issuing_root().await;
        assert_eq!(
            client::get(https.address, address, "/", &root).await,
            "hello"
        );
    }
}

#[tokio::test]
async fn a_restart_uses_the_cache_and_does_not_need_the_authority() {
    let Some(issued) = Issued::with(Setup::default()).await else {
        return;
    };
    let root = issued.pebble.issuing_root().await;
    let directory = issued.pebble.directory();
    let Issued {
        pebble,
        folder,
        acme,
        ..
    } = issued;
    let before = acme.status().unwrap();
    let builder = settings(&pebble, folder.path(), 1);
    drop((pebble, acme));

    let acme = builder.directory(directory).build().unwrap();
    let events = Events::of(&acme);
    assert_eq!(acme.renew_if_due().await.unwrap(), Renewal::NotDue);
    let (running, Served { certificates, .. }) = serve_tls(bind(), &acme);
    assert!(!certificates.is_pending());
    assert_eq!(
        client::get(running.address, NAME, "/", &root).await,
        "hello"
    );
    assert_eq!(acme.status().unwrap().fingerprint, before.fingerprint);
    assert_eq!(events.all(), []);
}

#[tokio::test]
async fn a_certificate_is_renewed_before_two_thirds_of_its_life() {
    let Some(issued) = Issued::with(Setup::default()).await else {
        return;
    };
    let (acme, clock) = (&issued.acme, &issued.clock);
    let certificates = acme.certificates().unwrap();
    let (first, before) = (certificates.fingerprint(), acme.status().unwrap());
    let now = palisade_core::Clock::unix_time(clock);
    let life = before.expires.unwrap() - now;
    clock.advance(life.mul_f64(0.59));
    assert_eq!(acme.renew_if_due().await.unwrap(), Renewal::NotDue);
    clock.advance(life.mul_f64(0.07));
    assert_eq!(acme.renew_if_due().await.unwrap(), Renewal::Issued);
    assert!(certificates.refresh().unwrap());
    assert_ne!(certificates.fingerprint(), first);
    assert_eq!((issued.pebble.orders(), issued.pebble.accounts()), (2, 1));
    // The clock of pebble did not move, so the new certificate is as old. It is not ordered again
    // and again.
    assert!(matches!(
        acme.renew_if_due().await.unwrap(),
        Renewal::Waiting { .. }
    ));
}

#[tokio::test]
async fn ninety_percent_of_bad_nonces_do_not_stop_an_order() {
    let setup = Setup {
        refused_nonces: 90,
        ..Setup::default()
    };
    let Some(issued) = Issued::with(setup).await else {
        return;
    };
    assert!(issued.pebble.log().contains("reject 90%"));
    assert_eq!(issued.pebble.orders(), 1);
    assert!(issued.acme.status().unwrap().expires.is_some());
}

#[tokio::test]
async fn one_of_several_processes_orders_and_any_of_them_responds_to_the_authority() {
    let Some(issued) = Issued::with(Setup::default()).await else {
        return;
    };
    issued.advance_to_renewal();
    // The listener belongs to the first process; the other two order.
    let (one, other) = (issued.another(), issued.another());
    let certificates = other.certificates().unwrap();
    let before = certificates.fingerprint();
    let (renewed, also) = tokio::join!(one.renew_if_due(), other.renew_if_due());
    assert_eq!(renewed.unwrap(), Renewal::Issued);
    assert_eq!(also.unwrap(), Renewal::Busy);
    assert_eq!(issued.pebble.orders(), 2);
    assert!(certificates.refresh().unwrap());
    assert_ne!(certificates.fingerprint(), before);
}

#[tokio::test]
async fn an_external_account_is_bound_where_the_authority_demands_it() {
    let (id, key) = (
        "kid-1",
        "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W",
    );
    let (server, http_port) = bound();
    let setup = Setup {
        http_port,
        external: Some((id, key)),
        ..Setup::default()
    };
    let Some(pebble) = Pebble::start(setup.clone()).await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let build = |change: fn(AcmeBuilder) -> AcmeBuilder| {
        let builder = settings(&pebble, folder.path(), setup.http_port)
            .challenge(ChallengeKind::Http01)
            .clock(clock.shared());
        change(builder).build().unwrap()
    };
    let without = build(|builder| builder);
    let _http = serve_http(server, &without);
    let refused = without.renew_if_due().await.unwrap_err();
    assert!(matches!(refused, AcmeError::Authority { .. }), "{refused}");
    let with = build(|builder| {
        builder.external_account(
            "kid-1",
            "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W",
        )
    });
    clock.advance(2 * MINUTE);
    assert_eq!(with.renew_if_due().await.unwrap(), Renewal::Issued);
}

#[tokio::test]
async fn a_dry_run_orders_and_keeps_nothing() {
    let Some(issued) = Issued::with(Setup::default()).await else {
        return;
    };
    let before = issued.acme.status().unwrap();
    // By another process: the one that runs answers the challenge.
    assert_eq!(issued.another().dry_run().await.unwrap(), Renewal::Issued);
    assert_eq!(issued.pebble.orders(), 2);
    assert_eq!(issued.acme.status().unwrap(), before);
}

#[tokio::test]
async fn an_authority_that_lost_the_account_gets_a_new_one() {
    let Some(issued) = Issued::with(Setup::default()).await else {
        return;
    };
    let setup = Setup {
        http_port: issued.http.address.port(),
        ..Setup::default()
    };
    let fresh = Pebble::start(setup.clone()).await.unwrap();
    // The account of one authority in the folder of the other.
    let acme = settings(&fresh, issued.folder.path(), setup.http_port)
        .challenge(ChallengeKind::Http01)
        .build()
        .unwrap();
    let old = files::account_of(&issued.acme);
    let text = std::fs::read_to_string(&old).unwrap();
    let text = text.replace(&issued.pebble.origin(), &fresh.origin());
    std::fs::write(files::account_of(&acme), text).unwrap();
    assert_eq!(acme.renew_if_due().await.unwrap(), Renewal::Issued);
    assert_eq!(fresh.accounts(), 1);
}

#[tokio::test]
async fn a_certificate_that_is_not_due_is_renewed_on_demand_within_the_limits() {
    let Some(issued) = Issued::with(Setup::default()).await else {
        return;
    };
    let (acme, first) = (&issued.acme, issued.acme.status().unwrap().fingerprint);
    assert_eq!(acme.renew_if_due().await.unwrap(), Renewal::NotDue);
    let soon = acme.renew_now().await.unwrap();
    assert!(matches!(soon, Renewal::Waiting { .. }), "{soon:?}");
    assert_eq!(issued.pebble.orders(), 1);
    issued.clock.advance(Duration::from_secs(2 * 60 * 60));
    assert_eq!(acme.renew_now().await.unwrap(), Renewal::Issued);
    assert_ne!(acme.status().unwrap().fingerprint, first);
    assert_eq!(issued.pebble.orders(), 2);
}
