//! Proofs that a process before this one may have accepted.

use super::*;

/// One token for all proofs of a test.
static TOKEN: LazyLock<String> = LazyLock::new(bound);

/// A clock at a time of the test.
fn clock_at(seconds: u64) -> ManualClock {
    ManualClock::new(Duration::from_secs(seconds))
}

/// The statuses of proofs that were made some seconds before and after the start.
async fn statuses(layer: &JwtLayer, proofs: &[DpopProof]) -> Vec<u16> {
    let mut statuses = Vec::new();
    for proof in proofs {
        let response = with_proof(layer, &TOKEN, &signed(proof)).await;
        statuses.push(response.status.as_u16());
    }
    statuses
}

fn made_at(seconds: u64) -> DpopProof {
    proof(&TOKEN).claim("iat", seconds)
}

#[tokio::test]
async fn a_proof_from_before_the_start_may_have_been_used_and_is_refused() {
    let before = layer_at(&clock(), proofs());
    let once = signed(&proof(&TOKEN));
    assert_eq!(with_proof(&before, &TOKEN, &once).await.status, 200);
    // The process starts again ten seconds later, without a memory.
    let after = started_at(&clock_at(NOW + 10), proofs());
    let response = with_proof(&after, &TOKEN, &once).await;
    assert_eq!(response.status, 503, "it was used");
    assert!(response.headers.contains_key("retry-after"));

    let made = [NOW + 9, NOW + 10, NOW + 19, NOW + 20].map(made_at);
    assert_eq!(statuses(&after, &made).await, [503, 503, 503, 200]);
}

/// The process before accepted proofs of clients whose clock is ahead, up to the leeway.
#[tokio::test]
async fn a_proof_of_a_clock_that_is_ahead_is_not_used_again_after_a_restart() {
    let before = layer_at(&clock(), proofs());
    let ahead = signed(&made_at(NOW + 5));
    assert_eq!(with_proof(&before, &TOKEN, &ahead).await.status, 200);
    let after = started_at(&clock_at(NOW + 3), proofs());
    assert_eq!(with_proof(&after, &TOKEN, &ahead).await.status, 503);
    // Without a leeway no such proof was accepted, and none is kept waiting.
    let strict = started_at(&clock_at(NOW + 3), proofs().leeway(Duration::ZERO));
    assert_eq!(statuses(&strict, &[made_at(NOW + 3)]).await, [200]);
}

#[tokio::test]
async fn a_start_within_a_second_counts_too() {
    let half = ManualClock::new(Duration::from_millis(NOW * 1000 + 500));
    let layer = started_at(&half, proofs().leeway(Duration::ZERO));
    assert_eq!(statuses(&layer, &[made_at(NOW)]).await, [503]);
    half.advance(Duration::from_millis(500));
    assert_eq!(statuses(&layer, &[made_at(NOW + 1)]).await, [200]);
}

#[tokio::test]
async fn two_layers_with_one_memory_began_with_the_first() {
    let shared = proofs().build().unwrap();
    let layer = |clock: &ManualClock| {
        let issuer = Issuer::new(ISSUER, AUDIENCE, hmac().verifying_key());
        let verifier = Verifier::builder().issuer(issuer).clock(clock.shared());
        let layer = JwtLayer::builder(verifier.build().unwrap()).dpop(shared.clone());
        layer.build().unwrap()
    };
    let (first, later) = (layer(&clock()), layer(&clock_at(NOW + 20)));
    let once = [made_at(NOW + 10).claim("jti", "once")];
    assert_eq!(statuses(&later, &once).await, [200]);
    assert_eq!(
        statuses(&first, &once).await,
        [401],
        "and it was remembered"
    );
}

fn continued(memory: &ProofMemory, builder: DpopProofsBuilder) -> DpopProofs {
    builder.memory(memory, "tts").build().unwrap()
}

#[tokio::test]
async fn a_reload_continues_the_memory_of_proofs() {
    let memory = ProofMemory::new();
    let before = layer_with(&clock(), continued(&memory, proofs()));
    let clock = clock_at(NOW + 60);
    let after = layer_with(&clock, continued(&memory, proofs()));
    let once = [made_at(NOW + 59).claim("jti", "once")];
    assert_eq!(statuses(&after, &once).await, [200], "nothing is forgotten");
    let again = layer_with(&clock, continued(&memory, proofs()));
    drop((before, after));
    assert_eq!(statuses(&again, &once).await, [401]);
}

/// An older memory lacks the proofs that were used since.
#[tokio::test]
async fn only_the_memory_of_the_last_layer_with_the_same_bounds_is_continued() {
    let memory = ProofMemory::new();
    let other = || proofs().max_age(Duration::from_secs(90));
    let made = || [made_at(NOW + 59)];
    let clock = clock_at(NOW + 60);
    let from_start = crate::support::clock();
    let first = layer_with(&from_start, continued(&memory, proofs()));
    from_start.advance(Duration::from_secs(60));
    let second = layer_with(&clock, continued(&memory, other()));
    assert_eq!(statuses(&second, &made()).await, [503], "other bounds");
    let third = layer_with(&clock, continued(&memory, proofs()));
    assert_eq!(
        statuses(&third, &made()).await,
        [503],
        "not that of the first"
    );
    assert_eq!(statuses(&first, &made()).await, [200]);
    drop(third);
    let fourth = layer_with(&clock_at(NOW + 80), continued(&memory, proofs()));
    assert_eq!(
        statuses(&fourth, &[made_at(NOW + 79)]).await,
        [503],
        "it is gone"
    );
}

/// Nonces under a secret of the process are enough: those of an earlier one are not accepted.
#[tokio::test]
async fn with_nonces_of_the_process_an_older_proof_is_told_a_nonce() {
    let layer = started_at(&clock_at(NOW + 10), proofs().require_nonces());
    let response = with_proof(&layer, &TOKEN, &signed(&made_at(NOW))).await;
    assert_eq!(response.status, 401);
    let nonce = response.headers["dpop-nonce"].to_str().unwrap().to_owned();
    let slow_clock = made_at(NOW).claim("nonce", nonce);
    assert_eq!(statuses(&layer, &[slow_clock]).await, [200]);
    // A nonce of all replicas outlives a restart, so it does not help.
    let shared = proofs().shared_nonces(Secret::new([7; 32]));
    let layer = started_at(&clock_at(NOW + 10), shared);
    assert_eq!(statuses(&layer, &[made_at(NOW)]).await, [503]);
}

/// Otherwise a wrong clock at the start would refuse every proof for days.
#[tokio::test]
async fn a_start_in_the_future_is_ignored() {
    let clock = crate::support::SettableClock::at(NOW + 30 * 86_400);
    let issuer = Issuer::new(ISSUER, AUDIENCE, hmac().verifying_key());
    let verifier = Verifier::builder().issuer(issuer).clock(clock.clone());
    let layer = JwtLayer::builder(verifier.build().unwrap()).dpop(proofs().build().unwrap());
    let layer = layer.build().unwrap();
    clock.set(NOW);
    assert_eq!(statuses(&layer, &[made_at(NOW)]).await, [200]);
}
