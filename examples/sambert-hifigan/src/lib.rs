//! Mandarin text to speech: SAM-BERT and HiFi-GAN on candle, with a front end for text.
//!
//! The library loads voices in the layout of KAN-TTS and ModelScope, and carries a small demo voice. It knows
//! nothing of HTTP: a text becomes a [`Plan`], a plan becomes [`Speech`], an iterator over chunks of samples.
//!
//! # Examples
//!
//! The demo voice, as it is:
//!
//! ```
//! use sambert_hifigan::{StopSignal, Style, Voice, wav};
//!
//! let voice = Voice::demo()?;
//! let plan = voice.plan("你好，世界！", &Style::default())?;
//! let stop = StopSignal::new();
//! let samples: Vec<f32> = voice.speak(&plan, &stop).collect::<Result<Vec<_>, _>>()?.concat();
//!
//! let mut file = Vec::new();
//! wav::write(&mut file, voice.sample_rate(), &samples)?;
//! assert!(file.len() > 30_000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With an emotion, faster, and streamed while it is computed:
//!
//! ```
//! use sambert_hifigan::{Emotion, StopSignal, Style, Voice, wav};
//!
//! let voice = Voice::demo()?;
//! let style = Style::default().with_emotion(Emotion::Happy).with_speed(1.2)?.with_seed(7);
//! let plan = voice.plan("太好了！我们下午3:30见。", &style)?;
//! let stop = StopSignal::new(); // another thread may set a clone of it
//! let mut stream = wav::header(voice.sample_rate(), None).to_vec();
//! for stretch in voice.speak(&plan, &stop) {
//!     stream.extend(wav::to_pcm16(&stretch?));
//! }
//! # assert!(stream.len() > 30_000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Threads
//!
//! A [`Voice`] is `Send + Sync` and immutable: one serves any number of threads. Speech is computed on the
//! thread that asks the iterator for the next chunk, and on no other: as many texts are spoken at once as there
//! are threads asking. [`Voice::with_threads`] gives the vocoder, which is nearly all of the work, a pool of that
//! many threads instead; all handles cloned from that one share it.
//!
//! # Features
//!
//! None is needed, and none makes the figures of the README: vocoder and decoder always run on this crate's own
//! kernels. `cuda`, `metal`, `mkl` and `accelerate` hand the acoustic model's larger products (text encoder,
//! predictors, postnet; a few percent of all work) to candle, on the first graphics processor or in that library.
//! The weights of these layers are then held twice, results differ in the last bits, and the library may start
//! threads of its own, by its own settings. Each needs what candle needs to build it.
//!
//! # Exactness
//!
//! Every intermediate tensor of the reference implementation is compared with in the tests; the crate's README
//! tells how far they are apart and how fast each part is.

// From what a user touches down to what everything rests on: a module imports only from those below it.
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod voice;
pub mod ssml;
mod speech;
mod model;
mod acoustic;
mod vocoder;
mod load;
mod style;
mod units;
pub mod wav;
mod kernel;
mod failure;
mod probe;
mod stop;
mod thread_team;

pub use self::{
    load::{ConvertError, LoadError},
    speech::{Plan, SpeakError, Speech, SyllableTiming, TextError, WordTiming},
    ssml::{SsmlError, SsmlProblem},
    stop::StopSignal,
    style::{Emotion, InvalidSpeed, Style, UnknownEmotion},
    voice::{Voice, convert},
};

// Tests that compare what no user sees with the reference.
#[cfg(test)]
#[path = "../tests/parity/mod.rs"]
mod parity;
