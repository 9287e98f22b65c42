//! Texts that are divided over the events of a stream, as models send them.
//!
//! What is certain of a text goes out with the event that brought it. What is held back goes out with
//! the next event of the text. If the text is over, it goes out in a copy of its last event, whose other
//! texts are empty, before the event that ends it.

use std::ops::Range;

use super::cleaning::TextCleaning;
use super::delta_fields::DeltaFields;
use super::json_strings::JsonStrings;
use super::json_values::{Document, FoundString, Unread, read};
use super::response_text::ResponseText;
use crate::json_string::{decode_lossy, push_escaped};

/// The most texts at the same time. Further ones are masked whole, or cleaned one by one without masks.
const MOST_STREAMS: usize = 32;

/// The longest copy that is kept of an event.
const LONGEST_TEMPLATE: usize = 16 * 1024;

/// A longer string is left out of the copy of an event that is longer.
const LONGEST_COPIED: usize = 256;

/// The texts of one response.
#[derive(Debug)]
pub(super) struct Deltas {
    /// Which strings of an event are parts of a text.
    fields: DeltaFields,
    /// The texts that have begun and not ended.
    streams: Vec<Stream>,
    /// Whether texts go over the borders of events.
    joins: bool,
}

/// One text.
#[derive(Debug)]
struct Stream {
    /// What tells this text from others.
    key: Key,
    /// The text, with what is held back of it.
    text: ResponseText<'static>,
    /// The last event that had a part of it, if something is held back.
    last: Option<Written>,
}

/// What tells texts apart: the path of the string, and indexes that the event has.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Key {
    /// Empty for data that is not JSON.
    path: String,
    /// The members that number the texts of one event.
    indexes: Vec<String>,
}

impl Key {
    /// The text of all data that is not JSON.
    const PLAIN: Self = Self {
        path: String::new(),
        indexes: Vec::new(),
    };
}

/// An event as it is written.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// The name of the event, if it has one.
    pub(super) name: Option<String>,
    /// The data of the event, without `data:`.
    pub(super) data: String,
}

impl Deltas {
    /// Begins without a text.
    pub(super) const fn new(fields: DeltaFields) -> Self {
        Self {
            fields,
            streams: Vec::new(),
            joins: true,
        }
    }

    /// Cleans what follows event by event: nothing can be written behind the last one.
    pub(super) const fn stop_joining(&mut self) {
        self.joins = false;
    }

    /// Cleans the data of an event. Returns the events that must be written before it, and its new data.
    pub(super) fn clean(
        &mut self,
        name: Option<&str>,
        data: &str,
        cleaning: &mut TextCleaning,
    ) -> (Vec<Written>, String) {
        // A word or a number is a text too.
        let document = match looks_like_json(data).then(|| read(data)) {
            Some(Ok(document)) => document,
            Some(Err(why)) if why == Unread::TooLarge || !self.joins_plain() => {
                return self.clean_unread(data, why, cleaning);
            }
            Some(Err(_)) | None => return self.clean_plain(name, data, cleaning),
        };
        let keys: Vec<_> = document
            .strings
            .iter()
            .map(|found| self.key_of(&document, found))
            .collect();
        let rests = self.end_where(cleaning, |stream| {
            let goes_on = keys.iter().flatten().any(|(key, _)| *key == stream.key);
            !goes_on && !document.is_ping() && document.is_about(&stream.key.indexes)
        });
        let repeats = repeats_in(&document, cleaning);
        let can_copy = data.len() <= LONGEST_TEMPLATE
            || self.template(data, &document, repeats).len() <= LONGEST_TEMPLATE;
        let clean = rewrite(data, &document, repeats, |index, text| {
            let Some((key, is_json)) = keys.get(index).and_then(Option::as_ref) else {
                return cleaning.clean_whole(text, false);
            };
            match self.joins && !document.is_end {
                true if can_copy => self.push(key, *is_json, text, cleaning),
                true => self.push_alone(key, *is_json, text, cleaning),
                false => self.push_last(key, *is_json, text, cleaning),
            }
        });
        for _ in repeats {
            cleaning.count_emptied();
        }
        for (key, _) in keys.iter().flatten() {
            self.keep(key, name, &clean);
        }
        (rests, clean)
    }

