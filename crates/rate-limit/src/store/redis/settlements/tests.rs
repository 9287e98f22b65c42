//! The queue: what is merged, what is refused, and what is sent again.

use super::*;
use crate::policy::Policy;

fn limit() -> Arc<Limit> {
    let policy = Policy::named("a").rate("100/day").unwrap();
    Arc::new(policy.limits().unwrap().remove(0))
}

fn bucket(number: u128) -> BucketKey {
    BucketKey::new(number, 0)
}

fn queue_of(buckets: usize) -> SettlementQueue {
    SettlementQueue::with_memory(buckets * BYTES_PER_BUCKET, StatusChanges::default())
}

#[test]
fn settlements_of_one_bucket_are_sent_as_one() {
    let (queue, limit) = (queue_of(4), limit());
    for units in [5, -3, 2, -1] {
        assert!(queue.push(&limit, bucket(1), units));
    }
    assert_eq!(queue.settlements(), 4);
    let batch = queue.take(10);
    assert_eq!(batch.len(), 1);
    assert_eq!((batch[0].amount.charge, batch[0].amount.refund), (7, 4));
    assert_eq!(
        queue.finish(&batch[0].name, DeliveryOutcome::Done),
        Undelivered::default()
    );
    assert_eq!((queue.settlements(), queue.take(10).len()), (0, 0));
    assert!(!queue.is_pending(&limit, bucket(1)));
}

#[test]
fn units_of_this_node_are_sent_as_their_difference() {
    let (queue, limit) = (queue_of(4), limit());
    assert!(queue.push_net(&limit, bucket(1), -2));
    assert!(queue.push_net(&limit, bucket(1), 5));
    assert!(queue.push_net(&limit, bucket(1), -3));
    let batch = queue.take(10);
    assert_eq!((batch[0].amount.charge, batch[0].amount.refund), (2, 0));
    assert!(queue.push_net(&limit, bucket(1), -2));
    queue.finish(&batch[0].name, DeliveryOutcome::Done);
    assert_eq!((queue.settlements(), queue.take(10).len()), (0, 0));
}

#[test]
fn a_full_queue_refuses_refunds_first_and_other_buckets_only() {
    let (queue, limit) = (queue_of(8), limit());
    for number in 0..6 {
        assert!(queue.push(&limit, bucket(number), -1));
    }
    assert!(!queue.push(&limit, bucket(6), -1));
    assert!(queue.push(&limit, bucket(6), 1));
    assert!(queue.push(&limit, bucket(7), 1));
    assert!(!queue.push(&limit, bucket(8), 1));
    assert!(queue.push(&limit, bucket(0), -1));
    assert_eq!(queue.settlements(), 9);
}

#[test]
fn after_an_unknown_outcome_charges_are_sent_again_and_refunds_are_lost() {
    let (queue, limit) = (queue_of(4), limit());
    queue.push(&limit, bucket(1), 5);
    queue.push(&limit, bucket(1), -3);
    let batch = queue.take(10);
    queue.push(&limit, bucket(1), -1);
    let lost = queue.finish(&batch[0].name, DeliveryOutcome::Unknown);
    assert_eq!((lost.charges, lost.refunds), (0, 1));
    let batch = queue.take(10);
    assert_eq!((batch[0].amount.charge, batch[0].amount.refund), (5, 1));
    assert_eq!(queue.settlements(), 2);
    queue.finish(&batch[0].name, DeliveryOutcome::NotApplied);
    assert_eq!(queue.take(10)[0].amount, batch[0].amount);
    let lost = queue.finish(&batch[0].name, DeliveryOutcome::Rejected);
    assert_eq!((lost.charges, lost.refunds), (1, 1));
    assert_eq!(queue.settlements(), 0);
}

#[test]
fn what_is_forgotten_is_not_sent_and_not_sent_again() {
    let (queue, limit) = (queue_of(4), limit());
    queue.push(&limit, bucket(1), 5);
    queue.forget(&limit, bucket(1));
    assert_eq!((queue.take(10).len(), queue.settlements()), (0, 0));
    queue.push(&limit, bucket(1), 5);
    let batch = queue.take(10);
    queue.forget(&limit, bucket(1));
    queue.finish(&batch[0].name, DeliveryOutcome::NotApplied);
    assert_eq!((queue.take(10).len(), queue.settlements()), (0, 0));
}

#[test]
fn a_reset_drops_what_waits_under_every_limit_of_the_name() {
    let (queue, base, tier) = (queue_of(8), limit(), limit());
    let other = Policy::named("b").rate("100/day").unwrap().limits();
    let other = Arc::new(other.unwrap().remove(0));
    for limit in [&base, &tier, &other] {
        assert!(queue.push(limit, bucket(1), 5));
        assert!(queue.push(limit, bucket(2), 5));
    }
    let under_way = queue.take(2);
    queue.forget(&base, bucket(1));
    for sent in &under_way {
        queue.finish(&sent.name, DeliveryOutcome::NotApplied);
    }
    let mut left: Vec<(u128, bool)> = queue
        .take(10)
        .iter()
        .map(|sent| (sent.name.bucket(), Arc::ptr_eq(&sent.limit, &other)))
        .collect();
    left.sort_unstable();
    assert_eq!(left, [(1, true), (2, false), (2, false), (2, true)]);
    assert_eq!(queue.settlements(), 4);
}

#[test]
fn a_bucket_is_found_under_any_limit_of_its_name() {
    let (queue, before, after) = (queue_of(4), limit(), limit());
    let other = Policy::named("b").rate("100/day").unwrap().limits();
    let other = Arc::new(other.unwrap().remove(0));
    assert!(queue.push(&before, bucket(1), -3));
    assert!(queue.is_pending(&after, bucket(1)), "it is one bucket");
    assert!(!queue.is_pending(&after, bucket(2)));
    assert!(!queue.is_pending(&other, bucket(1)));
    assert!(queue.push(&after, bucket(1), -4));
    let batch = queue.take(10);
    assert_eq!(batch.len(), 2, "units of two prices are not added up");
    queue.finish(&batch[0].name, DeliveryOutcome::Done);
    assert!(queue.is_pending(&before, bucket(1)));
    queue.finish(&batch[1].name, DeliveryOutcome::Done);
    assert!(!queue.is_pending(&before, bucket(1)));
}
