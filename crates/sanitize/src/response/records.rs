//! Divides a stream into events or lines, and writes them again.
//!
//! An event that is longer than the limit is not held: its strings are cleaned as they arrive, and no
//! text goes over its borders.

use memchr::{memchr, memchr2};

use super::cleaning::TextCleaning;
use super::delta_fields::DeltaFields;
use super::deltas::{Deltas, Written, looks_like_json};
use super::event::{Event, write_event};
use super::json_strings::JsonStrings;
use super::response_text::ResponseText;

/// What divides a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Framing {
    /// Server-sent events, which end with an empty line.
    Events,
    /// Documents of JSON, one a line.
    Lines,
}

/// A stream of records.
#[derive(Debug)]
pub(super) struct Records {
    /// How the end of a record is found.
    framing: Framing,
    /// What is not complete.
    held: String,
    /// How much of it was searched for an end.
    searched: usize,
    /// Whether a line begins where the search goes on.
    at_line_start: bool,
    /// The longest record that is read as a whole. A longer one is cleaned as it arrives.
    longest: usize,
    /// The texts that go over the borders of records.
    deltas: Deltas,
    /// The record that is longer than the limit.
    long: Option<LongRecord>,
}

/// A record that is cleaned as it arrives.
#[derive(Debug)]
enum LongRecord {
    Json(Box<JsonStrings>),
    Text(Box<ResponseText<'static>>),
}

impl Records {
    /// `longest` is the limit of one record in bytes.
    pub(super) const fn new(framing: Framing, longest: usize, fields: DeltaFields) -> Self {
        Self {
            framing,
            held: String::new(),
            searched: 0,
            at_line_start: true,
            longest,
            deltas: Deltas::new(fields),
            long: None,
        }
    }

    /// Takes a part of the stream and writes what is certain.
    pub(super) fn push(&mut self, part: &str, cleaning: &mut TextCleaning, out: &mut String) {
        self.held.push_str(part);
        let mut done = 0;
        while let Some(end) = self.next_end() {
            let record = self.held.get(done..end).unwrap_or_default().to_owned();
            done = end;
            match self.long.take() {
                None => self.write_record(&record, cleaning, out),
                Some(mut long) => {
                    long.push(&record, cleaning, out);
                    long.finish(cleaning, out);
                }
            }
        }
        self.held.drain(..done);
        self.searched -= done;
        if self.long.is_some() || self.held.len() > self.longest {
            self.push_long(cleaning, out);
        }
    }

    /// Writes what was held back: the stream is over.
    pub(super) fn finish(&mut self, cleaning: &mut TextCleaning, out: &mut String) {
        let rest = std::mem::take(&mut self.held);
        if let Some(mut long) = self.long.take() {
            long.push(&rest, cleaning, out);
            return long.finish(cleaning, out);
        }
        let rests = self.deltas.finish(cleaning);
        self.write_all(rests, "\n", out);
        // The last record has no end, so nothing can be written behind it.
        self.deltas.stop_joining();
        if !rest.is_empty() {
            self.write_record(&rest, cleaning, out);
        }
    }

    /// Returns where the next record ends in what is held.
    fn next_end(&mut self) -> Option<usize> {
        loop {
            let rest = self.held.as_bytes().get(self.searched..)?;
            let found = match self.framing {
                Framing::Lines => memchr(b'\n', rest),
                Framing::Events => memchr2(b'\n', b'\r', rest),
            };
            let Some(at) = found else {
                self.at_line_start &= rest.is_empty();
                self.searched = self.held.len();
                return None;
            };
            let is_empty = at == 0 && self.at_line_start;
            let end = match (rest.get(at), rest.get(at + 1)) {
                (Some(b'\r'), Some(b'\n')) => at + 2,
                // The other half of the line end may follow.
                (Some(b'\r'), None) => {
                    self.at_line_start = is_empty;
                    self.searched += at;
                    return None;
                }
                _ => at + 1,
            };
            self.searched += end;
            self.at_line_start = true;
            if is_empty || self.framing == Framing::Lines {
                return Some(self.searched);
            }
        }
    }

