//! Lists of transformations, shared between rules: a list is another list and one step more.
//!
//! Rules of the Core Rule Set have hundreds of lists, but few different ones, and many start
//! alike (`urlDecodeUni`, `htmlEntityDecode`, …). Stored as a tree, equal starts are one.

use crate::byte_set::ByteSet;
use crate::transformation::Transformation;

/// The number of a list. 0 is the empty list.
///
/// It is the position of its last step, plus 1.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct ListId(u16);

impl ListId {
    /// The number, below [`TransformationLists::count`].
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The last step of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// The list without this step.
    pub(crate) before: ListId,
    /// What is done after the earlier steps.
    pub(crate) transformation: Transformation,
    /// The bytes without which no step of the list changes a text.
    ///
    /// The union over all steps: a later step may need a byte that only an earlier one could
    /// make, and then the earlier one's trigger must be there.
    triggers: ByteSet,
    /// The bytes without which this step alone changes nothing. All: it may change any text.
    own: ByteSet,
    /// Whether the list may also change an empty text.
    ///
    /// `length` makes `0` of it, and an empty text has no bytes that could trigger.
    always: bool,
    /// As `triggers`, for more than the case of letters.
    beyond_case: ByteSet,
    /// As `own`, for more than the case of letters.
    own_beyond_case: ByteSet,
    /// The bytes that this step can make, in either case.
    creates: ByteSet,
}

impl Step {
    /// Whether this step may change the text that the steps before have made.
    pub(crate) fn may_change(&self, present: &ByteSet) -> bool {
        self.own == ByteSet::all() || self.own.intersects(present)
    }
}

/// All lists of a rule set.
#[derive(Clone, Debug, Default)]
pub(crate) struct TransformationLists {
    /// A step comes after the one it follows.
    steps: Vec<Step>,
}

impl TransformationLists {
    /// The number of a list, given to it at the first call.
    ///
    /// Equal lists have equal numbers.
    pub(crate) fn intern(&mut self, transformations: &[Transformation]) -> ListId {
        let mut list = ListId::default();
        for &transformation in transformations {
            list = self.extend(list, transformation);
        }
        list
    }

    /// The numbers of a list and of all shorter lists that it starts with.
    ///
    /// The empty list is the first. It is what `multiMatch` needs.
    pub(crate) fn intern_all(&mut self, transformations: &[Transformation]) -> Vec<ListId> {
        let lengths = 0..=transformations.len();
        lengths
            .map(|length| self.intern(transformations.get(..length).unwrap_or_default()))
            .collect()
    }

    /// The list with one step more.
    fn extend(&mut self, before: ListId, transformation: Transformation) -> ListId {
        let same = |step: &Step| step.before == before && step.transformation == transformation;
        let number = |index: usize| ListId(u16::try_from(index + 1).unwrap_or(u16::MAX));
        if let Some(index) = self.steps.iter().position(same) {
            return number(index);
        }
        let triggers = transformation.triggers();
        let own_beyond_case = transformation.triggers_beyond_case();
        let earlier = self.last_step(before).copied();
        let union = |own: ByteSet, of: fn(&Step) -> ByteSet| {
            earlier.as_ref().map_or(own, |step| own.union(&of(step)))
        };
        self.steps.push(Step {
            before,
            transformation,
            own: triggers,
            triggers: union(triggers, |step| step.triggers),
            always: earlier.is_some_and(|step| step.always) || triggers == ByteSet::all(),
            beyond_case: union(own_beyond_case, |step| step.beyond_case),
            own_beyond_case,
            creates: transformation.creates(),
        });
        number(self.steps.len() - 1)
    }

    /// How many lists there are, with the empty one.
    pub(crate) const fn count(&self) -> usize {
        self.steps.len() + 1
    }

    /// The last step. `None` for the empty list.
    pub(crate) fn last_step(&self, list: ListId) -> Option<&Step> {
        self.steps.get(usize::from(list.0).checked_sub(1)?)
    }

    /// Whether the list may change a text that has these bytes.
    ///
    /// False for the empty list. True is no promise that something changes.
    pub(crate) fn may_change(&self, list: ListId, present: &ByteSet) -> bool {
        self.last_step(list)
            .is_some_and(|step| step.always || step.triggers.intersects(present))
    }

    /// Whether the list may change more than the case of letters in a text that has these bytes.
    ///
    /// False for the empty list. True is no promise.
    pub(crate) fn may_change_beyond_case(&self, list: ListId, present: &ByteSet) -> bool {
        self.last_step(list)
            .is_some_and(|step| step.always || step.beyond_case.intersects(present))
    }

    /// The bytes that the list can make of a text that has these bytes, in either case.
    pub(crate) fn most_bytes(&self, list: ListId, present: &ByteSet) -> ByteSet {
        let Some(step) = self.last_step(list) else {
            return *present;
        };
        let before = self.most_bytes(step.before, present);
        let is_triggered =
            step.own_beyond_case == ByteSet::all() || step.own_beyond_case.intersects(&before);
        if is_triggered {
            before.union(&step.creates)
        } else {
            before
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::texts::Texts;

    #[test]
    fn lists_share_their_start() {
        let mut lists = TransformationLists::default();
        let long = lists.intern(&[Transformation::UrlDecode, Transformation::Lowercase]);
        let all = lists.intern_all(&[Transformation::UrlDecode, Transformation::Lowercase]);
        assert_eq!(
            (all.len(), all.last(), lists.steps.len()),
            (3, Some(&long), 2)
        );
        let mut texts = Texts::default();
        let text = texts.add(b"%41b".as_slice().into());
        let derived = texts.derive(text, long, &lists);
        assert_eq!(texts.bytes(derived), b"ab");
        assert_eq!(texts.derive(text, long, &lists), derived);
        let plain = texts.add(b"plain".as_slice().into());
        assert_eq!(texts.derive(plain, long, &lists), plain);
    }

    #[test]
    fn a_list_makes_no_more_bytes_than_its_steps() {
        let mut lists = TransformationLists::default();
        let list = lists.intern(&[
            Transformation::UrlDecodeUni,
            Transformation::Lowercase,
            Transformation::CmdLine,
        ]);
        for (text, expected, changes) in [
            ("aZ", Some("aZ"), false),
            ("a;b", Some("a;b "), true),
            ("%3b", None, true),
        ] {
            let present = ByteSet::of(text.as_bytes());
            let expected = expected.map_or(ByteSet::all(), |text| ByteSet::of(text.as_bytes()));
            assert_eq!(lists.most_bytes(list, &present), expected, "{text}");
            assert_eq!(
                lists.may_change_beyond_case(list, &present),
                changes,
                "{text}"
            );
        }
    }

    #[test]
    fn an_empty_text_has_a_length() {
        let mut lists = TransformationLists::default();
        let length = lists.intern(&[Transformation::Length]);
        let mut texts = Texts::default();
        let text = texts.add(b"".as_slice().into());
        let derived = texts.derive(text, length, &lists);
        assert_eq!(texts.bytes(derived), b"0");
    }
}
