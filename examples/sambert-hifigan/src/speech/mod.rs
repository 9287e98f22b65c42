//! From a text to samples: what is to be said ([`Plan`]), and speaking it ([`Speech`]).

mod fade;
mod plan;
mod stream;
mod timing;

pub(crate) use self::plan::{Passage, Pause, Unmarkable, Unplannable, Wording};
#[cfg(test)]
pub(crate) use self::{plan::Sentence, stream::PIECE};
pub use self::{
    plan::{Plan, TextError},
    stream::{SpeakError, Speech},
    timing::{SyllableTiming, WordTiming},
};
