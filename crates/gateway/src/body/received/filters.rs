//! What looks at the parts of a response on their way, and what it may change.
//!
//! The order is fixed. What one of them holds back or changes, the next one gets:
//!
//! | filter | reads | may change |
//! |---|---|---|
//! | [`Mask`] | every byte | the upstream's credential, into as many asterisks |
//! | [`ToolListReader`] | lists of tools of an MCP server | tools that the client may not call are left out |
//! | [`Meter`] | the usage that a model server tells | a usage for which the client did not ask is left out |
//! | [`Trailers`] | trailers | those that are not on the list are dropped |
//!
//! The credential is masked first: nothing after it can write it to a log or a record.

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;

use crate::{
    body::{mask::Mask, trailers::Trailers},
    budget::Meter,
    mcp::ToolListReader,
};

/// The filters of one body. Default: none but the trailers.
pub(super) struct Filters {
    /// The names of trailers that pass.
    trailers: Trailers,
    /// Trailers that follow what was held back until they came.
    waiting: Option<HeaderMap>,
    /// Removes the upstream's credential.
    pub(super) mask: Option<Mask>,
    /// Hides tools of an MCP server.
    pub(super) tools: Option<Box<ToolListReader>>,
    /// Counts what the response cost.
    pub(super) meter: Option<Meter>,
}

impl Filters {
    /// Starts with the names of trailers that pass.
    pub(super) fn new(trailers: Trailers) -> Self {
        Self {
            trailers,
            waiting: None,
            mask: None,
            tools: None,
            meter: None,
        }
    }

    /// Returns the trailers that wait for their turn, once.
    pub(super) fn take_waiting(&mut self) -> Option<Frame<Bytes>> {
        self.waiting.take().map(Frame::trailers)
    }

    /// Returns whether trailers wait for their turn.
    pub(super) fn has_waiting_trailers(&self) -> bool {
        self.waiting.is_some()
    }

    /// Returns what may pass of a frame. `None`: nothing.
    ///
    /// Data may be empty after masking: all of it is held back until more is known. Trailers that are
    /// all dropped leave nothing either. What was held back comes before trailers, which wait for the next poll.
    pub(super) fn pass_frame(&mut self, frame: Frame<Bytes>) -> Option<Frame<Bytes>> {
        let frame = match frame.into_data() {
            Ok(data) => return self.pass_data(data),
            Err(frame) => frame,
        };
        let trailers = self.trailers.keep_allowed(frame.into_trailers().ok()?);
        let mut trailers = trailers.unwrap_or_default();
        if let Some(mask) = &self.mask {
            mask.remove_from(&mut trailers);
        }
        self.waiting = (!trailers.is_empty()).then_some(trailers);
        let rest = self.take_rest();
        match rest.is_empty() {
            true => self.take_waiting(),
            false => Some(Frame::data(rest)),
        }
    }

    /// Returns what may pass of a part of the body.
    fn pass_data(&mut self, data: Bytes) -> Option<Frame<Bytes>> {
        let data = match &mut self.mask {
            Some(mask) => mask.mask_part(data),
            None => data,
        };
        let data = match &mut self.tools {
            Some(tools) => tools.pass_part(&data),
            None => data,
        };
        let data = match &mut self.meter {
            Some(meter) => meter.pass_part(data),
            None => data,
        };
        (!data.is_empty()).then(|| Frame::data(data))
    }

    /// Returns what was held back, as no data follows. The cost of the response is settled, unless a list of tools
    /// [cannot be read](Self::has_failed).
    pub(super) fn take_rest(&mut self) -> Bytes {
        let rest = self.mask.as_mut().map(Mask::finish).unwrap_or_default();
        let rest = match &mut self.tools {
            Some(tools) => tools.finish(&rest),
            None => rest,
        };
        if self.has_failed() {
            return Bytes::new();
        }
        self.tools = None;
        match self.meter.take() {
            Some(meter) => meter.finish(rest),
            None => rest,
        }
    }

    /// Returns whether a list of tools is too long to be read.
    pub(super) fn has_failed(&self) -> bool {
        self.tools.as_ref().is_some_and(|tools| tools.has_failed())
    }

    /// Returns whether something may change the length of the body.
    pub(super) fn changes_length(&self) -> bool {
        self.tools.is_some() || self.meter.as_ref().is_some_and(Meter::changes_length)
    }

    /// Returns how many bytes are held back.
    ///
    /// They are no longer in the upstream's count, but still to be sent.
    pub(super) fn held_bytes(&self) -> u64 {
        self.mask
            .as_ref()
            .map_or(0, |mask| mask.held_bytes() as u64)
    }
}
