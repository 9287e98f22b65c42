//! What is in the spool when the receiver, the process or the disk fails.

use palisade_audit::LossPolicy;

use super::*;

#[tokio::test]
async fn batches_wait_for_a_receiver_that_was_killed_over_a_restart_and_arrive_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let (listener, address) = bind();
    let arrived = receiver(listener, vec![Answer::Status(200, ""), Answer::Breaks]);
    let open = || {
        builder(address, &spool)
            .deadline(Duration::from_secs(1))
            .open()
    };
    let sink = open().unwrap();
    event(&sink, "app.one");
    flush(&sink).await;
    assert_eq!(arrived.recv().unwrap().events(), ["app.one"]);
    event(&sink, "app.two");
    flush(&sink).await;
    let two = arrived.recv().unwrap();
    assert_eq!(two.events(), ["app.two"]);
    // The receiver is gone now, and has not confirmed the second one.
    event(&sink, "app.three");
    sink.close().get().await.unwrap();
    drop(sink);
    let sink = open_again(open);
    assert_eq!(waiting(&spool), 2);
    event(&sink, "app.four");
    flush(&sink).await;
    assert!(matches!(open(), Err(AuditBuildError::Locked { .. })));
    let listener = bind_again(address);
    let arrived = receiver(listener, vec![Answer::Status(200, ""); 3]);
    let again = arrived.recv().unwrap();
    assert_eq!(again.id(), two.id(), "the receiver can tell that it has it");
    let mut events = again.events();
    while events.len() < 3 {
        events.extend(arrived.recv().unwrap().events());
    }
    assert_eq!(events, ["app.two", "app.three", "app.four"]);
    eventually(|| sink.spooled_bytes() == 0);
    assert_eq!(waiting(&spool), 0);
}

/// A text that makes an event long.
fn long_event(sink: &impl Sink) {
    let text = "x".repeat(128);
    let names = [
        "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p",
    ];
    let event = names
        .iter()
        .fold(AuditEvent::new("app.long"), |event, name| {
            event.text(name, &text)
        });
    sink.record_event(&Arc::new(event));
}

#[tokio::test]
async fn a_full_spool_loses_counted_records_or_waits_by_the_policy() {
    let folder = tempfile::tempdir().unwrap();
    let (listener, address) = bind();
    drop(listener);
    let spool = folder.path().join("counts");
    let sink = builder(address, &spool)
        .spool_bytes(2 << 20)
        .open()
        .unwrap();
    for _ in 0..11 {
        for _ in 0..100 {
            long_event(&sink);
        }
        // Nothing is lost by the queue.
        let _ = sink.flush().get().await;
    }
    assert!(sink.spooled_bytes() <= 2 << 20);
    let lost = sink.lost_records();
    assert!((1..600).contains(&lost), "{lost}");
    // For a moment a batch that is being merged is there twice.
    eventually(|| stored_records(&spool) + usize::try_from(lost).unwrap() == 1100);
    drop(sink);

    // With fail-closed a request is refused at the deadline, and served when there is space again.
    let clock = ManualClock::new(NOW);
    let spool = folder.path().join("refuses");
    let (listener, address) = bind();
    drop(listener);
    let sink = builder(address, &spool)
        .spool_bytes(2 << 20)
        .policy(LossPolicy::FailClosed);
    let sink = Arc::new(sink.clock(clock.shared()).open().unwrap());
    let layer = AuditLayer::builder()
        .sink(Arc::clone(&sink))
        .clock(clock.shared());
    let layer = layer
        .deadline(Duration::from_secs(1 << 40))
        .build()
        .unwrap();
    assert!(layer.is_fail_closed());
    let first = send(layer.clone(), service_fn(hello), get("/hello"))
        .await
        .0;
    assert_eq!(
        first, 200,
        "in the spool is safe, whether or not the receiver is there"
    );
    while sink.spooled_bytes() < (2 << 20) - 250_000 {
        for _ in 0..100 {
            long_event(&*sink);
        }
        flush(&*sink).await;
    }
    for _ in 0..200 {
        long_event(&*sink);
    }
    let request = tokio::spawn(send(layer.clone(), service_fn(hello), get("/hello")));
    while !request.is_finished() {
        clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    assert_eq!(request.await.unwrap().0, 503);
    let listener = bind_again(address);
    let arrived = receiver(listener, vec![Answer::Status(200, ""); 2000]);
    loop {
        clock.advance(Duration::from_secs(1));
        let (status, _) = send(layer.clone(), service_fn(hello), get("/hello")).await;
        if status == 200 {
            break;
        }
    }
    assert!(arrived.try_iter().count() > 0);
}

#[tokio::test]
async fn a_batch_that_cannot_be_read_for_a_while_is_sent_later() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let (listener, address) = bind();
    let arrived = receiver(
        listener,
        vec![Answer::Status(503, ""), Answer::Status(200, "")],
    );
    let time = ManualClock::new(NOW);
    let clock = Arc::new(Counting(time.clone(), AtomicUsize::new(0)));
    let sink = builder(address, &spool).clock(Arc::clone(&clock) as _);
    let sink = sink.open().unwrap();
    event(&sink, "app.one");
    flush(&sink).await;
    let first = arrived.recv().unwrap();
    // The sender reads the clock again and again while it waits.
    let waits = || {
        let before = clock.1.load(Ordering::Relaxed);
        eventually(|| clock.1.load(Ordering::Relaxed) >= before + 4);
    };
    waits();
    // Root can read every file, but no folder.
    let (file, kept) = (batches(&spool).pop().unwrap(), folder.path().join("kept"));
    fs::rename(&file, &kept).unwrap();
    fs::create_dir(&file).unwrap();
    for _ in 0..7 {
        time.advance(Duration::from_secs(600));
        waits();
    }
    assert!(sink.spooled_bytes() > 0 && arrived.try_recv().is_err());
    fs::remove_dir(&file).unwrap();
    fs::rename(&kept, &file).unwrap();
    time.advance(Duration::from_secs(600));
    let second = arrived.recv().unwrap();
    assert_eq!(
        (second.id(), second.body.as_str()),
        (first.id(), first.body.as_str())
    );
    eventually(|| sink.spooled_bytes() == 0);
    assert_eq!((sink.lost_records(), sink.refused_records()), (0, 0));
}

