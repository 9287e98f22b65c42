//! Retention over a store that fails.

use std::time::Duration;

use super::{
    super::retention::{Retention, RetentionCheck},
    journal::rotated,
};

#[test]
fn a_part_that_cannot_be_read_is_not_read_each_second() {
    let (mut journal, store) = rotated();
    store.set().unreadable = true;
    let mut check = RetentionCheck::new(Retention::default());
    let mut at = |second| {
        let time = Duration::from_secs(second);
        check.run_oldest(&mut journal, (time, time)).is_err()
    };
    let failed: Vec<_> = (0..130).filter(|second| at(*second)).collect();
    assert_eq!(failed, [0, 60, 120]);
    assert_eq!(store.set().reads, 3);
    store.set().unreadable = false;
    let before = store.set().parts.clone();
    assert!(!at(180) && !at(181));
    assert_eq!(store.set().parts[0], before[2], "one each time");
}
