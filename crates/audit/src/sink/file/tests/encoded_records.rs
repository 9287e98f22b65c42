//! Where the memory of encoded records is freed.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use palisade_core::ManualClock;

use super::{
    super::queue::{Queue, RepeatSettings, Settings},
    sink::Request,
};
use crate::{record::RequestRecord, sink::LossPolicy};

fn queue() -> Queue {
    let settings = Settings {
        capacity: 10_000,
        deadline: Duration::from_secs(1),
        policy: LossPolicy::DropAndCount,
        fold: RepeatSettings {
            window: None,
            budget: None,
        },
    };
    Queue::new(settings, ManualClock::new(Duration::ZERO).shared())
}

/// Records as the writer has them after it encoded them.
fn encoded(count: usize) -> (Vec<Arc<RequestRecord>>, Vec<Weak<RequestRecord>>) {
    let records: Vec<_> = (0..count).map(|_| Request::new().end()).collect();
    let watched = records.iter().map(Arc::downgrade).collect();
    (records, watched)
}

fn kept(watched: &[Weak<RequestRecord>]) -> usize {
    watched.iter().filter(|one| one.strong_count() > 0).count()
}

#[test]
fn each_request_frees_two_records_that_were_encoded() {
    let queue = queue();
    let (mut records, watched) = encoded(5);
    queue.give_back(&mut records);
    assert_eq!((records.len(), kept(&watched)), (0, 5));
    for left in [3, 1, 0, 0] {
        queue.record_request(&Request::new().end());
        assert_eq!(kept(&watched), left);
    }
}

#[test]
fn what_goes_beyond_the_limit_is_freed_at_once() {
    let queue = queue();
    let (mut records, watched) = encoded(5000);
    queue.give_back(&mut records);
    assert_eq!((records.len(), kept(&watched)), (0, 4096));
}

#[test]
fn without_requests_the_writer_frees_them_before_it_sleeps() {
    let queue = queue();
    let (mut records, watched) = encoded(3);
    queue.give_back(&mut records);
    queue.take(&mut Vec::new(), Some(Duration::ZERO));
    assert_eq!(kept(&watched), 0);
}