    /// Cleans a record that is complete.
    fn write_record(&mut self, record: &str, cleaning: &mut TextCleaning, out: &mut String) {
        match self.framing {
            Framing::Events => self.write_event(record, cleaning, out),
            Framing::Lines => self.write_line(record, cleaning, out),
        }
    }

    /// Cleans the data of an event. Comments and other fields are passed as they are.
    fn write_event(&mut self, record: &str, cleaning: &mut TextCleaning, out: &mut String) {
        let event = Event::read(record);
        let Some(data) = &event.data else {
            return out.push_str(record);
        };
        let (rests, clean) = self.deltas.clean(event.name, data, cleaning);
        self.write_all(rests, event.line_end(), out);
        match clean == *data {
            true => out.push_str(record),
            false => event.write(&clean, out),
        }
    }

    /// Cleans a document on a line of its own, and keeps what is around it.
    fn write_line(&mut self, record: &str, cleaning: &mut TextCleaning, out: &mut String) {
        // A record separator may be before the document (RFC 7464).
        let text = record.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{1e}');
        if text.is_empty() {
            return out.push_str(record);
        }
        let (rests, clean) = self.deltas.clean(None, text, cleaning);
        self.write_all(rests, "\n", out);
        let (before, behind) = record.split_once(text).unwrap_or_default();
        out.extend([before, &clean, behind]);
    }

    /// Writes events that were made here.
    fn write_all(&self, events: Vec<Written>, end: &str, out: &mut String) {
        for Written { name, data } in events {
            match self.framing {
                Framing::Events => write_event(name.as_deref(), &data, end, out),
                Framing::Lines => out.extend([data.as_str(), "\n"]),
            }
        }
    }

    /// Writes what was searched of a record that is longer than the limit.
    fn push_long(&mut self, cleaning: &mut TextCleaning, out: &mut String) {
        let behind = self.held.split_off(self.searched);
        let part = std::mem::replace(&mut self.held, behind);
        self.searched = 0;
        if self.long.is_none() {
            let rests = self.deltas.finish(cleaning);
            self.write_all(rests, "\n", out);
        }
        let mut part = part.as_str();
        let framing = self.framing;
        let long = self.long.get_or_insert_with(|| {
            let (long, lead) = LongRecord::new(framing, part, cleaning);
            out.push_str(part.get(..lead).unwrap_or_default());
            part = part.get(lead..).unwrap_or_default();
            long
        });
        long.push(part, cleaning, out);
    }
}

impl LongRecord {
    /// Tells from its start what a record has. Returns the length of what is before its document, too.
    fn new(framing: Framing, start: &str, cleaning: &TextCleaning) -> (Self, usize) {
        let lead = match framing {
            Framing::Lines => {
                let is_before = |c: char| c.is_ascii_whitespace() || c == '\u{1e}';
                start.len() - start.trim_start_matches(is_before).len()
            }
            Framing::Events => data_start(start),
        };
        match looks_like_json(start.get(lead..).unwrap_or_default()) {
            true => (Self::Json(Box::default()), lead),
            false => (Self::Text(Box::new(cleaning.text(false))), 0),
        }
    }

    /// Cleans the next part of a long record.
    fn push(&mut self, part: &str, cleaning: &mut TextCleaning, out: &mut String) {
        match self {
            Self::Json(strings) => strings.push(part, cleaning, out),
            Self::Text(text) => {
                out.push_str(&text.push(part));
                cleaning.count(text);
            }
        }
    }

    /// Writes what was held back at the end of a long record.
    fn finish(&mut self, cleaning: &mut TextCleaning, out: &mut String) {
        match self {
            Self::Json(strings) => strings.finish(cleaning, out),
            Self::Text(text) => {
                out.push_str(&text.finish());
                cleaning.count(text);
            }
        }
    }
}

/// Returns where the first data of an event begins that is not empty.
fn data_start(event: &str) -> usize {
    let mut start = 0;
    for line in event.split_inclusive(['\n', '\r']) {
        let field = line.trim_start_matches('\u{feff}');
        if let Some(value) = field
            .strip_prefix("data:")
            .filter(|value| !value.trim().is_empty())
        {
            return start + line.len() - value.len();
        }
        start += line.len();
    }
    0
}
