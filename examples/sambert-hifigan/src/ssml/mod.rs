//! The speech synthesis markup language, as far as it is read.
//!
//! [`Voice::plan_ssml`](crate::Voice::plan_ssml) takes a document whose text is read like any other text, and whose elements say what the text
//! does not. Elements stand in each other; the inner one wins.
//!
//! | element | attributes | what it does |
//! | --- | --- | --- |
//! | `<speak>` | `version` (1.0, 1.1), `xmlns`, `xml:lang` (zh, cmn, zh-...) | holds everything, once |
//! | `<p>`, `<s>` | | are a paragraph and a sentence: what stands in them ends a sentence |
//! | `<break>` | `time` (to 10 s), `strength` (none to x-strong) | divides, pauses |
//! | `<emotion>` | `category`, `intensity` (0.01 to 2) | speaks with an emotion the voice has learned |
//! | `<prosody>` | `rate` | speaks slower or faster |
//! | `<say-as>` | `interpret-as`, `format` (of a date) | says what kind of number its text is |
//! | `<phoneme>` | `ph`, `alphabet` (py) | says how its text is read |
//! | `<sub>` | `alias` | is read as its alias |
//!
//! # Text
//!
//! A line break and the blanks around it count as one blank, so that a document may be laid out as is convenient;
//! `&#10;` is a line break that ends a sentence. Comments are skipped.
//!
//! # Emotion and rate
//!
//! Where either changes, one sentence ends and another begins. A rate is a factor of the speed that was asked for
//! beside the document: a name (`x-slow` 0.6, `slow` 0.8, `medium` 1, `fast` 1.25, `x-fast` 1.6), a number (`1.2`,
//! `120%`), or a change of the rate around it (`+20%`). All in all the speed must be one a voice speaks at. An
//! intensity has no effect, since the models have no input for it.
//!
//! ```
//! # use sambert_hifigan::{Style, Voice};
//! let voice = Voice::demo()?;
//! let document = r#"<speak>
//!     <emotion category="happy">太好了！<prosody rate="fast">我们走吧。</prosody></emotion>
//!     <emotion category="sad" intensity="1.0">可是下雨了。</emotion>
//! </speak>"#;
//! let plan = voice.plan_ssml(document, &Style::default())?;
//! assert_eq!(plan.stretches(), 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Breaks
//!
//! A model has learned pauses of its own, and they sound better than silence, because the voice prepares for them.
//! So short breaks are the model's: `weak` ends a phrase, `medium` and times up to 250 ms are a comma, `strong` ends
//! the sentence, `x-strong` too, with at least 0.8 s behind it. A longer time is exactly so much silence, whatever
//! the speed; it stands beside the voice's own closing, and times add up. All breaks of a document may ask for 60 s
//! of silence, since a break of 22 characters would otherwise buy 10 s of sound again and again.
//!
//! ```
//! # use sambert_hifigan::{Style, Voice};
//! # let voice = Voice::demo()?;
//! let document = r#"<speak>三<break time="1s"/>二<break strength="strong"/>一<break/>开始</speak>"#;
//! let plan = voice.plan_ssml(document, &Style::default())?;
//! assert_eq!(plan.pinyin(), "san1. er4. yi1, kai1 shi3.");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Readings
//!
//! `ph` is pinyin with a tone, 1 to 5, behind each syllable. Where the element holds Chinese characters there are as
//! many syllables as characters; words and breaks are those of the text, the tones that are given stay as they are,
//! and those beside them change as always. Where it holds none, `ph` says all: syllables written together are a
//! word, `/` ends a phrase, `,` a clause, `.` a sentence. So a whole text can be given by its sounds.
//!
//! ```
//! # use sambert_hifigan::{Style, Voice};
//! # let voice = Voice::demo()?;
//! let read = |document| voice.plan_ssml(document, &Style::default()).map(|plan| plan.pinyin());
//! assert_eq!(read(r#"<speak>他姓<phoneme alphabet="py" ph="qiu2">仇</phoneme>。</speak>"#)?, "ta1 xing4 qiu2.");
//! assert_eq!(
//!     read(r#"<speak><phoneme ph="jin1tian1 tian1qi4/hen2hao3, zou3ba5."/></speak>"#)?,
//!     "jin1 tian1 tian1 qi4 / hen2 hao3, zou3 ba5.",
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Kinds of numbers
//!
//! `interpret-as` is `cardinal` (or `number`), `ordinal`, `digits`, `telephone`, `id`, `characters` (or `spell-out`,
//! `verbatim`), `date`, `time`, `currency`. Text that is none of the kind is refused. The `format` of a date has the
//! order of its parts: `ymd`, `mdy`, `dmy`, `ym`, `my`, `md`, `dm`, `y`, `m`, `d`; without it the year comes first
//! and has four digits.
//!
//! ```
//! # use sambert_hifigan::{Style, Voice};
//! # let voice = Voice::demo()?;
//! let read = |document| voice.plan_ssml(document, &Style::default()).map(|plan| plan.pinyin());
//! assert_eq!(read(r#"<speak><say-as interpret-as="telephone">110</say-as></speak>"#)?, "yao1 yao1 ling2.");
//! assert_eq!(read(r#"<speak><say-as interpret-as="date" format="md">5/1</say-as></speak>"#)?, "wu3 yve4 yi1 ri4.");
//! assert_eq!(read(r#"<speak><sub alias="世卫组织">WHO</sub></speak>"#)?, "shi4 wei4 zu3 zhi1.");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is refused
//!
//! Everything else, with its line and column and what is allowed there: other elements, attributes and values;
//! document types, and so entities other than the five of XML; processing instructions and CDATA sections; control
//! characters, also as references; names with a prefix; more than 2,000 elements, or 16 in each other. Nothing is
//! fetched, nothing is expanded, and reading takes time in proportion to the document. A voice that reads bytes has
//! no `say-as` and no `phoneme`.

mod attributes;
mod characters;
mod compose;
mod element;
mod element_effects;
mod error;
mod phoneme;
mod read;
mod readings;
mod values;

use self::compose::Composer;
pub use self::error::{SourcePosition, SsmlError, SsmlProblem};
use crate::{
    model::VoiceHandle,
    speech::{Plan, TextError, Unplannable},
    style::Style,
};

/// Plans what a document says.
pub(crate) fn plan(voice: &VoiceHandle, document: &str, style: &Style) -> Result<Plan, SsmlError> {
    let at = |(offset, problem)| SsmlError::new(document, offset, problem);
    let mut composer = Composer::new(voice, style);
    read::read(document, &mut composer).map_err(at)?;
    Plan::of(voice, &composer.finish(), style).map_err(|Unplannable { offset, error }| {
        let offset = locate(document, offset, &error);
        at((offset, SsmlProblem::Text(error)))
    })
}

/// Finds what cannot be spoken behind the beginning of its passage.
fn locate(document: &str, start: usize, error: &TextError) -> usize {
    let TextError::Unspeakable { unit } = error else {
        return start;
    };
    let passage = document.get(start..).unwrap_or_default();
    passage.find(unit.as_str()).map_or(start, |at| start + at)
}
