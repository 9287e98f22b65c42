//! Authorities that are down or refuse, and names that are not ours.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    http::{StatusCode, header::RETRY_AFTER},
};
use palisade_core::Clock as _;

use super::{
    pebble::{self, free_port},
    *,
};

/// Looks every 30 seconds for some time, as a server does. Returns the times of failed attempts,
/// since the start.
async fn look_for(acme: &Acme, clock: &ManualClock, time: Duration) -> Vec<Duration> {
    let start = clock.unix_time();
    let mut failed = Vec::new();
    while clock.unix_time() < start + time {
        if acme.renew_if_due().await.is_err() {
            failed.push(clock.unix_time() - start);
        }
        clock.advance(Duration::from_secs(30));
    }
    failed
}

/// Returns the most that come within an hour.
fn most_in_an_hour(times: &[Duration]) -> usize {
    let from = |start: Duration| {
        times
            .iter()
            .filter(move |at| (start..start + HOUR).contains(*at))
    };
    times
        .iter()
        .map(|start| from(*start).count())
        .max()
        .unwrap_or_default()
}

#[tokio::test]
async fn while_the_authority_is_down_the_old_certificate_stays_and_attempts_are_few() {
    let Some(issued) = Issued::with(Setup::default()).await else {
        return;
    };
    issued.advance_to_renewal();
    // A listener in place of the authority that counts connections and closes them.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            drop(stream);
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let directory = account_at(&issued, port);
    let build = || {
        settings(
            &issued.pebble,
            issued.folder.path(),
            issued.http.address.port(),
        )
        .challenge(ChallengeKind::Http01)
        .directory(directory.as_str())
        .clock(issued.clock.shared())
        .build()
        .unwrap()
    };
    let acme = build();
    let events = Events::of(&acme);
    // The server looks too, with a clock that stands still between the looks of the test.
    let (running, Served { certificates, .. }) = serve_tls(bind(), &build());
    let root = issued.pebble.issuing_root().await;
    let before = certificates.fingerprint();
    let failed = look_for(&acme, &issued.clock, 6 * HOUR).await;
    assert!(failed.len() >= 6, "{failed:?}");
    assert!(most_in_an_hour(&failed) < 10, "{failed:?}");
    assert!(connections.load(Ordering::SeqCst) <= failed.len() + 2);
    assert_eq!(events.all().len(), failed.len());
    assert!(matches!(
        events.all().first(),
        Some(AcmeEvent::Failed {
            kind: "connection",
            ..
        })
    ));
    assert!(!certificates.refresh().unwrap());
    assert_eq!(certificates.fingerprint(), before);
    assert_eq!(
        client::get(running.address, NAME, "/", &root).await,
        "hello"
    );
    // A restart does not begin again.
    let restarted = build();
    assert!(matches!(
        restarted.renew_if_due().await.unwrap(),
        Renewal::Waiting { .. }
    ));
}

/// Copies the files of pebble to the folder of an authority at another port. Returns its directory.
fn account_at(issued: &Issued, port: u16) -> String {
    let directory = format!("https://127.0.0.1:{port}/dir");
    let acme = settings(&issued.pebble, issued.folder.path(), 1)
        .directory(directory.clone())
        .build()
        .unwrap();
    let (from, to) = (
        issued.acme.status().unwrap().path,
        acme.status().unwrap().path,
    );
    std::fs::copy(&from, &to).unwrap();
    let account = std::fs::read_to_string(files::account_of(&issued.acme)).unwrap();
    let account = account.replace(&issued.pebble.origin(), directory.trim_end_matches("/dir"));
    std::fs::write(files::account_of(&acme), account).unwrap();
    directory
}