    /// Ends all texts. Returns the events with what was held back.
    pub(super) fn finish(&mut self, cleaning: &mut TextCleaning) -> Vec<Written> {
        self.end_where(cleaning, |_| true)
    }

    /// Returns the key of a string that continues a text, and whether it is JSON.
    fn key_of(&self, document: &Document, found: &FoundString) -> Option<(Key, bool)> {
        let is_json = self.fields.find(document, &found.path)?;
        let key = Key {
            path: found.path.clone(),
            indexes: document.indexes_of(&found.path),
        };
        Some((key, is_json))
    }

    /// Whether data that is not JSON is one text.
    const fn joins_plain(&self) -> bool {
        self.fields.joins_plain && self.joins
    }

    /// Cleans data that is not read but begins like JSON, string by string. A client may read it with
    /// less care, so its escapes are read. Data that is not JSON is cleaned as a whole before.
    fn clean_unread(
        &mut self,
        data: &str,
        why: Unread,
        cleaning: &mut TextCleaning,
    ) -> (Vec<Written>, String) {
        let rests = self.end_where(cleaning, |stream| stream.key == Key::PLAIN);
        let masked = (why == Unread::NotJson).then(|| cleaning.mask_whole(data));
        let data = masked.as_deref().unwrap_or(data);
        let (mut clean, mut strings) = (String::new(), JsonStrings::default());
        strings.push(data, cleaning, &mut clean);
        strings.finish(cleaning, &mut clean);
        (rests, clean)
    }

    /// Cleans data that is a text.
    fn clean_plain(
        &mut self,
        name: Option<&str>,
        data: &str,
        cleaning: &mut TextCleaning,
    ) -> (Vec<Written>, String) {
        if !self.joins_plain() {
            return (self.finish(cleaning), cleaning.clean_whole(data, false));
        }
        let clean = self.push(&Key::PLAIN, false, data, cleaning);
        self.keep(&Key::PLAIN, name, &clean);
        (Vec::new(), clean)
    }

    /// Returns the place of a text. `None`: it has not begun, or has ended.
    fn position_of(&self, key: &Key) -> Option<usize> {
        self.streams.iter().position(|stream| stream.key == *key)
    }

    /// Adds a part to a text and returns what is certain.
    fn push(
        &mut self,
        key: &Key,
        is_json: bool,
        part: &str,
        cleaning: &mut TextCleaning,
    ) -> String {
        let known = self.position_of(key);
        if known.is_none() && self.streams.len() >= MOST_STREAMS {
            return cleaning.clean_unjoined(part, is_json);
        }
        let at = known.unwrap_or_else(|| {
            self.streams.push(Stream {
                key: key.clone(),
                text: cleaning.text(is_json),
                last: None,
            });
            self.streams.len() - 1
        });
        let Some(stream) = self.streams.get_mut(at) else {
            return cleaning.clean_whole(part, is_json);
        };
        let clean = stream.text.push(part);
        cleaning.count(&mut stream.text);
        clean
    }

    /// Adds the last part to a text, which ends with it.
    fn push_last(
        &mut self,
        key: &Key,
        is_json: bool,
        part: &str,
        cleaning: &mut TextCleaning,
    ) -> String {
        let known = self.position_of(key);
        let Some(mut stream) = known.map(|at| self.streams.swap_remove(at)) else {
            return match self.streams.len() < MOST_STREAMS || part.is_empty() {
                true => cleaning.clean_whole(part, is_json),
                false => cleaning.clean_unjoined(part, is_json),
            };
        };
        let clean = stream.text.push_last(part);
        cleaning.count(&mut stream.text);
        clean
    }

    /// Adds a part that nothing can be held back of. What is held back of the text goes before it.
    fn push_alone(
        &mut self,
        key: &Key,
        is_json: bool,
        part: &str,
        cleaning: &mut TextCleaning,
    ) -> String {
        if part.is_empty() {
            return String::new();
        }
        let held = match self.position_of(key) {
            Some(_) => self.push_last(key, is_json, "", cleaning),
            None => String::new(),
        };
        let held = match cleaning.masks() {
            true => held.chars().map(|_| '*').collect(),
            false => held,
        };
        held + &cleaning.clean_unjoined(part, is_json)
    }

