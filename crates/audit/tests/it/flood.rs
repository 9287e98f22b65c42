//! What a client can make the trail hold, and what is done when there is no space.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use http::StatusCode;
use palisade_audit::{
    AuditEvent, AuditKey, AuditLayer, FileSink, FileSinkBuilder, FindingReason, LowSpaceAction,
    Sink, VerifyOptions, VerifyOutcome, VerifyReport, event_id, verify_file,
};
use palisade_core::{
    ClientInfo, Fact, GuardLayer, ManualClock, Rejection, Scheme, SecurityContext, Verdict,
};
use tempfile::tempdir;
use tower::service_fn;

use crate::support::{Does, NOW, close, get, hello, known, of_type, records, send, serve};

fn report(path: &Path) -> VerifyReport {
    verify_file(path, &VerifyOptions::new()).unwrap()
}

/// Sends refused requests, each from the next address after this one.
async fn refused(sink: &FileSink, requests: u32, addresses: u32) {
    let layer = AuditLayer::builder().sink(sink.clone()).build().unwrap();
    let next = std::sync::Arc::new(AtomicU32::new(0));
    let refuses = Does(move |cx: &SecurityContext, _: &mut _| {
        let host = next.fetch_add(1, Ordering::SeqCst) % addresses;
        let ip = Ipv4Addr::from_bits(Ipv4Addr::new(198, 51, 0, 0).to_bits() + host);
        cx.set_client(ClientInfo::new(IpAddr::V4(ip), Scheme::Https));
        Rejection::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "Slower.",
        )
        .into()
    });
    for _ in 0..requests {
        let stack = GuardLayer((layer.clone(), refuses.clone()));
        let (status, _) = send(stack, service_fn(hello), get("/")).await;
        assert_eq!(status, 429);
    }
}

fn at(path: &Path, clock: &ManualClock) -> FileSinkBuilder {
    FileSink::builder(path).clock(clock.shared())
}

#[tokio::test]
async fn repeated_refusals_of_one_address_are_one_record_and_one_count() {
    for fail_closed in [false, true] {
        let folder = tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let clock = ManualClock::new(NOW);
        let builder = at(&path, &clock);
        let builder = if fail_closed {
            builder.fail_closed()
        } else {
            builder
        };
        let sink = builder.open().unwrap();
        refused(&sink, 1000, 1).await;
        serve(&sink, 3).await;
        close(&sink).await;
        let report = report(&path);
        assert!(report.is_intact(), "{report:#?}");
        assert_eq!((report.requests, report.folded, report.lost), (4, 999, 0));
        assert_eq!(report.unfinished, 0);
        let folded = &of_type(&path, "folded")[0];
        assert_eq!(
            (&folded["client"], &folded["guard"]),
            (&"198.51.0.0".into(), &"does".into())
        );
        assert_eq!(
            (&folded["code"], &folded["count"]),
            (&"too_many_requests".into(), &999.into())
        );
    }
}

#[tokio::test]
async fn a_count_is_written_when_its_window_is_over() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let clock = ManualClock::new(NOW);
    let sink = at(&path, &clock).open().unwrap();
    refused(&sink, 10, 1).await;
    sink.flush().get().await.unwrap();
    assert!(of_type(&path, "folded").is_empty());
    clock.advance(Duration::from_secs(61));
    sink.flush().get().await.unwrap();
    assert_eq!(of_type(&path, "folded")[0]["count"], 9);
    refused(&sink, 1, 1).await;
    close(&sink).await;
    assert_eq!(
        of_type(&path, "request").len(),
        2,
        "the first of each window"
    );
}

#[tokio::test]
async fn refusals_of_many_addresses_stay_under_the_budget_and_are_all_counted() {
    for fail_closed in [false, true] {
        let folder = tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let clock = ManualClock::new(NOW);
        let builder = at(&path, &clock).refusal_budget(4096);
        let builder = match fail_closed {
            true => builder.fail_closed(),
            false => builder,
        };
        let sink = builder.open().unwrap();
        refused(&sink, 20_000, 60_000).await;
        serve(&sink, 5).await;
        close(&sink).await;
        let report = report(&path);
        let records = records(&path);
        let is_served = |it: &&serde_json::Value| it["status"] == 200 && it["type"] != "end";
        let served = records.iter().filter(is_served).count();
        assert_eq!((served, report.lost, report.unfinished), (5, 0, 0));
        assert_eq!(report.requests - 5 + report.folded, 20_000);
        let whole = records.iter().filter(|it| !it["id"].is_null());
        let whole: usize = whole.map(|record| record.to_string().len()).sum();
        // What was in progress when the budget was used up is paid back later.
        assert!(whole < 2 * 16 * 4096, "{whole} bytes of whole records");
        let counts = of_type(&path, "folded");
        assert!(counts.len() <= 1024 + 64 + 1, "{}", counts.len());
    }
}

