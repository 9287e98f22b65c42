//! The arrays beside an acoustic model's configuration.

/// The arrays beside an acoustic model's configuration. A model without them was trained without them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statistics {
    /// `mvn.npy`: mean and standard deviation of the fundamental frequency.
    pub(crate) mvn: Option<Vec<f32>>,
    /// `se.npy`: the speaker embedding.
    pub(crate) se: Option<Vec<f32>>,
}
