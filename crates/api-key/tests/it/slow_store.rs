//! A store that responds later, or cannot be asked.

use std::sync::Arc;

use http::StatusCode;
use palisade_api_key::{ApiKeyLayer, KeyId, KeyRecord, KeyStore, StoreUnavailable};
use palisade_core::{Fact, MaybeReady};

use crate::support::{Stand, ask, live, with_header};

/// Answers later, as a store behind a network would.
#[derive(Debug)]
struct Slow(Result<Option<Arc<KeyRecord>>, StoreUnavailable>);

impl KeyStore for Slow {
    fn find(&self, _: KeyId) -> MaybeReady<Result<Option<Arc<KeyRecord>>, StoreUnavailable>> {
        let response = self.0.clone();
        MaybeReady::pending(async { response })
    }

    fn degraded(&self) -> Option<&'static str> {
        Some("slow")
    }
}

fn check_slow(found: Result<Option<Arc<KeyRecord>>, StoreUnavailable>, status: StatusCode) {
    let stand = Stand::new();
    let minted = stand.mint(live());
    let found = found.map(|found| found.map(|_| Arc::new(minted.record().clone())));
    let layer = ApiKeyLayer::builder(stand.scheme.clone(), Slow(found)).clock(stand.clock.shared());
    let response = ask(
        layer.build().unwrap(),
        with_header("x-api-key", minted.key()),
    );
    assert_eq!(response.status, status);
    let degraded = |fact: &Fact| {
        matches!(
            fact,
            Fact::Degraded {
                guard: "api_key",
                what: "slow"
            }
        )
    };
    assert!(response.facts.iter().any(degraded));
    if let Some(saw) = response.saw {
        assert!(!saw.headers.contains_key("x-api-key"));
    }
}

#[test]
fn a_store_may_reply_later() {
    let record = Arc::new(Stand::new().mint(live()).record().clone());
    check_slow(Ok(Some(record)), StatusCode::OK);
    check_slow(Ok(None), StatusCode::UNAUTHORIZED);
}

#[test]
fn a_store_that_cannot_reply_admits_no_request() {
    check_slow(
        Err(StoreUnavailable::new("connection refused")),
        StatusCode::SERVICE_UNAVAILABLE,
    );
}
