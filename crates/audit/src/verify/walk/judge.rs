//! Whether a record may stand where it stands.

use super::Walk;
use crate::{
    Anchor, Reason,
    chain::{Line, Seal},
    verify::content::Content,
};

impl Walk {
    /// Tells which record this one must follow.
    pub(super) fn before(
        &mut self,
        line: &Line<'_>,
        content: &Content<'_>,
    ) -> Result<Anchor, Reason> {
        if (self.place.lines == 0) != (content.kind == "opened") {
            return Err(Reason::NotOpened);
        }
        if self.place.lines == 0 {
            known_version(content)?;
            self.demand_same_seal(content)?;
            self.demand_same_trail(content)?;
            self.place.first = line.sequence;
        }
        match self.last {
            Some(last) => Ok(last),
            None => self.start(line, content),
        }
    }

    /// Finds where the first file of all starts: at the beginning, or after a file that is not here.
    fn start(&mut self, line: &Line<'_>, content: &Content<'_>) -> Result<Anchor, Reason> {
        let before = match &content.follows {
            None => Anchor::GENESIS,
            Some(hash) => format!("{}:{hash}", line.sequence.saturating_sub(1))
                .parse()
                .map_err(|_| Reason::Malformed)?,
        };
        self.report.first = line.sequence;
        if self
            .anchor
            .is_some_and(|it| it.sequence() < before.sequence())
        {
            return Err(Reason::Missing {
                found: line.sequence,
            });
        }
        self.compare_with_anchor(before)?;
        Ok(before)
    }

    fn demand_same_seal(&self, content: &Content<'_>) -> Result<(), Reason> {
        let algorithm = content.algorithm.as_deref();
        if algorithm == Some(self.seal.algorithm()) {
            let same = content.key.as_deref() == self.seal.key_id().as_deref();
            return same.then_some(()).ok_or(Reason::OtherKey);
        }
        Err(match self.seal {
            Seal::Keyed(_) => Reason::NotKeyed,
            Seal::Plain if content.key.is_some() => Reason::NeedsKey,
            Seal::Plain => Reason::UnknownVersion,
        })
    }

    fn demand_same_trail(&mut self, content: &Content<'_>) -> Result<(), Reason> {
        let found = content.trail.as_deref().ok_or(Reason::Malformed)?;
        let known = self.trail.get_or_insert_with(|| found.into());
        (**known == *found).then_some(()).ok_or(Reason::OtherTrail)
    }

    pub(super) fn compare_with_anchor(&self, here: Anchor) -> Result<(), Reason> {
        match self.anchor {
            Some(anchor) if anchor.sequence() == here.sequence() && anchor != here => {
                Err(Reason::Rewritten)
            }
            _ => Ok(()),
        }
    }
}

pub(super) fn known_version(content: &Content<'_>) -> Result<(), Reason> {
    (content.v == 1).then_some(()).ok_or(Reason::UnknownVersion)
}

pub(super) fn in_order(last: Anchor, line: &Line<'_>) -> Result<(), Reason> {
    let found = line.sequence;
    match last.sequence().saturating_add(1) {
        expected if found > expected => Err(Reason::Missing { found }),
        expected if found < expected => Err(Reason::Repeated { found }),
        _ => Ok(()),
    }
}