#[tokio::test]
async fn a_name_that_is_not_ours_fails_four_times_in_an_hour_at_most() {
    // Nothing listens where the authority connects.
    let setup = Setup {
        http_port: free_port(),
        ..Setup::default()
    };
    let Some(pebble) = Pebble::start(setup).await else {
        return;
    };
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let build = || {
        settings(&pebble, folder.path(), 1)
            .challenge(ChallengeKind::Http01)
            .without_self_check()
            .clock(clock.shared())
            .build()
            .unwrap()
    };
    let (mut failed, mut passed) = (Vec::new(), Duration::ZERO);
    // Restarted every ten minutes.
    while passed < 3 * HOUR {
        let acme = build();
        let found = look_for(&acme, &clock, 10 * MINUTE).await;
        failed.extend(found.into_iter().map(|at| at + passed));
        passed += 10 * MINUTE;
    }
    assert!(failed.len() >= 4, "{failed:?}");
    assert!(most_in_an_hour(&failed) <= 4, "{failed:?}");
    assert_eq!(pebble.orders(), failed.len());
    let status = build().status().unwrap();
    let problem = status.problem.unwrap();
    assert!(
        problem.contains(NAME) && problem.contains("refused"),
        "{problem}"
    );
}

#[tokio::test]
async fn the_authority_is_not_asked_while_the_self_check_fails() {
    let Some(pebble) = Pebble::start(Setup::default()).await else {
        return;
    };
    let clock = clock();
    for (kind, remedy) in [
        (ChallengeKind::Http01, "listen there"),
        (ChallengeKind::TlsAlpn01, "listen there"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let acme = settings(&pebble, folder.path(), free_port())
            .challenge(kind)
            .clock(clock.shared())
            .build()
            .unwrap();
        let error = acme.renew_if_due().await.unwrap_err();
        assert!(matches!(error, AcmeError::SelfCheck { .. }), "{error}");
        assert!(error.to_string().contains(remedy), "{error}");
    }
    // Another server has the address.
    let other = start(bind());
    let folder = tempfile::tempdir().unwrap();
    let acme = settings(&pebble, folder.path(), other.address.port())
        .challenge(ChallengeKind::Http01)
        .build()
        .unwrap();
    let error = acme.renew_if_due().await.unwrap_err().to_string();
    assert!(
        error.contains("status 404") && error.contains("point the name at this server"),
        "{error}"
    );
    assert_eq!((pebble.orders(), pebble.accounts()), (0, 0));
}

#[tokio::test]
async fn a_server_that_waits_for_its_first_certificate_refuses_handshakes() {
    let folder = tempfile::tempdir().unwrap();
    let authority = rcgen::generate_simple_self_signed([NAME.to_owned()])
        .unwrap()
        .cert
        .pem();
    let acme = Acme::builder([NAME], folder.path())
        .accept_terms()
        .directory(format!("https://127.0.0.1:{}/dir", free_port()))
        .root(authority.clone())
        .without_self_check()
        .build()
        .unwrap();
    let (running, Served { certificates, .. }) = serve_tls(bind(), &acme);
    assert!(certificates.is_pending());
    let refused = client::connect(running.address, NAME, &authority)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("AccessDenied"), "{refused}");
    // Nor is there a certificate for a challenge that no order made.
    let protocol: &[&[u8]] = &[b"acme-tls/1"];
    let refused = client::connect_offering(running.address, NAME, &authority, protocol).await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn the_wait_of_an_authority_that_refuses_is_obeyed() {
    let (counted, mut requests) = watch::channel(0);
    let busy = Router::new().fallback(async move || {
        counted.send_modify(|count| *count += 1);
        (
            StatusCode::TOO_MANY_REQUESTS,
            [(RETRY_AFTER, "36000")],
            "{}",
        )
    });
    let authority = suggestion::authority(busy);
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let acme = authority
        .settings(folder.path())
        .clock(clock.shared())
        .build()
        .unwrap();
    let failed = look_for(&acme, &clock, 10 * HOUR).await;
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(*requests.borrow(), 1);
    assert_eq!(look_for(&acme, &clock, 10 * MINUTE).await.len(), 1);
    let second = requests.wait_for(|count| *count == 2);
    let waited = tokio::time::timeout(pebble::PATIENCE, second).await;
    assert!(waited.is_ok(), "there is no second request");
}
