//! Turns, places and leavers, on one thread: the test is the worker.
#![allow(clippy::unwrap_used)]

use std::task::{Context, Poll, Waker};

use palisade::core::ManualClock;

use super::*;
use crate::{
    encoding::Format,
    synthesis::{Delivery, Speech, Turn, Utterance, Voice, VoiceInfo, Words, pipe::STRETCHES},
};

/// Says a second for each character, a stretch each.
struct Counted;

impl Voice for Counted {
    fn info(&self) -> VoiceInfo {
        unreachable!("the queue does not ask for it")
    }

    fn speak(&self, utterance: &Utterance, _: &StopSignal) -> Result<Speech, SpeechError> {
        let stretches = utterance.words.as_str().chars().count();
        Ok(Box::new((0..stretches).map(|_| Ok(vec![0.0; 8].into()))))
    }
}

struct TestQueue {
    clock: ManualClock,
    inner: Arc<Queue>,
}

impl TestQueue {
    fn new(threads: usize, waiting: usize, listeners: usize) -> Self {
        let clock = ManualClock::new(Duration::from_secs(1_000));
        let bounds = Bounds {
            threads,
            waiting,
            listeners,
        };
        let queue = Queue::new(bounds, clock.shared());
        Self {
            clock,
            inner: queue,
        }
    }

    fn ask(&self, text: &str, delivery: Delivery) -> Result<Listener, QueueFull> {
        self.inner.submit(Order {
            voice: Arc::new(Counted),
            sample_rate: 8,
            utterance: Utterance {
                words: Words::Plain(text.into()),
                emotion: "neutral".into(),
                unspeakable: crate::Unspeakable::Refuse,
                speed: 1.0,
                longest: Duration::MAX,
            },
            encoder: Format::Pcm.encoder_at(8, 8, delivery.extent()).unwrap(),
            delivery,
            timed: false,
        })
    }

    fn stream(&self, seconds: usize) -> Listener {
        self.ask(&"长".repeat(seconds), Delivery::Stream).unwrap()
    }

    /// Gives the next text one turn, and tells whose it was.
    fn turn(&self) -> Option<u64> {
        self.inner.lock().closed = true;
        let job = self.inner.take();
        self.inner.lock().closed = false;
        let mut job = job?;
        let number = job.number();
        match job.turn() {
            Turn::Computed(_) => self.inner.put_back(job),
            Turn::Over(_) => self.inner.finished(&job, None),
        }
        Some(number)
    }

    fn parked(&self) -> usize {
        self.inner.lock().parked.len()
    }

    fn listeners(&self) -> usize {
        self.inner.lock().listeners.len()
    }
}

fn take(listener: &Listener) -> Poll<Option<Result<bytes::Bytes, SpeechError>>> {
    listener.poll_take(&mut Context::from_waker(Waker::noop()))
}

/// As a response that begins.
fn begin(listener: &Listener) {
    let ready = std::pin::pin!(listener.ready());
    let task = &mut Context::from_waker(Waker::noop());
    assert!(ready.poll(task).is_ready());
}

#[test]
fn texts_take_turns_so_that_a_short_one_is_not_stuck_behind_a_long_one() {
    let queue = TestQueue::new(1, 8, 8);
    let _long = queue.ask(&"长".repeat(100), Delivery::Whole).unwrap();
    let short = queue.ask("短", Delivery::Whole).unwrap();
    let turns: Vec<_> = (0..4).map(|_| queue.turn().unwrap()).collect();
    assert_eq!(turns, [0, 1, 0, 1]);
    begin(&short);
}

#[test]
fn a_text_ahead_of_its_listener_keeps_no_other_out_and_none_waiting() {
    let queue = TestQueue::new(1, 1, 8);
    let _long = [(); 2].map(|()| queue.ask(&"长".repeat(100), Delivery::Whole).unwrap());
    for _ in 0..19 {
        assert!(queue.ask("新", Delivery::Stream).is_err());
        queue.turn();
    }
    let _new = queue.stream(9);
    assert_eq!([queue.turn(), queue.turn()], [Some(2), Some(2)]);
    queue.clock.advance(Duration::from_secs(30));
    assert_eq!(queue.turn(), Some(2), "all are late, and it has the least");
    assert!(
        queue.ask("新", Delivery::Stream).is_err(),
        "all need a thread again"
    );
}

#[test]
fn a_text_whose_client_does_not_read_is_parked_and_comes_back_when_it_does() {
    let queue = TestQueue::new(1, 8, 8);
    let listener = queue.stream(100);
    while queue.turn().is_some() {}
    assert_eq!(queue.parked(), 1);
    assert_eq!(
        listener.made().samples,
        8 * STRETCHES as u64,
        "nothing is made beyond the buffer"
    );
    assert!(take(&listener).is_ready());
    assert_eq!((queue.parked(), queue.turn()), (0, Some(0)));
    assert_eq!((queue.parked(), queue.turn()), (1, None));
}

#[test]
fn a_whole_is_made_without_its_client_taking_anything() {
    let queue = TestQueue::new(1, 8, 8);
    let listener = queue.ask(&"长".repeat(100), Delivery::Whole).unwrap();
    while queue.turn().is_some() {}
    begin(&listener);
    assert_eq!(listener.made().samples, 800);
    let mut pieces = 0;
    while let Poll::Ready(Some(piece)) = take(&listener) {
        pieces += piece.unwrap().len();
    }
    assert_eq!(pieces, 1600);
}

#[test]
fn beyond_its_places_it_says_when_to_come_again() {
    let queue = TestQueue::new(1, 1, 8);
    let _held = [queue.stream(1), queue.stream(1)];
    queue.inner.lock().pace = Duration::from_millis(2625);
    let full = queue.ask("三", Delivery::Stream).unwrap_err();
    assert_eq!(full.retry_after, Duration::from_secs(6));
}