    /// Returns a long event without its texts and long strings.
    fn template(&self, data: &str, document: &Document, repeats: &[Range<usize>]) -> String {
        rewrite(data, document, repeats, |index, text| {
            let found = document.strings.get(index);
            let is_text = found.is_some_and(|found| self.key_of(document, found).is_some());
            match is_text || text.len() > LONGEST_COPIED {
                true => String::new(),
                false => text.to_owned(),
            }
        })
    }

    /// Keeps a copy of an event for the text that is held back.
    fn keep(&mut self, key: &Key, name: Option<&str>, data: &str) {
        let document = (data.len() > LONGEST_TEMPLATE && *key != Key::PLAIN)
            .then(|| read(data).ok())
            .flatten();
        let template = document.map(|document| self.template(data, &document, &[]));
        let data = template.as_deref().unwrap_or(data);
        if template.is_some() && data.len() > LONGEST_TEMPLATE {
            return;
        }
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.key == *key) {
            stream.last = stream.text.is_holding().then(|| Written {
                name: name.map(str::to_owned),
                data: data.to_owned(),
            });
        }
    }

    /// Ends the texts that a condition names. Returns the events with what was held back of them.
    fn end_where(
        &mut self,
        cleaning: &mut TextCleaning,
        is_over: impl Fn(&Stream) -> bool,
    ) -> Vec<Written> {
        let streams = std::mem::take(&mut self.streams).into_iter();
        let (over, others): (Vec<Stream>, Vec<Stream>) = streams.partition(is_over);
        self.streams = others;
        let mut rests = Vec::new();
        for mut stream in over {
            let rest = stream.text.finish();
            cleaning.count(&mut stream.text);
            rests.extend(self.event_with(&stream, &rest));
        }
        rests
    }

    /// Makes an event of the last one of a text, with what was held back. `None`: nothing was.
    fn event_with(&self, stream: &Stream, rest: &str) -> Option<Written> {
        let last = stream.last.as_ref().filter(|_| !rest.is_empty())?;
        let data = match read(&last.data).ok().filter(|_| stream.key != Key::PLAIN) {
            None => rest.to_owned(),
            Some(document) => rewrite(&last.data, &document, &[], |index, text| {
                let found = document.strings.get(index);
                match found.and_then(|found| self.key_of(&document, found)) {
                    Some((key, _)) if key == stream.key => rest.to_owned(),
                    Some(_) => String::new(),
                    None => text.to_owned(),
                }
            }),
        };
        Some(Written {
            name: last.name.clone(),
            data,
        })
    }
}

/// Tells whether data begins like a document with strings.
pub(super) fn looks_like_json(data: &str) -> bool {
    data.trim_start().starts_with(['{', '[', '"'])
}

/// Returns what a document repeats token by token, if that could show what is masked.
fn repeats_in<'d>(document: &'d Document, cleaning: &TextCleaning) -> &'d [Range<usize>] {
    match cleaning.masks() {
        true => &document.repeats,
        false => &[],
    }
}

/// Writes a document with other strings at the places of its own, and `null` at some places. Strings that
/// stay the same are copied.
fn rewrite(
    data: &str,
    document: &Document,
    nulls: &[Range<usize>],
    mut change: impl FnMut(usize, &str) -> String,
) -> String {
    let mut out = String::with_capacity(data.len());
    let mut done = 0;
    let mut nulls = nulls.iter().peekable();
    let copy_to = |out: &mut String, done: &mut usize, end: usize, behind: usize| {
        out.push_str(data.get(*done..end).unwrap_or_default());
        *done = behind;
    };
    for (index, found) in document.strings.iter().enumerate() {
        while let Some(null) = nulls.next_if(|null| null.start < found.span.start) {
            copy_to(&mut out, &mut done, null.start, null.end);
            out.push_str("null");
        }
        if found.span.start < done {
            continue;
        }
        let text = decode_lossy(data.get(found.span.clone()).unwrap_or_default());
        let changed = change(index, &text);
        if changed != text {
            copy_to(&mut out, &mut done, found.span.start, found.span.end);
            push_escaped(&mut out, &changed);
        }
    }
    for null in nulls {
        copy_to(&mut out, &mut done, null.start, null.end);
        out.push_str("null");
    }
    out.push_str(data.get(done..).unwrap_or_default());
    out
}
