//! What is asked of the queue, and how it says no.

use std::{sync::Arc, time::Duration};

use crate::{
    encoding::Encoder,
    synthesis::{Delivery, Utterance, Voice},
};

/// How much is in progress at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Threads that speak.
    pub(crate) threads: usize,
    /// Texts that wait for their turn besides.
    pub(crate) waiting: usize,
    /// Clients with a text in progress or a response that they have not read to its end.
    pub(crate) listeners: usize,
}

/// A text, and how its sound is wanted.
pub(crate) struct Order {
    pub(crate) voice: Arc<dyn Voice>,
    pub(crate) sample_rate: u32,
    pub(crate) utterance: Utterance,
    pub(crate) encoder: Box<dyn Encoder>,
    pub(crate) delivery: Delivery,
    /// Whether the client wants to know when each word is heard.
    pub(crate) timed: bool,
}

/// Says that no place is free, and when one probably will be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct QueueFull {
    /// When to come again: whole seconds, at least one.
    pub(crate) retry_after: Duration,
}
