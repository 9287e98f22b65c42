//! One pass over the characters: each is kept, or what its class asks for is done.

use crate::class::{Action, Class, PerClass};
use crate::neighbours::{Before, flag_tags};
use crate::refused::Refused;
use crate::report::Report;

/// What the pass needs to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter {
    pub(crate) actions: PerClass<Action>,
    pub(crate) max_marks: usize,
}

impl Filter {
    /// Gives the filtered text, or `None` if it stays as it is.
    pub(crate) fn pass(&self, text: &str, report: &mut Report) -> Result<Option<String>, Refused> {
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Ok(None);
        }
        let mut copy = Copy {
            source: text,
            out: None,
        };
        let mut before = Before::default();
        let mut chars = text.chars();
        let mut at = 0;
        while let Some(c) = chars.next() {
            let mut rest = chars.as_str();
            let behind = flag_tags(c, rest).unwrap_or(0);
            if let Some(class) = before.judge(c, rest, self.max_marks) {
                self.act(class, c, rest, at, &mut copy, &mut before, report)?;
            } else {
                rest = rest.get(behind..).unwrap_or(rest);
                let end = text.len().saturating_sub(rest.len());
                copy.keep(at..end);
                before.push(c);
                chars = rest.chars();
            }
            at = text.len().saturating_sub(rest.len());
        }
        Ok(copy.out)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the state of one loop, in one place"
    )]
    fn act(
        &self,
        class: Class,
        c: char,
        rest: &str,
        at: usize,
        copy: &mut Copy<'_>,
        before: &mut Before,
        report: &mut Report,
    ) -> Result<(), Refused> {
        let action = self.actions.get(class).unwrap_or(Action::Refuse);
        match action {
            Action::Refuse => return Err(Refused::Forbidden(class)),
            Action::Flag | Action::Keep => {
                if action == Action::Flag {
                    report.flag(class);
                }
                copy.keep(at..at.saturating_add(c.len_utf8()));
                before.push(c);
                return Ok(());
            }
            // CR LF is one line break, not two.
            Action::Replace(_) if c == '\r' && rest.starts_with('\n') => copy.replace(at, None),
            Action::Replace(other) => {
                copy.replace(at, Some(other));
                before.push(other);
            }
            Action::Drop => copy.replace(at, None),
        }
        report.change(class);
        Ok(())
    }
}

/// Copies a text from the first difference on, and not at all if there is none.
struct Copy<'t> {
    source: &'t str,
    out: Option<String>,
}

impl Copy<'_> {
    fn keep(&mut self, span: std::ops::Range<usize>) {
        if let Some(out) = &mut self.out {
            out.push_str(self.source.get(span).unwrap_or_default());
        }
    }

    fn replace(&mut self, at: usize, by: Option<char>) {
        let source = self.source;
        let out = self.out.get_or_insert_with(|| {
            let mut out = String::with_capacity(source.len());
            out.push_str(source.get(..at).unwrap_or_default());
            out
        });
        out.extend(by);
    }
}
