//! Disks that hang: who waits for them, and how long.

use std::time::Duration;

use palisade_core::ManualClock;

use super::{
    super::FileSink,
    faulty::Faulty,
    sink::{Request, get, open},
    verified,
};
use crate::{
    error::SinkUnavailable,
    sink::{LossPolicy, Sink},
};

#[tokio::test]
async fn a_disk_that_hangs_is_not_waited_for_beyond_the_deadline() {
    let store = Faulty::default();
    let clock = ManualClock::new(Duration::ZERO);
    let sink = FileSink::builder("x").fail_closed().clock(clock.shared());
    let sink = open(sink.commit_deadline(Duration::from_millis(20)), &store);
    store.set().hangs = true;
    let request = Request::new();
    sink.reserve().unwrap();
    let waiting = sink.record_head(&request.head());
    while !store.set().hanging {
        tokio::task::yield_now().await;
    }
    clock.advance(Duration::from_millis(21));
    assert_eq!(get(waiting).await, Err(SinkUnavailable::TimedOut));
    assert_eq!(
        sink.reserve(),
        Err(SinkUnavailable::Failing),
        "the next one does not even wait"
    );
    sink.record_request(&request.end());
    store.release();
    while sink.reserve().is_err() {
        tokio::task::yield_now().await;
    }
    sink.release();
    get(sink.close()).await.unwrap();
    assert_eq!(verified(&[&store.trail()]).unwrap().unfinished, 0);
}

#[tokio::test]
async fn with_block_a_response_waits_for_a_disk_that_hangs_until_the_deadline() {
    let store = Faulty::default();
    let clock = ManualClock::new(Duration::from_secs(1_700_000_000));
    let sink = FileSink::builder("x").policy(LossPolicy::Block);
    let sink = open(sink.clock(clock.shared()), &store);
    assert!(sink.requires_head_records() && !sink.fails_closed());
    store.set().hangs = true;
    let request = Request::new();
    sink.reserve().unwrap();
    let waiting = tokio::spawn(sink.record_head(&request.head()).get());
    while !store.set().hanging {
        tokio::task::yield_now().await;
    }
    assert!(!waiting.is_finished());
    while !waiting.is_finished() {
        clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    assert_eq!(waiting.await.unwrap(), Ok(()));
    // The disk is known to hang: further responses do not wait, and their records are kept.
    assert_eq!(get(sink.record_head(&Request::new().head())).await, Ok(()));
    sink.record_request(&request.end());
    store.release();
    get(sink.close()).await.unwrap();
    let report = verified(&[&store.trail()]).unwrap();
    assert_eq!((report.requests, report.unfinished, report.lost), (2, 1, 0));
}

#[tokio::test]
async fn with_block_a_request_without_space_is_served_and_counted_once() {
    let store = Faulty::default();
    let sink = FileSink::builder("x").policy(LossPolicy::Block).capacity(2);
    let sink = open(sink, &store);
    store.set().hangs = true;
    let mut responses = Vec::new();
    let requests: Vec<Request> = (0..20).map(|_| Request::new()).collect();
    for request in &requests {
        sink.reserve().unwrap();
        responses.push(sink.record_head(&request.head()));
    }
    assert!(sink.lost_records() >= 10, "{}", sink.lost_records());
    store.release();
    for response in responses {
        assert_eq!(get(response).await, Ok(()));
    }
    get(sink.flush()).await.unwrap();
    for request in &requests {
        sink.record_request(&request.end());
        get(sink.flush()).await.unwrap();
    }
    get(sink.close()).await.unwrap();
    let report = verified(&[&store.trail()]).unwrap();
    assert_eq!(report.requests + report.lost, 20);
    assert_eq!(report.unfinished, 0);
}
