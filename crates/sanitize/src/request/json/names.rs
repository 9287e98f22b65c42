//! The names of one object, to find one that occurs twice.

use std::borrow::Cow;
use std::collections::HashSet;

use smallvec::SmallVec;

/// The names that are compared one by one. Most objects have no more.
const FEW: usize = 8;

/// The names that an object has so far.
#[derive(Debug, Default)]
pub(super) struct Names<'t> {
    few: SmallVec<[Cow<'t, str>; FEW]>,
    /// All further names, so that an object with many of them takes no quadratic time.
    more: HashSet<Cow<'t, str>>,
}

impl<'t> Names<'t> {
    /// Adds a name. Returns `false` if the object has it already.
    pub(super) fn insert(&mut self, name: Cow<'t, str>) -> bool {
        if self.few.contains(&name) {
            return false;
        }
        if self.few.len() < FEW {
            self.few.push(name);
            return true;
        }
        self.more.insert(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_name_is_found_at_every_place() {
        for count in [1, FEW - 1, FEW, FEW + 1, 100] {
            for again in 0..count {
                let mut names = Names::default();
                let mut add = |number: usize| names.insert(Cow::Owned(number.to_string()));
                assert!((0..count).all(&mut add), "{count}");
                assert!(!add(again), "{again} of {count}");
            }
        }
    }
}
