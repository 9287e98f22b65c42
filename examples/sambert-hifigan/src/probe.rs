//! Records intermediate values, for the tests that compare them with the reference.

/// Receives intermediate tensors by name; a name seen again continues its tensor.
pub(crate) struct Probe<'a>(Option<&'a mut dyn FnMut(&str, &[f32])>);

impl<'a> Probe<'a> {
    /// Records nothing.
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    #[cfg(test)]
    pub(crate) fn new(sink: &'a mut dyn FnMut(&str, &[f32])) -> Self {
        Self(Some(sink))
    }

    pub(crate) const fn is_active(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn record(&mut self, name: &str, values: &[f32]) {
        if let Some(sink) = &mut self.0 {
            sink(name, values);
        }
    }
}
