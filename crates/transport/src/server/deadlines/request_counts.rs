//! What became of the requests of a connection, which decides how many resets it may send.

/// Counts of the requests of one connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RequestCounts {
    /// Those that hyper took from h2.
    pub(crate) begun: u32,
    /// Those whose response was produced to its end.
    pub(crate) completed: u32,
    /// Those that the server refused because their head is too large. They count as completed too.
    pub(crate) refused: u32,
    /// Those whose response is not finished.
    pub(crate) under_way: u32,
}

impl RequestCounts {
    /// Returns the number of responses that allow a reset each: those to requests that a client
    /// may send.
    pub(crate) const fn served(self) -> u32 {
        self.completed.saturating_sub(self.refused)
    }

    /// Returns the number of requests whose head was too large. `answered` is the number of
    /// streams for which a head was sent.
    ///
    /// Far above its limit, h2 responds itself, and hyper never has such a request. So up to as many of
    /// them as there are requests under way stay unnoticed.
    pub(crate) const fn too_large(self, answered: u32) -> u32 {
        self.refused
            .saturating_add(answered.saturating_sub(self.begun))
    }
}
