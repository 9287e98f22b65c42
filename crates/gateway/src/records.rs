//! The events of a stream: blocks of server-sent events, or lines of JSON.
//!
//! Bytes arrive in parts that end anywhere. A record is passed on when it is complete, so that one that is
//! for the gateway alone can be left out.
//!
//! ```text
//! data: {"choices":[…]}      an event, which passes
//!
//! data: {"usage":{…}}        an event for the gateway alone, which is left out
//!
//! ```

use bytes::{Bytes, BytesMut};
use serde_json::Value;

/// The longest record. A stream with a longer one is not read.
const LONGEST: usize = 1 << 20;

/// How records are separated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// Server-sent events: blocks that end with an empty line.
    Events,
    /// One JSON document a line.
    Lines,
}

/// What becomes of a record.
pub(crate) enum Fate {
    /// The client gets it as it came.
    Keep,
    /// The client does not get it.
    LeaveOut,
    /// Its document is another one.
    Replace(Value),
}

/// Splits a stream into records.
#[derive(Debug)]
pub(crate) struct Records {
    /// How records are separated.
    form: Form,
    /// The begin of a record.
    partial: BytesMut,
    /// Where the search for its end goes on.
    searched: usize,
    /// A record was too long.
    pub(crate) is_unreadable: bool,
    /// The event `[DONE]` was seen, after which nothing follows.
    pub(crate) is_done: bool,
    /// Bytes that passed.
    pub(crate) length: u64,
}

impl Records {
    /// Begins a stream.
    pub(crate) fn new(form: Form) -> Self {
        Self {
            form,
            partial: BytesMut::new(),
            searched: 0,
            is_unreadable: false,
            is_done: false,
            length: 0,
        }
    }

    /// Takes a part, shows each complete record to `see`, and returns what passes.
    pub(crate) fn pass_part(&mut self, part: &Bytes, mut see: impl FnMut(&Value) -> Fate) -> Bytes {
        self.length = self.length.saturating_add(part.len() as u64);
        if self.is_unreadable {
            return part.clone();
        }
        self.partial.extend_from_slice(part);
        let mut out = BytesMut::new();
        while let Some(end) = self.end_of_record() {
            let record = self.partial.split_to(end);
            self.searched = 0;
            match self.parse_document(&record).map(|document| see(&document)) {
                None | Some(Fate::Keep) => out.extend_from_slice(&record),
                Some(Fate::LeaveOut) => {}
                Some(Fate::Replace(document)) => {
                    out.extend_from_slice(&self.with_document(&record, &document));
                }
            }
        }
        if self.partial.len() > LONGEST {
            self.is_unreadable = true;
            out.extend_from_slice(&std::mem::take(&mut self.partial));
        }
        out.freeze()
    }

    /// Returns what is left when nothing follows. It is shown too.
    pub(crate) fn finish(&mut self, mut see: impl FnMut(&Value) -> Fate) -> Bytes {
        let rest = std::mem::take(&mut self.partial);
        match self.parse_document(&rest).map(|document| see(&document)) {
            Some(Fate::LeaveOut) => Bytes::new(),
            Some(Fate::Replace(document)) => self.with_document(&rest, &document).into(),
            None | Some(Fate::Keep) => rest.freeze(),
        }
    }

    /// Returns where the first record ends.
    fn end_of_record(&mut self) -> Option<usize> {
        let mut line = self.searched;
        loop {
            let rest = self.partial.get(line..)?;
            let Some(length) = rest.iter().position(|byte| *byte == b'\n') else {
                self.searched = line;
                return None;
            };
            let next = line + length + 1;
            let is_empty = matches!(rest.get(..length), Some([] | [b'\r']));
            if self.form == Form::Lines || is_empty {
                return Some(next);
            }
            line = next;
        }
    }

