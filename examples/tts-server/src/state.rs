//! What the handlers share.

use std::sync::Arc;

use palisade::session::Sessions;

use crate::{
    models::Models,
    sound_cache::SoundCache,
    synthesis::{Queue, Unspeakable, Voices},
};

/// How much slower or faster than by itself a voice may speak.
pub(crate) const SPEED: std::ops::RangeInclusive<f32> = 0.5..=2.0;
/// What clients that are written for OpenAI may ask for. It is brought into the range above.
pub(crate) const OPENAI_SPEED: std::ops::RangeInclusive<f32> = 0.25..=4.0;

/// What the handlers share. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct App {
    /// Whether clients of OpenAI's API may name any model and any voice: they are written with fixed names. True unless
    /// the settings have aliases.
    pub(crate) accepts_any_name: bool,
    /// Bytes of the longest body.
    pub(crate) max_body: usize,
    pub(crate) max_graphemes: usize,
    pub(crate) models: Arc<Models>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) sessions: Sessions,
    /// Finished files, of which clients may ask for parts. None unless the settings give it memory.
    pub(crate) sound_cache: Option<Arc<SoundCache>>,
    /// What becomes of characters that a voice cannot speak, where a request does not say.
    pub(crate) unspeakable: Unspeakable,
    pub(crate) voices: Arc<Voices>,
}
