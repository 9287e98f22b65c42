//! Receivers that refuse a batch: it is kept, and stops no other.

use super::*;

/// Answers by what is in the request, on a connection each.
fn judging(
    listener: TcpListener,
    status: impl Fn(&Arrived) -> u16 + Send + 'static,
) -> Receiver<(u16, Arrived)> {
    let (arrives, arrived) = channel();
    thread::spawn(move || {
        loop {
            let mut stream = listener.accept().unwrap().0;
            let Some(request) = try_read(&mut stream) else {
                continue;
            };
            let status = status(&request);
            let response =
                format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            // The sender may have given up.
            let _ = stream.write_all(response.as_bytes());
            if arrives.send((status, request)).is_err() {
                return;
            }
        }
    });
    arrived
}

/// Stores events while there is no receiver, then starts one. Returns what arrived when the spool is empty.
async fn run(
    spool: &Path,
    events: &[&'static str],
    status: impl Fn(&Arrived) -> u16 + Send + 'static,
) -> (WebhookSink, Vec<(u16, Arrived)>) {
    let (listener, address) = bind();
    drop(listener);
    let sink = builder(address, spool).open().unwrap();
    sink.close().get().await.unwrap();
    for id in events {
        event(&sink, id);
    }
    flush(&sink).await;
    drop(sink);
    let sink = open_again(|| builder(address, spool).open());
    let arrived = judging(bind_again(address), status);
    eventually(|| sink.spooled_bytes() == 0);
    let arrived = arrived.try_iter().collect();
    (sink, arrived)
}

fn taken(arrived: &[(u16, Arrived)]) -> Vec<String> {
    let taken = arrived.iter().filter(|(status, _)| *status == 200);
    taken.flat_map(|(_, request)| request.events()).collect()
}

#[tokio::test]
async fn a_batch_that_is_called_malformed_is_kept_and_stops_no_other() {
    for status in [400, 415, 422] {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join("spool");
        let (listener, address) = bind();
        let answers = vec![Answer::Status(status, ""), Answer::Status(200, "")];
        let arrived = receiver(listener, answers);
        let sink = builder(address, &spool).open().unwrap();
        event(&sink, "app.bad");
        flush(&sink).await;
        let bad = arrived.recv().unwrap();
        assert_eq!(bad.events(), ["app.bad"]);
        event(&sink, "app.good");
        flush(&sink).await;
        assert_eq!(arrived.recv().unwrap().events(), ["app.good"]);
        assert_eq!((sink.lost_records(), sink.refused_records()), (0, 1));
        let kept = batches(&spool.join("refused"));
        assert_eq!(kept.len(), 1);
        assert!(fs::read_to_string(&kept[0]).unwrap().ends_with(&bad.body));

        // Moved back, it is sent again after the next start, with its identifier.
        sink.close().get().await.unwrap();
        drop(sink);
        fs::rename(&kept[0], spool.join(kept[0].file_name().unwrap())).unwrap();
        let arrived = judging(bind_again(address), |_| 200);
        let _sink = open_again(|| builder(address, &spool).open());
        assert_eq!(arrived.recv().unwrap().1.id(), bad.id());
    }
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_divided_down_to_one_record() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let events = [
        "app.a", "app.b", "app.c", "app.huge", "app.e", "app.f", "app.g",
    ];
    let (sink, arrived) = run(&spool, &events, |request| {
        let events = request.events();
        let is_large = events.len() > 2 || events.iter().any(|id| id == "app.huge");
        if is_large { 413 } else { 200 }
    })
    .await;
    let expected = ["app.a", "app.b", "app.c", "app.e", "app.f", "app.g"];
    assert_eq!(taken(&arrived), expected);
    assert_eq!((sink.lost_records(), sink.refused_records()), (0, 1));
    assert_eq!(waiting(&spool.join("refused")), 1);
}

#[tokio::test]
async fn one_record_that_a_receiver_never_takes_stops_no_other() {
    for status in [403, 500] {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join("spool");
        let (listener, address) = bind();
        let arrived = judging(listener, move |request| {
            let is_bad = request.events().iter().any(|id| id == "app.bad");
            if is_bad { status } else { 200 }
        });
        let sink = builder(address, &spool).linger(Duration::from_secs(1));
        let clock = ManualClock::new(NOW);
        let sink = sink.clock(clock.shared()).open().unwrap();
        let passes = || clock.advance(Duration::from_secs(1));
        for id in ["app.a", "app.bad", "app.c"] {
            event(&sink, id);
        }
        flush(&sink).await;
        assert_eq!(arrived.recv().unwrap().0, status);
        // Alone it is tried for a day: nothing shows that the fault is its own.
        for _ in 0..20 {
            passes();
            assert_eq!(sink.refused_records(), 0);
        }
        let mut got = Vec::new();
        while sink.refused_records() == 0 {
            event(&sink, "app.more");
            flush(&sink).await;
            passes();
            got.extend(arrived.try_iter());
        }
        eventually(|| {
            passes();
            sink.spooled_bytes() == 0
        });
        got.extend(arrived.try_iter());
        let good = taken(&got);
        assert!(good.iter().any(|id| id == "app.a") && good.iter().any(|id| id == "app.c"));
        assert_eq!((sink.lost_records(), sink.refused_records()), (0, 1));
    }
}

#[tokio::test]
async fn a_record_that_is_refused_alone_for_a_day_is_set_aside() {
    for status in [403, 500] {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join("spool");
        let (listener, address) = bind();
        let arrived = judging(listener, move |_| status);
        let clock = ManualClock::new(NOW);
        let sink = builder(address, &spool).clock(clock.shared());
        let sink = sink.open().unwrap();
        event(&sink, "app.bad");
        flush(&sink).await;
        let begun = clock.monotonic();
        eventually(|| {
            clock.advance(Duration::from_secs(60));
            sink.refused_records() == 1
        });
        let tried_for = clock.monotonic() - begun;
        assert!(tried_for >= Duration::from_secs(24 * 3600));
        assert!(arrived.try_iter().count() >= 5);
        assert_eq!((sink.lost_records(), sink.spooled_bytes()), (0, 0));
        let kept = batches(&spool.join("refused"));
        assert!(fs::read_to_string(&kept[0]).unwrap().contains("app.bad"));
        // Others are sent, without a restart.
        event(&sink, "app.next");
        flush(&sink).await;
        eventually(|| {
            clock.advance(Duration::from_secs(60));
            let mut arrived = arrived.try_iter();
            arrived.any(|(_, request)| request.events() == ["app.next"])
        });
    }
}

/// Lets a receiver refuse one batch of these events as long as `app.bad` is in it, until the spool is empty.
async fn refused_alone(events: impl IntoIterator<Item = &'static str>) -> Vec<(u16, Arrived)> {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let (listener, address) = bind();
    let arrived = judging(listener, |request| {
        let is_bad = request.events().iter().any(|id| id == "app.bad");
        if is_bad { 500 } else { 200 }
    });
    let clock = ManualClock::new(NOW);
    let sink = builder(address, &spool).linger(Duration::from_secs(1));
    let sink = sink.clock(clock.shared()).open().unwrap();
    for id in events {
        event(&sink, id);
    }
    flush(&sink).await;
    eventually(|| {
        clock.advance(Duration::from_secs(600));
        sink.spooled_bytes() == 0
    });
    assert_eq!((sink.lost_records(), sink.refused_records()), (0, 1));
    arrived.try_iter().collect()
}

#[tokio::test]
async fn a_batch_that_is_refused_alone_for_a_day_is_divided() {
    let arrived = refused_alone(["app.a", "app.bad", "app.c", "app.d"]).await;
    assert_eq!(arrived[0].1.events().len(), 4);
    let mut good = taken(&arrived);
    good.sort();
    assert_eq!(good, ["app.a", "app.c", "app.d"]);
}

#[tokio::test]
async fn one_record_among_many_is_found_without_another_day_for_each_half() {
    let events = (0..64).map(|number| if number == 41 { "app.bad" } else { "app.good" });
    let arrived = refused_alone(events).await;
    assert_eq!(taken(&arrived).len(), 63);
    let parts = arrived.iter().filter(|(_, it)| it.events().len() < 64);
    // Six divisions, of which each part is tried five times, and the next one once.
    assert!(parts.clone().count() <= 6 * 7, "{}", parts.count());
}

#[tokio::test]
async fn a_receiver_that_refuses_everything_or_is_busy_gets_all_batches_later() {
    for status in [403, 500, 503, 429] {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join("spool");
        let (listener, address) = bind();
        let answers = [
            vec![Answer::Status(status, ""); 8],
            vec![Answer::Status(200, ""); 9],
        ];
        let arrived = receiver(listener, answers.concat());
        let sink = builder(address, &spool).open().unwrap();
        for id in ["app.a", "app.b"] {
            event(&sink, id);
            flush(&sink).await;
        }
        eventually(|| sink.spooled_bytes() == 0);
        assert_eq!((sink.lost_records(), sink.refused_records()), (0, 0));
        let mut last: Vec<_> = arrived
            .try_iter()
            .skip(8)
            .flat_map(|it| it.events())
            .collect();
        last.sort();
        assert_eq!(last, ["app.a", "app.b"]);
    }
}