#[tokio::test]
async fn principals_behind_one_address_are_counted_apart() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let sink = FileSink::builder(&path).open().unwrap();
    let layer = AuditLayer::builder().sink(sink.clone()).build().unwrap();
    for anonymous in [true, false, true, false] {
        let refuses = Does(move |cx: &SecurityContext, _: &mut _| {
            if !anonymous {
                known(cx);
            }
            let ip = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));
            cx.set_client(ClientInfo::new(ip, Scheme::Https));
            Rejection::new(StatusCode::FORBIDDEN, "closed", "Closed.").into()
        });
        let stack = GuardLayer((layer.clone(), refuses));
        send(stack, service_fn(hello), get("/")).await;
    }
    close(&sink).await;
    assert_eq!(of_type(&path, "request").len(), 2);
    assert_eq!(of_type(&path, "folded").len(), 2);
}

#[tokio::test]
async fn every_refusal_is_a_record_if_the_operator_says_so() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let sink = FileSink::builder(&path).dangerously_record_every_refusal();
    let sink = sink.open().unwrap();
    refused(&sink, 50, 1).await;
    close(&sink).await;
    assert_eq!(of_type(&path, "request").len(), 50);
}

#[tokio::test]
async fn events_of_one_address_are_folded_and_those_of_the_service_are_not() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let sink = FileSink::builder(&path).open().unwrap();
    for _ in 0..100 {
        let failed = AuditEvent::new(event_id::TLS_HANDSHAKE_FAILED);
        sink.record(failed.from_client("2001:db8::1".parse().unwrap()));
    }
    for _ in 0..3 {
        sink.record(AuditEvent::new(event_id::CONFIGURATION_RELOADED));
    }
    close(&sink).await;
    assert_eq!(of_type(&path, "event").len(), 4);
    let folded = &of_type(&path, "folded")[0];
    assert_eq!(folded["code"], event_id::TLS_HANDSHAKE_FAILED);
    assert_eq!(
        (&folded["count"], &folded["client"]),
        (&99.into(), &"2001:db8::".into())
    );
}

#[tokio::test]
async fn no_record_is_longer_than_verification_reads() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let sink = FileSink::builder(&path).open().unwrap();
    let layer = AuditLayer::builder().sink(sink.clone()).build().unwrap();
    let notes = Does(|cx: &SecurityContext, _: &mut _| {
        for key in ["a", "b", "c", "d"] {
            for length in 4000..4004 {
                let value = "\u{e0041}".repeat(length).into();
                cx.record(Fact::Noted { key, value });
            }
        }
        Verdict::Admit(())
    });
    let stack = GuardLayer((layer, notes));
    send(stack, service_fn(hello), get("/")).await;
    close(&sink).await;
    let report = report(&path);
    assert!(report.is_intact(), "{report:#?}");
    let record = &of_type(&path, "request")[0];
    assert!(record["cut_from_bytes"].as_u64().unwrap() > 64 * 1024);
    assert_eq!(
        (&record["status"], &record["how"]),
        (&200.into(), &"complete".into())
    );
    assert!(record["noted"].is_null());
}

/// Writes a trail in many parts.
async fn in_parts(builder: FileSinkBuilder, rounds: usize) {
    let sink = builder.rotate_at(4096).open().unwrap();
    for _ in 0..rounds {
        serve(&sink, 8).await;
        sink.flush().get().await.unwrap();
    }
    close(&sink).await;
}

fn parts(folder: &Path) -> Vec<std::path::PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|it| it.extension().is_some_and(|it| it == "jsonl"))
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn older_parts_beyond_a_size_are_retired_in_order_and_verification_knows_it() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    in_parts(FileSink::builder(&path).keep_at_most(20_000), 40).await;
    let total: u64 = parts(folder.path())
        .iter()
        .map(|it| fs::metadata(it).unwrap().len())
        .sum();
    assert!(total < 30_000, "{total}");
    let intact = report(&path);
    assert!(intact.first > 1 && intact.is_intact(), "{intact:#?}");
    assert_eq!(intact.retired + 1, intact.first);
    // What goes beyond what was retired is not explained by it.
    fs::remove_file(&parts(folder.path())[0]).unwrap();
    let report = report(&path);
    assert_eq!(report.outcome(), VerifyOutcome::Incidents);
    assert!(matches!(
        report.findings[0].reason,
        FindingReason::StartMissing { .. }
    ));
}

