//! Issuers that are slow, away or flooded with questions.

use super::*;

#[tokio::test]
async fn in_an_outage_known_tokens_hold_for_a_bounded_time_and_others_get_503() {
    let (issuer, clock) = (IssuerServer::start(&active()).await, clock());
    let tokens = issuer.builder(&clock).build().unwrap();
    assert_eq!(status(&tokens, "known").await, 200);
    issuer.says(500, &json!({}));
    clock.advance(Duration::from_secs(299));
    assert_eq!(status(&tokens, "known").await, 200);
    assert_eq!(status(&tokens, "other").await, 503);
    clock.advance(Duration::from_secs(1));
    assert_eq!(status(&tokens, "known").await, 503);
    issuer.says(200, &active());
    assert_eq!(status(&tokens, "known").await, 200);
    assert_eq!(status(&tokens, "other").await, 200, "an outage is not kept");
}

#[tokio::test]
async fn a_token_that_was_revoked_before_an_outage_stays_revoked() {
    let (issuer, clock) = (IssuerServer::start(&active()).await, clock());
    let tokens = issuer.builder(&clock).build().unwrap();
    assert_eq!(status(&tokens, "t").await, 200);
    issuer.says(200, &json!({ "active": false }));
    clock.advance(Duration::from_secs(60));
    assert_eq!(status(&tokens, "t").await, 401);
    issuer.says(500, &json!({}));
    for _ in 0..30 {
        clock.advance(Duration::from_secs(10));
        assert_ne!(status(&tokens, "t").await, 200);
    }
}

#[tokio::test]
async fn requests_with_one_token_share_a_question_and_survive_the_one_that_leaves() {
    let issuer = IssuerServer::start(&active()).await;
    let tokens = issuer.builder(&clock()).build().unwrap();
    issuer.gate.forget_permits(Semaphore::MAX_PERMITS);
    let leaver = {
        let tokens = tokens.clone();
        tokio::spawn(async move { status(&tokens, "t").await })
    };
    while issuer.asked() < 1 {
        tokio::task::yield_now().await;
    }
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let tokens = tokens.clone();
            tokio::spawn(async move { status(&tokens, "t").await })
        })
        .collect();
    tokio::task::yield_now().await;
    leaver.abort();
    assert!(leaver.await.unwrap_err().is_cancelled());
    issuer.gate.add_permits(100);
    for request in waiting {
        assert_eq!(request.await.unwrap(), 200);
    }
    assert!(issuer.asked() <= 2, "{}", issuer.asked());
}

#[tokio::test]
async fn a_flood_of_invented_tokens_is_bounded_and_keeps_what_is_known() {
    let issuer = IssuerServer::start(&active()).await;
    let tokens = issuer.builder(&clock()).build().unwrap();
    assert_eq!(status(&tokens, "known").await, 200);
    issuer.says(200, &json!({ "active": false }));
    issuer.gate.forget_permits(Semaphore::MAX_PERMITS);
    let flood: Vec<_> = (0..200)
        .map(|number| {
            let tokens = tokens.clone();
            tokio::spawn(async move { status(&tokens, &format!("invented{number}")).await })
        })
        .collect();
    while issuer.asked() < 65 {
        tokio::task::yield_now().await;
    }
    assert_eq!(status(&tokens, "known").await, 200, "it needs no question");
    issuer.gate.add_permits(1000);
    let mut statuses = Vec::new();
    for request in flood {
        statuses.push(request.await.unwrap());
    }
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!((count(401), count(503)), (64, 136));
    assert_eq!(issuer.asked(), 65);
}

#[tokio::test]
async fn a_flood_of_invented_tokens_does_not_keep_a_known_one_from_its_renewal() {
    let (issuer, clock) = (IssuerServer::start(&active()).await, clock());
    let tokens = issuer.builder(&clock).build().unwrap();
    assert_eq!(status(&tokens, "known").await, 200);
    issuer.gate.forget_permits(Semaphore::MAX_PERMITS);
    issuer.says(200, &json!({ "active": false }));
    let flood: Vec<_> = (0..64)
        .map(|number| spawn(&tokens, format!("invented{number}")))
        .collect();
    while issuer.asked() < 65 {
        tokio::task::yield_now().await;
    }
    clock.advance(Duration::from_secs(60));
    let renewal = spawn(&tokens, "known");
    while issuer.asked() < 66 && !renewal.is_finished() {
        tokio::task::yield_now().await;
    }
    issuer.gate.add_permits(1000);
    assert_eq!(renewal.await.unwrap(), 401, "it was revoked");
    for request in flood {
        assert_eq!(request.await.unwrap(), 401);
    }
}

#[tokio::test]
async fn an_older_response_is_not_used_because_there_is_no_place_to_ask() {
    let (issuer, clock) = (IssuerServer::start(&active()).await, clock());
    let tokens = issuer.builder(&clock).build().unwrap();
    for number in 0..65 {
        assert_eq!(status(&tokens, &format!("known{number}")).await, 200);
    }
    clock.advance(Duration::from_secs(60));
    issuer.gate.forget_permits(Semaphore::MAX_PERMITS);
    let waiting: Vec<_> = (0..64)
        .map(|number| spawn(&tokens, format!("known{number}")))
        .collect();
    while issuer.asked() < 65 + 64 {
        tokio::task::yield_now().await;
    }
    assert_eq!(status(&tokens, "known64").await, 503, "it may be revoked");
    issuer.gate.add_permits(1000);
    for request in waiting {
        assert_eq!(request.await.unwrap(), 200);
    }
    assert_eq!(status(&tokens, "known64").await, 200);
}

#[tokio::test]
async fn a_slow_response_is_not_used_past_exp_nor_for_longer_than_from_the_question() {
    let (issuer, clock) = (IssuerServer::start(&active()).await, clock());
    let tokens = issuer.builder(&clock).build().unwrap();
    issuer.gate.forget_permits(Semaphore::MAX_PERMITS);
    let ask = async |token: &str, wait: u64| {
        let before = issuer.asked();
        let request = spawn(&tokens, token);
        while issuer.asked() == before {
            tokio::task::yield_now().await;
        }
        clock.advance(Duration::from_secs(wait));
        issuer.gate.add_permits(1);
        request.await.unwrap()
    };
    assert_eq!(ask("t", 59).await, 200);
    assert_eq!((status(&tokens, "t").await, issuer.asked()), (200, 1));
    clock.advance(Duration::from_secs(1));
    assert_eq!(ask("t", 0).await, 200, "asked again");

    let mut short = active();
    short["exp"] = json!(NOW + 60 + 20);
    issuer.says(200, &short);
    assert_eq!(ask("u", 20).await, 401, "it ended while it was asked about");
}

#[test]
fn an_issuer_that_cannot_be_asked_is_logged_once_a_minute() {
    let log = Captured::log_of(|| {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(async {
            let (issuer, clock) = (IssuerServer::start(&json!({})).await, clock());
            let tokens = issuer.builder(&clock).build().unwrap();
            for number in 0..20 {
                assert_eq!(status(&tokens, &format!("invented{number}")).await, 503);
            }
            clock.advance(Duration::from_secs(60));
            assert_eq!(status(&tokens, "another").await, 503);
        });
    });
    let lines = log
        .lines()
        .filter(|line| line.contains("could not be asked"));
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(lines[1].contains("held_back=19"), "{log}");
}