#[test]
fn who_leaves_gives_the_place_back_waiting_or_parked() {
    let queue = TestQueue::new(1, 1, 8);
    let waiting = [queue.stream(9), queue.stream(9)];
    assert!(queue.ask("三", Delivery::Stream).is_err());
    drop(waiting);
    let parked = queue.stream(9);
    while queue.turn().is_some() {}
    assert_eq!(queue.parked(), 1);
    drop(parked);
    assert_eq!((queue.parked(), queue.listeners()), (0, 0));
    assert!(queue.ask("三", Delivery::Stream).is_ok());
}

#[test]
fn who_leaves_while_speaking_stops_the_voice_within_the_stretch() {
    let queue = TestQueue::new(1, 1, 8);
    let listener = queue.stream(9);
    let mut job = queue.inner.take().unwrap();
    assert_eq!(job.turn(), Turn::Computed(8));
    drop(listener);
    assert_eq!(job.turn(), Turn::Over(Err(SpeechError::Cancelled)));
}

#[test]
fn slow_readers_hold_no_turn_of_others() {
    let queue = TestQueue::new(1, 1, 64);
    let slow: Vec<_> = (0..50)
        .map(|_| {
            let listener = queue.stream(100);
            while queue.turn().is_some() {}
            listener
        })
        .collect();
    assert_eq!(queue.parked(), 50);
    let fast = queue.stream(1);
    assert!(queue.turn().is_some());
    begin(&fast);
    assert!(matches!(take(&fast), Poll::Ready(Some(Ok(_)))));
    drop(slow);
    assert_eq!(queue.parked(), 0);
}

#[test]
fn when_no_place_is_left_the_slowest_reader_gives_up_its_own() {
    let queue = TestQueue::new(1, 8, 2);
    let [slow, slower] = [queue.stream(100), queue.stream(100)];
    while queue.turn().is_some() {}
    begin(&slower);
    queue.clock.advance(Duration::from_secs(8));
    begin(&slow);
    assert!(
        queue.ask("新", Delivery::Stream).is_err(),
        "neither is late by much"
    );
    queue.clock.advance(Duration::from_secs(8));
    let _new = queue.ask("新", Delivery::Stream).unwrap();
    let refused = Poll::Ready(Some(Err(SpeechError::TooSlow)));
    assert_eq!(take(&slower), refused);
    assert!(matches!(take(&slow), Poll::Ready(Some(Ok(_)))));
    assert_eq!(queue.listeners(), 2);
    drop(slower);
    assert_eq!(queue.listeners(), 2, "its place was given away already");
}

#[test]
fn who_reads_as_fast_as_it_sounds_keeps_its_place() {
    let queue = TestQueue::new(1, 8, 1);
    let listener = queue.stream(100);
    while queue.turn().is_some() {}
    begin(&listener);
    for _ in 0..60 {
        queue.clock.advance(Duration::from_secs(1));
        assert!(matches!(take(&listener), Poll::Ready(Some(Ok(_)))));
        while queue.turn().is_some() {}
    }
    assert!(queue.ask("新", Delivery::Stream).is_err());
}

#[test]
fn a_closed_queue_takes_nothing_new_and_empties() {
    let queue = TestQueue::new(1, 2, 8);
    let _listener = queue.stream(1);
    queue.inner.close();
    assert!(queue.ask("二", Delivery::Stream).is_err());
    assert!(queue.inner.take().is_some());
    assert!(queue.inner.take().is_none());
}

#[test]
fn a_text_of_no_sound_and_one_that_is_given_up_end_with_a_reason() {
    let queue = TestQueue::new(1, 2, 8);
    let [silent, lost] = ["", "长"].map(|text| queue.ask(text, Delivery::Whole).unwrap());
    queue.turn();
    drop(queue.inner.take());
    let nothing = Poll::Ready(Some(Err(SpeechError::NothingToSpeak)));
    assert_eq!(take(&silent), nothing);
    let broken = Poll::Ready(Some(Err(SpeechError::Broken)));
    assert_eq!(take(&lost), broken);
}

#[test]
fn nothing_shows_the_text() {
    let queue = TestQueue::new(1, 1, 8);
    let listener = queue.ask("秘密", Delivery::Whole).unwrap();
    let job = queue.inner.take().unwrap();
    let words = Words::Plain("秘密".into());
    assert!(!format!("{:?}{listener:?}{job:?}{words:?}", queue.inner).contains('秘'));
}

#[test]
fn a_client_that_is_sent_a_finished_file_has_a_place_until_it_has_read_it() {
    let queue = TestQueue::new(1, 8, 2);
    let file = bytes::Bytes::from(vec![0; 100_000]);
    let held = [(); 2].map(|()| {
        let listener = queue.inner.hold().unwrap();
        listener.refill(file.clone(), Duration::from_secs(30));
        listener
    });
    assert!(queue.inner.hold().is_err());
    assert!(queue.ask("新", Delivery::Whole).is_err());
    let [slow, quick] = held;
    while let Poll::Ready(Some(taken)) = take(&quick) {
        assert!(taken.is_ok());
    }
    assert_eq!(queue.listeners(), 2);
    drop(quick);
    let _third = queue.inner.hold().unwrap();
    // One that does not read loses its place, and holds no sound.
    queue.clock.advance(Duration::from_secs(11));
    let _fourth = queue.ask("新", Delivery::Whole).unwrap();
    assert_eq!(take(&slow), Poll::Ready(Some(Err(SpeechError::TooSlow))));
    assert_eq!(queue.turn(), Some(3), "no thread is asked for a file");
    queue.inner.close();
    drop(slow);
    assert!(queue.inner.hold().is_err());
}
