//! A trail that is read back: in order over its parts, while it is written, and with damage in it.

use std::fs;

use http::StatusCode;
use palisade_audit::{
    FileSink, RecordFilter, StoredRecord, TrailReport, VerifyOptions, read_trail, verify_file,
};
use palisade_core::{GuardLayer, ManualClock, Rejection, Verdict};
use tempfile::tempdir;
use tower::service_fn;

use crate::support::{Does, NOW, close, get, hello, known, send, serve, written};

fn read(path: &std::path::Path) -> Vec<StoredRecord> {
    read_trail(path).unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn parts_and_the_file_that_is_written_are_read_in_the_order_of_the_chain() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let clock = ManualClock::new(NOW).shared();
    let sink = FileSink::builder(&path)
        .clock(clock)
        .rotate_at(4096)
        .open()
        .unwrap();
    for _ in 0..10 {
        serve(&sink, 10).await;
        palisade_audit::Sink::flush(&sink).get().await.unwrap();
    }
    assert!(
        fs::read_dir(folder.path()).unwrap().count() > 5,
        "the trail has parts"
    );
    let records = read(&path);
    let numbers: Vec<u64> = records
        .iter()
        .map(|record| record.sequence().unwrap())
        .collect();
    assert!(
        numbers.is_sorted_by(|one, next| one + 1 == *next),
        "{numbers:?}"
    );
    let requests = records
        .iter()
        .filter(|record| record.kind() == "request")
        .count();
    assert_eq!(requests, 100, "the writer still runs");
    close(&sink).await;
    assert_eq!(read(&path).last().unwrap().kind(), "closed");
}

#[tokio::test]
async fn lines_that_are_no_record_are_skipped_and_counted() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    written(&path, 3).await;
    let text = fs::read_to_string(&path).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    let endless = "x".repeat(200_000);
    fs::write(
        &path,
        format!("{first}\nno record\n{endless}\n{rest}{{\"type\":\"torn"),
    )
    .unwrap();
    let mut reader = read_trail(&path).unwrap();
    let requests = reader
        .by_ref()
        .filter(|record| record.as_ref().unwrap().kind() == "request");
    assert_eq!(requests.count(), 3);
    assert_eq!(reader.unreadable_lines(), 3);
}

#[test]
fn a_trail_that_is_not_there_is_an_error() {
    let folder = tempdir().unwrap();
    assert!(read_trail(folder.path().join("none.jsonl")).is_err());
    assert!(read_trail(folder.path()).is_err());
}

#[cfg(unix)]
#[tokio::test]
async fn a_fail_closed_trail_finds_both_records_of_a_request_and_counts_it_once() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let sink = FileSink::builder(&path).fail_closed().open().unwrap();
    let layer = palisade_audit::AuditLayer::builder()
        .sink(sink.clone())
        .build()
        .unwrap();
    let identify = Does(
        |cx: &palisade_core::SecurityContext, _: &mut http::request::Parts| {
            known(cx);
            Verdict::Admit(())
        },
    );
    let refuse = Does(
        |cx: &palisade_core::SecurityContext, _: &mut http::request::Parts| {
            known(cx);
            Rejection::new(StatusCode::FORBIDDEN, "forbidden", "No.").into()
        },
    );
    for _ in 0..2 {
        let stack = GuardLayer((layer.clone(), identify));
        send(stack, service_fn(hello), get("/hello")).await;
    }
    send(
        GuardLayer((layer.clone(), refuse)),
        service_fn(hello),
        get("/hello"),
    )
    .await;
    send(layer.clone(), service_fn(hello), get("/hello")).await;
    close(&sink).await;

    let mut filter = RecordFilter::new().principal("team-voice");
    let found: Vec<String> = read(&path)
        .into_iter()
        .filter(|record| filter.admits(record))
        .map(|record| record.kind().to_owned())
        .collect();
    let of = |kind: &str| found.iter().filter(|found| *found == kind).count();
    assert_eq!((of("head"), of("end"), found.len()), (3, 3, 6), "{found:?}");

    let report = TrailReport::collect(read_trail(&path).unwrap(), RecordFilter::new()).unwrap();
    assert_eq!((report.requests(), report.refused()), (4, 1));
    let verified = verify_file(&path, &VerifyOptions::new()).unwrap();
    let page = report.to_html("audit.jsonl", Some(&verified));
    for text in ["Intact", "team-voice", "does: forbidden", "<svg", "</html>"] {
        assert!(page.contains(text), "{text} in {page}");
    }
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"));
}
