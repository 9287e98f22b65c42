//! Distinguishes one number in groups from several numbers beside each other.

/// Tells whether groups look like one number: one group, a first group of at least `first_at_least`
/// digits, or all digits apart.
///
/// A list such as `15 20 30 40 500` is not a phone number.
pub(super) fn is_one_number(groups: &[usize], first_at_least: usize) -> bool {
    match groups {
        [] => false,
        [_] => true,
        [first, ..] => *first >= first_at_least || groups.iter().all(|&size| size == 1),
    }
}