/// A record that the writer did not write must not tell retention how far it deletes.
#[tokio::test]
async fn a_forged_line_in_an_older_part_does_not_pass_for_the_last_record_that_retention_deletes() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let key = AuditKey::generate().unwrap();
    let builder = || FileSink::builder(&path).key(key.clone());
    in_parts(builder(), 20).await;
    let old = parts(folder.path());
    let last_of_third = fs::read_to_string(&old[2]).unwrap();
    let (_, number) = last_of_third.rsplit_once("\"seq\":").unwrap();
    let (number, hash) = number.split_once(',').unwrap();
    let text = fs::read_to_string(&old[0]).unwrap();
    let forged = format!("{text}{{\"v\":1,\"type\":\"x\",\"seq\":{number},{hash}");
    fs::write(&old[0], forged).unwrap();
    // The one who forged it deletes the next two parts when retention has run.
    in_parts(builder().keep_at_most(1), 2).await;
    fs::remove_file(&old[1]).unwrap();
    fs::remove_file(&old[2]).unwrap();
    let report = verify_file(&path, &VerifyOptions::new().key(key)).unwrap();
    assert_eq!(report.outcome(), VerifyOutcome::NotIntact, "{report:#?}");
    assert_eq!(report.retired, 0);
    assert!(old[0].exists() && old[3].exists(), "both stay");
    let mut events = Vec::new();
    for file in parts(folder.path()) {
        events.extend(of_type(&file, "event"));
    }
    events.retain(|event| event["event_id"] == event_id::RETENTION_FAILED);
    let [told] = &events[..] else {
        panic!("{events:#?}")
    };
    let file = old[0].file_name().unwrap().to_str().unwrap();
    assert_eq!(
        (&told["data"]["cause"], &told["data"]["file"]),
        (&"damaged".into(), &file.into())
    );
}

#[tokio::test]
async fn older_parts_beyond_an_age_are_retired() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    in_parts(FileSink::builder(&path), 20).await;
    let many = parts(folder.path()).len();
    // The files are from now; the clock of the next process is a year ahead.
    let ahead = fs::metadata(&path).unwrap().modified().unwrap();
    let ahead = ahead.duration_since(std::time::UNIX_EPOCH).unwrap();
    let clock = ManualClock::new(ahead + Duration::from_secs(366 * 86_400));
    let keep = Duration::from_secs(180 * 86_400);
    let sink = at(&path, &clock).keep_for(keep).open().unwrap();
    sink.flush().get().await.unwrap();
    close(&sink).await;
    assert!(many > 4 && parts(folder.path()).len() == 1);
    assert_eq!(of_type(&path, "retired")[0]["why"], "age");
    let report = report(&path);
    assert!(report.is_intact(), "{report:#?}");
}

#[tokio::test]
async fn a_disk_that_is_nearly_full_refuses_requests_if_the_operator_says_so() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    // No disk has so much space.
    let sink = FileSink::builder(&path).low_space(LowSpaceAction::RefuseRequests, u64::MAX / 2);
    let sink = sink.open().unwrap();
    sink.flush().get().await.unwrap();
    let layer = AuditLayer::builder().sink(sink.clone()).build().unwrap();
    while sink.reserve().is_ok() {
        tokio::task::yield_now().await;
    }
    let (status, _) = send(layer, service_fn(hello), get("/")).await;
    assert_eq!(status, 503);
    close(&sink).await;
    let low = &of_type(&path, "event")[0];
    assert_eq!(low["event_id"], event_id::LOW_SPACE);
    assert_eq!(low["data"]["action"], "refuse_requests");
}

#[tokio::test]
async fn with_low_space_refusals_are_only_counted() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let sink = FileSink::builder(&path).low_space(LowSpaceAction::CountRefusals, u64::MAX / 2);
    let sink = sink.open().unwrap();
    sink.flush().get().await.unwrap();
    while of_type(&path, "event").is_empty() {
        sink.flush().get().await.unwrap();
    }
    refused(&sink, 10, 10).await;
    serve(&sink, 1).await;
    close(&sink).await;
    let statuses: Vec<_> = of_type(&path, "request")
        .iter()
        .map(|it| it["status"].clone())
        .collect();
    assert_eq!(statuses, [200]);
    assert_eq!(report(&path).folded, 10);
}

#[tokio::test]
async fn with_low_space_the_oldest_parts_are_deleted_if_configured() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    in_parts(FileSink::builder(&path), 20).await;
    let before = parts(folder.path()).len();
    let sink = FileSink::builder(&path).low_space(LowSpaceAction::RetireOldest, u64::MAX / 2);
    let sink = sink.open().unwrap();
    sink.flush().get().await.unwrap();
    close(&sink).await;
    assert!(parts(folder.path()).len() < before);
    assert!(!records(&path).iter().all(|it| it["type"] != "retired"));
    let report = report(&path);
    assert!(report.is_intact(), "{report:#?}");
}
