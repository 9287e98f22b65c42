//! An issuer that rotates its keys again and again while requests come.

use std::{
    future::Future as _,
    pin::pin,
    task::{Context, Poll, Waker},
};

use crate::{
    jwks::{Rig, key},
    jwks_server::ok,
    support::status,
};

/// Decides about a token that must not wait for anything.
fn decided_at_once(rig: &Rig, token: &str) -> u16 {
    let mut deciding = pin!(status(&rig.layer, token));
    match deciding
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(status) => status,
        Poll::Pending => panic!("the request waits for the keys"),
    }
}

/// Each set has the key in use and the next one, as issuers publish them.
#[tokio::test]
async fn over_a_hundred_rotations_no_answer_is_wrong_and_no_request_waits() {
    let keys: Vec<_> = (0..102).map(|number| key(&format!("k{number}"))).collect();
    let rig = Rig::new(ok(&[&keys[0], &keys[1]])).await;
    rig.keys.warm_up().await.unwrap();
    for (number, window) in keys.windows(3).enumerate() {
        let [used, next, after] = window else {
            panic!()
        };
        let (used_token, next_token) = (rig.token(used), rig.token(next));
        // The issuer rotates, and the set is refreshed ahead of its end, beside the requests.
        rig.server.now(ok(&[next, after]));
        rig.pass(480);
        for _ in 0..20 {
            assert_eq!(decided_at_once(&rig, &used_token), 200, "rotation {number}");
            assert_eq!(decided_at_once(&rig, &next_token), 200, "rotation {number}");
        }
        rig.keys.warm_up().await.unwrap();
        for _ in 0..20 {
            assert_eq!(decided_at_once(&rig, &next_token), 200, "rotation {number}");
        }
        assert_eq!(
            status(&rig.layer, &used_token).await,
            401,
            "it was withdrawn"
        );
    }
}
