//! From elements and text to passages.

use mandarin::{Break, Reading, Script};

use super::{
    element::Attributes,
    error::{At, SsmlProblem},
    values::Gap,
};
use crate::{
    model::VoiceHandle,
    speech::{Passage, Pause, Unmarkable, Wording},
    style::{Emotion, Style},
};

/// Silence that all breaks of a document together may ask for, in seconds.
const SILENCE: f32 = 60.0;

/// Seconds between two paragraphs.
const BETWEEN_PARAGRAPHS: f32 = 0.6;

/// Gathers what a document says.
pub(super) struct Composer<'a> {
    pub(super) voice: &'a VoiceHandle,
    base: &'a Style,
    /// The styles of the elements around, the innermost last.
    styles: Vec<Manner>,
    passages: Vec<Passage>,
    /// What the passage says so far.
    wording: Wording,
    /// Text behind the wording: put together, so that characters which belong together are seen together.
    pending: String,
    /// Where the passage begins; none while it is empty.
    start: Option<usize>,
    silence: f32,
}

/// How text is spoken inside an element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Manner {
    pub(super) emotion: Emotion,
    /// A factor of the style's speed.
    pub(super) rate: f32,
}

impl<'a> Composer<'a> {
    pub(super) fn new(voice: &'a VoiceHandle, base: &'a Style) -> Self {
        Self {
            voice,
            base,
            styles: Vec::new(),
            passages: Vec::new(),
            wording: Wording::for_voice(voice),
            pending: String::new(),
            start: None,
            silence: 0.0,
        }
    }

    /// Returns the passages.
    pub(super) fn finish(mut self) -> Vec<Passage> {
        self.close(Pause::NATURAL);
        self.passages
    }

    /// Returns how text is spoken here.
    pub(super) fn manner(&self) -> Manner {
        self.styles.last().copied().unwrap_or(Manner {
            emotion: self.base.emotion(),
            rate: 1.0,
        })
    }

    /// Returns the speed that a rate means, or nothing if no voice speaks at it.
    pub(super) fn speed(&self, rate: f32) -> Option<f32> {
        let speed = self.base.clone().with_speed(self.base.speed() * rate);
        speed.ok().map(|style| style.speed())
    }

    /// Returns the style's own speed.
    pub(super) const fn base_speed(&self) -> f32 {
        self.base.speed()
    }

    /// Begins to speak in another manner.
    pub(super) fn enter(&mut self, manner: Manner) {
        if manner != self.manner() {
            self.close(Pause::NATURAL);
        }
        self.styles.push(manner);
    }

    /// Speaks again as before the last [`Self::enter`].
    pub(super) fn leave(&mut self) {
        if let Some(inner) = self.styles.pop()
            && inner != self.manner()
        {
            self.close_in(inner, Pause::NATURAL);
        }
    }

    /// Appends text that is read as usual.
    pub(super) fn text(&mut self, text: &str, offset: usize) {
        self.start.get_or_insert(offset);
        self.pending.push_str(text);
    }

    /// Appends a reading.
    pub(super) fn reading(&mut self, reading: Reading, of: &Attributes) -> At<()> {
        self.start.get_or_insert(of.offset);
        self.flush();
        self.wording
            .mark(reading)
            .map_err(|problem| unmarkable(problem, of))
    }

    /// Ends a phrase, a clause or a sentence.
    pub(super) fn end(&mut self, after: Break, of: &Attributes) -> At<()> {
        self.flush();
        self.wording
            .end(after)
            .map_err(|problem| unmarkable(problem, of))
    }

    /// Ends a paragraph.
    pub(super) fn end_paragraph(&mut self, of: &Attributes) -> At<()> {
        self.end(Break::Sentence, of)?;
        self.close(Pause::AtLeast(BETWEEN_PARAGRAPHS));
        Ok(())
    }

    /// Leaves a gap.
    pub(super) fn gap(&mut self, gap: Gap, of: &Attributes) -> At<()> {
        match gap {
            Gap::Nothing => Ok(()),
            Gap::Phrase => self.end(Break::Phrase, of),
            Gap::Comma => self.end(Break::Clause, of),
            Gap::Sentence => self.end(Break::Sentence, of),
            Gap::Long(seconds) => {
                self.end(Break::Sentence, of)?;
                self.close(Pause::AtLeast(seconds));
                Ok(())
            }
            Gap::Silence(seconds) => {
                self.silence += seconds;
                // A little more than the limit, since sums of decimals are not exact.
                if self.silence > SILENCE + 0.001 {
                    let problem = SsmlProblem::TooMuch {
                        what: "seconds of silence",
                        limit: SILENCE as usize,
                    };
                    return Err((of.offset, problem));
                }
                self.close(Pause::Exactly(seconds));
                Ok(())
            }
        }
    }

    fn flush(&mut self) {
        if !self.pending.is_empty() {
            self.wording.push(&self.pending);
            self.pending.clear();
        }
    }

    /// Ends the passage.
    fn close(&mut self, after: Pause) {
        self.close_in(self.manner(), after);
    }

    fn close_in(&mut self, manner: Manner, after: Pause) {
        self.flush();
        if self.start.is_none() && after == Pause::NATURAL {
            return;
        }
        self.passages.push(Passage {
            wording: std::mem::replace(&mut self.wording, Wording::for_voice(self.voice)),
            emotion: manner.emotion,
            speed: self.base.speed() * manner.rate,
            after,
            offset: self.start.take().unwrap_or_default(),
        });
    }
}

fn unmarkable(problem: Unmarkable, of: &Attributes) -> (usize, SsmlProblem) {
    let problem = match problem {
        Unmarkable::Bytes => SsmlProblem::Unsupported {
            element: of.element.name(),
        },
        Unmarkable::TooMany => SsmlProblem::TooMuch {
            what: "readings in one stretch",
            limit: Script::READINGS,
        },
    };
    (of.offset, problem)
}
