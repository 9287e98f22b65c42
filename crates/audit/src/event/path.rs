//! Shortens a path that no route is known for.
//!
//! Such a path is whatever a stranger wrote, or holds what a user meant for somebody else: a reset
//! token, a name. Short segments stay (they tell which scanner came by), long ones lose their tail.

const SEGMENTS: usize = 8;
const WHOLE: usize = 24;
const KEPT: usize = 8;

/// Keeps at most eight segments, and of one that is longer than 24 characters the first eight.
pub(crate) fn shorten(path: &str) -> String {
    let mut short = String::with_capacity(path.len().min(SEGMENTS * (WHOLE + 1)) + '…'.len_utf8());
    let mut segments = path.split('/');
    for (index, segment) in segments.by_ref().take(SEGMENTS + 1).enumerate() {
        if index > 0 {
            short.push('/');
        }
        push(&mut short, segment);
    }
    if segments.next().is_some() {
        short.push_str("/…");
    }
    short
}

fn push(short: &mut String, segment: &str) {
    if segment.chars().nth(WHOLE).is_none() {
        return short.push_str(segment);
    }
    short.extend(segment.chars().take(KEPT));
    short.push('…');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &str) {
        assert_eq!(shorten(path), expected);
    }

    #[test]
    fn what_scanners_ask_for_stays_readable() {
        check("/", "/");
        check("*", "*");
        check("/wp-admin/setup-config.php", "/wp-admin/setup-config.php");
    }

    #[test]
    fn a_token_in_the_path_loses_its_tail() {
        check("/reset/eyJhbGciOiJIUzI1NiJ9.c2VjcmV0", "/reset/eyJhbGci…");
    }

    #[test]
    fn a_long_path_does_not_make_a_long_record() {
        let path = "/a".repeat(10_000);
        check(&path, "/a/a/a/a/a/a/a/a/…");
        assert!(shorten(&format!("/{}", "x".repeat(60_000))).len() < 16);
    }
}
