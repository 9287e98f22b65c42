//! The arithmetic of one limit, with numbers that can be checked by hand.

use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1_000_000_000;

fn gcra(rate: &str, burst: u32, debt: u32) -> Gcra {
    Gcra::new(
        &rate.parse().unwrap(),
        NonZeroU32::new(burst).unwrap(),
        debt,
    )
    .unwrap()
}

#[test]
fn a_burst_is_granted_and_then_one_unit_at_a_time() {
    let limit = gcra("1/second", 3, 0);
    let empty = limit.decide(0, 3, 3).unwrap();
    assert_eq!(empty, 3 * SECOND);
    assert_eq!(limit.decide(empty, 1, 1), Err(SECOND));
    assert_eq!(limit.decide(empty - SECOND + 1, 1, 1), Err(1));
    assert_eq!(limit.decide(empty - SECOND, 1, 1), Ok(empty));
}

#[test]
fn a_check_changes_nothing() {
    let limit = gcra("1/second", 2, 0);
    assert_eq!(limit.decide(SECOND, 1, 0), Ok(SECOND));
    assert_eq!(limit.decide(2 * SECOND, 1, 0), Err(SECOND));
}

#[test]
fn debt_is_waited_off_and_bounded() {
    let limit = gcra("1/second", 2, 3);
    let owing = limit.adjust(2 * SECOND, 100);
    assert_eq!(owing, 5 * SECOND);
    assert_eq!(limit.decide(owing, 1, 1), Err(4 * SECOND));
    assert_eq!(limit.decide(owing, 0, 0), Err(3 * SECOND));
}

#[test]
fn a_refund_never_makes_more_than_a_full_bucket() {
    assert_eq!(gcra("1/second", 2, 0).adjust(SECOND, -100), 0);
    assert_eq!(gcra("1/second", 2, 0).adjust(SECOND, i64::MIN), 0);
}

#[test]
fn a_backlog_of_a_larger_quota_counts_as_empty() {
    assert_eq!(
        gcra("1/second", 2, 0).decide(900 * SECOND, 1, 1),
        Err(SECOND)
    );
}

#[test]
fn a_charge_never_lowers_what_a_higher_tier_has_used() {
    let mut low = gcra("1/second", 2, 0);
    low.raise_ceiling(60 * SECOND);
    assert_eq!(low.adjust(50 * SECOND, 1), 50 * SECOND);
    assert_eq!(low.decide(50 * SECOND, 1, 1), Err(49 * SECOND));
    assert_eq!(low.adjust(900 * SECOND, -1), 59 * SECOND);
}

#[test]
fn an_interval_that_does_not_divide_is_rounded_against_the_client() {
    assert_eq!(gcra("7/minute", 7, 0).emission(), 8_571_429_000);
}

#[test]
fn fast_and_slow_rates_keep_their_pace() {
    assert_eq!(gcra("5000/second", 5000, 0).emission(), 200_000);
    assert_eq!(gcra("1000000/second", 1, 0).emission(), 1000);
    assert_eq!(gcra("1/30 days", 1, 0).emission(), 30 * 86_400 * SECOND);
    assert_eq!(gcra("4294967295/second", 1, 0).emission(), 1);
}

#[test]
fn a_part_is_never_less_than_one_unit() {
    let part = gcra("10/second", 10, 0)
        .shared_among(NonZeroU32::new(4).unwrap())
        .unwrap();
    assert_eq!((part.burst(), part.emission()), (3, SECOND * 4 / 10));
    let part = gcra("1/second", 1, 0).shared_among(NonZeroU32::new(9).unwrap());
    assert_eq!(part.unwrap().burst(), 1);
}

proptest! {
    #[test]
    fn what_remains_is_granted_and_one_more_is_not(
        amount in 1..10_000_u32, burst in 1..500_u32, debt in 0..50_u32, backlog in 0..3_600 * SECOND,
    ) {
        let limit = gcra(&format!("{amount}/hour"), burst, debt);
        let left = limit.remaining(backlog.min(limit.capacity()));
        if left > 0 {
            prop_assert!(limit.decide(backlog.min(limit.capacity()), left, left).is_ok());
        }
        if left < burst {
            let backlog_now = backlog.min(limit.capacity());
            let more_in = limit.more_in(limit.remaining(backlog_now), backlog_now);
            prop_assert_eq!(limit.decide(backlog.min(limit.capacity()), left + 1, 0), Err(more_in));
        }
    }

    #[test]
    fn a_wait_is_exact(amount in 1..10_000_u32, burst in 1..500_u32, required in 1..500_u32, backlog in 0..4_000 * SECOND) {
        let limit = gcra(&format!("{amount}/hour"), burst, 500);
        prop_assume!(required <= burst);
        if let Err(wait) = limit.decide(backlog, required, required) {
            let backlog = backlog.min(limit.capacity() + limit.debt);
            prop_assert!(wait > 0);
            prop_assert!(limit.decide(backlog - wait, required, required).is_ok());
            prop_assert_eq!(limit.decide(backlog - wait + 1, required, required), Err(1));
        }
    }
}