#[tokio::test]
async fn a_batch_whose_file_is_gone_is_counted_and_one_that_was_changed_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let (listener, address) = bind();
    drop(listener);
    let sink = builder(address, &spool).open().unwrap();
    for id in ["app.one", "app.two", "app.three"] {
        event(&sink, id);
        flush(&sink).await;
    }
    sink.close().get().await.unwrap();
    drop(sink);
    let open = || builder(address, &spool).open();
    // The first one may have been sealed, alone or with others.
    let sink = open_again(open);
    sink.close().get().await.unwrap();
    event(&sink, "app.four");
    flush(&sink).await;
    let files = batches(&spool);
    let records = stored_records(&spool);
    assert!(files.len() >= 2 && records == 4, "{files:?}");
    let last = files.last().unwrap();
    let changed = fs::read_to_string(last).unwrap();
    fs::write(last, changed.replace("app.four", "app.fork")).unwrap();
    drop(sink);
    let sink = open_again(open);
    let listener = bind_again(address);
    let arrived = receiver(listener, vec![Answer::Status(200, ""); 3]);
    eventually(|| sink.spooled_bytes() == 0);
    let events: Vec<_> = arrived.try_iter().flat_map(|it| it.events()).collect();
    assert_eq!(events, ["app.one", "app.two", "app.three"]);
    assert_eq!((sink.lost_records(), sink.refused_records()), (0, 1));
    assert_eq!(waiting(&spool.join("refused")), 1);
}

#[tokio::test]
async fn records_that_were_stored_one_by_one_are_sent_together() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let (listener, address) = bind();
    drop(listener);
    let sink = builder(address, &spool)
        .retry_pause(Duration::from_secs(300))
        .open()
        .unwrap();
    for _ in 0..600 {
        event(&sink, "app.one");
        flush(&sink).await;
    }
    sink.close().get().await.unwrap();
    drop(sink);
    let listener = bind_again(address);
    let arrived = receiver(listener, vec![Answer::Status(200, ""); 1000]);
    let sink = open_again(|| builder(address, &spool).open());
    eventually(|| sink.spooled_bytes() == 0);
    let requests: Vec<_> = arrived.try_iter().collect();
    let records: usize = requests.iter().map(|it| it.events().len()).sum();
    assert_eq!(records, 600);
    assert!(requests.len() <= 4, "{} requests", requests.len());
    // The numbers go on without a gap.
    let mut next = 1;
    for request in &requests {
        let mut parts = request.id().split('-').map(|part| part.parse::<u64>());
        assert_eq!(parts.next().unwrap().unwrap(), next);
        next = parts.next().unwrap().unwrap() + 1;
    }
    assert_eq!(next, 601);
}

#[tokio::test]
async fn closing_does_not_wait_for_space_in_a_full_spool() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let (listener, address) = bind();
    drop(listener);
    let sink = builder(address, &spool)
        .spool_bytes(2 << 20)
        .policy(LossPolicy::Block)
        .open()
        .unwrap();
    for _ in 0..1200 {
        long_event(&sink);
    }
    let _ = sink.close().get().await;
    let lost = usize::try_from(sink.lost_records()).unwrap();
    assert!(lost > 0);
    drop(sink);
    threads_ended(&spool);
    assert_eq!(stored_records(&spool) + lost, 1200);
}
