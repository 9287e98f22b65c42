//! Finds one parameter of a query, however it is escaped, and keeps the rest of the query
//! unchanged.

use palisade_internal::percent::{decode_form, is_named, split_pair};

/// Counts the parameters of a name.
pub(crate) fn count(query: &str, name: &str) -> usize {
    query.split('&').filter(|pair| is_named(pair, name)).count()
}

/// Removes all parameters of a name. Returns the decoded value of the first, and the rest of the
/// query.
pub(crate) fn take(query: &str, name: &str) -> Option<(Vec<u8>, String)> {
    let mut ours = query.split('&').filter(|pair| is_named(pair, name));
    let value = decode_form(split_pair(ours.next()?).1).into_owned();
    let others: Vec<_> = query
        .split('&')
        .filter(|pair| !is_named(pair, name))
        .collect();
    Some((value, others.join("&")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, value: &str, rest: &str) {
        let (found, left) = take(query, "api_key").unwrap();
        assert_eq!(found, value.as_bytes(), "{query}");
        assert_eq!(left, rest, "{query}");
    }

    #[test]
    fn the_rest_of_the_query_stays_as_it_was() {
        check("api_key=k", "k", "");
        check("a=1&api_key=k&b=%e4%BD+x", "k", "a=1&b=%e4%BD+x");
        check("api_key=k&&a", "k", "&a");
    }

    #[test]
    fn an_escaped_name_or_value_is_found_all_the_same() {
        check("api%5Fkey=%6b&a=1", "k", "a=1");
        check("%61pi_key", "", "");
        check("api_key=%4", "%4", "");
    }

    #[test]
    fn other_names_are_left_alone() {
        assert_eq!(take("xapi_key=k&api_keyx=k&API_KEY=k", "api_key"), None);
    }

    #[test]
    fn every_mention_is_counted_and_taken() {
        assert_eq!(count("api_key=a&api%5fkey=b", "api_key"), 2);
        check("api_key=a&api%5fkey=b&c=d", "a", "c=d");
    }
}