    /// Reads the document of a record. `None`: it has none.
    fn parse_document(&mut self, record: &[u8]) -> Option<Value> {
        match self.form {
            Form::Lines => serde_json::from_slice(record).ok(),
            Form::Events => {
                let data: Vec<&[u8]> = lines(record).filter_map(data_value).collect();
                let data = data.join(&b'\n');
                self.is_done |= data == b"[DONE]";
                serde_json::from_slice(&data).ok()
            }
        }
    }

    /// Writes a record with another document. Its other fields stay.
    fn with_document(&self, record: &[u8], document: &Value) -> Vec<u8> {
        let mut new = Vec::with_capacity(record.len());
        if self.form == Form::Lines {
            new.extend_from_slice(document.to_string().as_bytes());
            new.push(b'\n');
            return new;
        }
        for line in lines(record).filter(|line| !line.is_empty() && data_value(line).is_none()) {
            new.extend_from_slice(line);
            new.push(b'\n');
        }
        new.extend_from_slice(format!("data: {document}\n\n").as_bytes());
        new
    }
}

/// Returns the lines of a record without their ends.
fn lines(record: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = record.split(|byte| *byte == b'\n');
    lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// Returns the value of a `data` field.
fn data_value(line: &[u8]) -> Option<&[u8]> {
    let value = line.strip_prefix(b"data:")?;
    Some(value.strip_prefix(b" ").unwrap_or(value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Leaves out documents with `out`, and replaces those with `new`.
    fn fate(document: &Value) -> Fate {
        match (document.get("out"), document.get("new")) {
            (Some(_), _) => Fate::LeaveOut,
            (_, Some(_)) => Fate::Replace(json!({"was": "new"})),
            _ => Fate::Keep,
        }
    }

    fn passed(form: Form, parts: &[&[u8]]) -> String {
        let mut records = Records::new(form);
        let mut out = Vec::new();
        for part in parts {
            out.extend(records.pass_part(&Bytes::copy_from_slice(part), fate));
        }
        out.extend(records.finish(fate));
        String::from_utf8(out).unwrap()
    }

    const STREAM: &str = ": ping\n\ndata: {\"a\":1}\n\nid: 7\r\ndata:{\"new\":1}\r\n\r\ndata: {\"out\":1}\n\ndata: {\"b\":\ndata: 2}\n\ndata: [DONE]\n\n";
    const EXPECTED: &str = ": ping\n\ndata: {\"a\":1}\n\nid: 7\ndata: {\"was\":\"new\"}\n\ndata: {\"b\":\ndata: 2}\n\ndata: [DONE]\n\n";

    #[test]
    fn records_are_kept_replaced_or_left_out() {
        assert_eq!(passed(Form::Events, &[STREAM.as_bytes()]), EXPECTED);
        let lines = "{\"a\":1}\n{\"out\":1}\n\nx\n{\"new\":1}\n{\"out\":2}";
        let expected = "{\"a\":1}\n\nx\n{\"was\":\"new\"}\n";
        assert_eq!(passed(Form::Lines, &[lines.as_bytes()]), expected);
    }

    #[test]
    fn a_record_without_end_passes_and_ends_the_reading() {
        let mut records = Records::new(Form::Events);
        let part = Bytes::from(vec![b'x'; LONGEST]);
        assert!(records.pass_part(&part, fate).is_empty());
        let all = records.pass_part(&Bytes::from_static(b"data"), fate);
        assert_eq!(all.len(), LONGEST + 4);
        assert!(records.is_unreadable);
        let after = records.pass_part(&Bytes::from_static(b"data: {\"out\":1}\n\n"), fate);
        assert_eq!(after.len(), 17);
    }

    proptest! {
        /// Wherever a stream is cut into parts, the same passes.
        #[test]
        fn the_cuts_do_not_matter(mut cuts in prop::collection::vec(0..=STREAM.len(), 0..12)) {
            cuts.extend([0, STREAM.len()]);
            cuts.sort_unstable();
            let parts: Vec<&[u8]> = cuts.windows(2).map(|pair| STREAM.as_bytes().get(pair[0]..pair[1]).unwrap()).collect();
            prop_assert_eq!(passed(Form::Events, &parts), EXPECTED);
        }
    }
}
