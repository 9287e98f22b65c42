//! Guards share a reading of the system clock, but none decides by a reading from before a wait.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{Request, request};
use palisade_core::{
    Clock as _, Guard, GuardLayer, SecurityContext, SystemClock, Verdict, layer, testing::EmptyOk,
};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::support::*;

type Readings = Arc<Mutex<Vec<[Duration; 2]>>>;

/// Notes the monotonic and the wall-clock time by which it would decide.
#[derive(Clone)]
struct ReadsTime(Readings);

layer!(ReadsTime);

impl Guard for ReadsTime {
    type Pass = ();

    fn name(&self) -> &'static str {
        "reads_time"
    }

    fn admit(&self, cx: &SecurityContext, _: &mut request::Parts) -> Verdict<()> {
        let clock = SystemClock::default();
        let both = [cx.monotonic_time(&clock), cx.unix_time(&clock)];
        self.0.lock().unwrap().push(both);
        Verdict::Admit(())
    }
}

/// Decides later, when the clock has gone on.
#[derive(Clone)]
struct Waits;

impl Guard for Waits {
    type Pass = ();

    fn name(&self) -> &'static str {
        "waits"
    }

    fn admit(&self, _: &SecurityContext, _: &mut request::Parts) -> Verdict<()> {
        Verdict::later(async {
            wait().await;
            Ok(())
        })
    }
}

/// Waits until both clocks have gone on.
async fn wait() {
    let clock = SystemClock::default();
    let (monotonic, unix) = (clock.monotonic(), clock.unix_time());
    tokio::task::yield_now().await;
    while clock.monotonic() == monotonic || clock.unix_time() == unix {}
}

#[tokio::test]
async fn guards_that_do_not_wait_share_a_reading() {
    let readings = Readings::default();
    let reads = || ReadsTime(Arc::clone(&readings));
    let service = GuardLayer((reads(), reads())).layer(EmptyOk::default());
    service
        .oneshot(Request::new(TestBody::default()))
        .await
        .unwrap();
    let readings = readings.lock().unwrap();
    assert_eq!(readings[0], readings[1]);
}

#[tokio::test]
async fn a_guard_behind_one_that_waited_reads_the_clock_anew() {
    let readings = Readings::default();
    let reads = || ReadsTime(Arc::clone(&readings));
    let service = GuardLayer((reads(), Waits, reads())).layer(EmptyOk::default());
    service
        .oneshot(Request::new(TestBody::default()))
        .await
        .unwrap();
    check_that_the_second_is_later(&readings);
}

/// A service between the two may have read a long request body.
#[tokio::test]
async fn a_guard_behind_a_service_that_waited_reads_the_clock_anew() {
    let readings = Readings::default();
    let inner = ReadsTime(Arc::clone(&readings)).layer(EmptyOk::default());
    let slow = service_fn(move |request: Request<TestBody>| {
        let inner = inner.clone();
        async move {
            wait().await;
            Ok::<_, Infallible>(inner.oneshot(request).await.unwrap())
        }
    });
    let service = ReadsTime(Arc::clone(&readings)).layer(slow);
    service
        .oneshot(Request::new(TestBody::default()))
        .await
        .unwrap();
    check_that_the_second_is_later(&readings);
}

fn check_that_the_second_is_later(readings: &Readings) {
    let readings = readings.lock().unwrap();
    let [[monotonic, unix], [later_monotonic, later_unix]] = readings[..] else {
        panic!("two guards read the time");
    };
    assert!(later_monotonic > monotonic && later_unix > unix);
}
