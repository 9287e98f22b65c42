//! Reads the markup: an event of the XML parser at a time, so that what is not allowed ends the reading at once.

use quick_xml::{
    Reader, XmlVersion,
    errors::Error,
    escape::EscapeError,
    events::{BytesRef, BytesStart, Event, attributes::Attribute},
};

use super::{
    compose::Composer,
    element::{Attributes, Element},
    error::{At, SsmlProblem, shown},
};

/// Elements of a document: a text within any sensible limit has fewer.
const ELEMENTS: usize = 2_000;

/// Elements in each other: all kinds in each other twice are fewer.
const DEPTH: usize = 16;

/// An element that has not ended yet.
struct Open {
    attributes: Attributes,
    /// Its text, if that is not read as usual.
    text: String,
}

/// A document on its way through the parser.
struct Document<'a, 'b> {
    composer: &'a mut Composer<'b>,
    open: Vec<Open>,
    elements: usize,
}

/// Reads a document.
pub(super) fn read(source: &str, composer: &mut Composer<'_>) -> At<()> {
    let mut xml = Reader::from_str(source);
    let mut document = Document {
        composer,
        open: Vec::new(),
        elements: 0,
    };
    loop {
        let offset = position(xml.buffer_position());
        let event = xml.read_event();
        match event {
            Ok(Event::Eof) => return document.end(offset),
            Ok(event) => document.event(event, offset)?,
            Err(error) => {
                return Err(malformed(
                    position(xml.error_position()),
                    &error.to_string(),
                ));
            }
        }
    }
}

impl Document<'_, '_> {
    fn event(&mut self, event: Event<'_>, offset: usize) -> At<()> {
        let markup = |kind| Err((offset, SsmlProblem::Markup { kind }));
        match event {
            Event::Start(start) => self.start(&start, offset),
            Event::Empty(start) => {
                self.start(&start, offset)?;
                self.stop()
            }
            Event::End(_) => self.stop(),
            Event::Text(text) => {
                legal(&text, offset)?;
                self.text(&unwrapped(&text), offset)
            }
            Event::GeneralRef(_) if self.open.is_empty() => Err(outside(offset)),
            Event::GeneralRef(reference) => {
                let c = character(&reference, offset)?;
                self.text(c.encode_utf8(&mut [0; 4]), offset)
            }
            Event::CData(_) => markup("a CDATA section"),
            Event::DocType(_) => markup("a document type"),
            Event::PI(_) => markup("a processing instruction"),
            // A declaration stands in front of everything, and a document in a string is in no other encoding.
            Event::Decl(_) if self.elements > 0 => markup("a second XML declaration"),
            Event::Decl(_) | Event::Comment(_) | Event::Eof => Ok(()),
        }
    }

    fn start(&mut self, start: &BytesStart<'_>, offset: usize) -> At<()> {
        let name = start.name();
        let name: &str = name.as_ref();
        let Some(element) = Element::parse(name) else {
            let name = shown(name);
            return Err((offset, SsmlProblem::Element { name }));
        };
        let within = self.open.last().map(|open| open.attributes.element);
        let again = within.is_none() && self.elements > 0;
        if again || !element.fits(within) {
            let problem = SsmlProblem::Misplaced {
                element: element.name(),
                within: within.map(Element::name),
            };
            return Err((offset, problem));
        }
        let more = |what, limit| Err((offset, SsmlProblem::TooMuch { what, limit }));
        if self.elements == ELEMENTS {
            return more("elements", ELEMENTS);
        }
        if self.open.len() == DEPTH {
            return more("elements in each other", DEPTH);
        }
        let attributes = attributes(element, start, offset)?;
        self.composer.open(&attributes)?;
        self.elements += 1;
        self.open.push(Open {
            attributes,
            text: String::new(),
        });
        Ok(())
    }

    fn stop(&mut self) -> At<()> {
        // The parser has checked that the names are those of the open elements.
        match self.open.pop() {
            Some(open) => self.composer.shut(&open.attributes, &open.text),
            None => Ok(()),
        }
    }

    fn text(&mut self, text: &str, offset: usize) -> At<()> {
        let blank = text
            .chars()
            .all(|c| c.is_ascii_whitespace() || c == '\u{feff}');
        match self.open.last_mut() {
            None if blank => {}
            None => return Err(outside(offset)),
            Some(open) if open.attributes.element.is_text() => open.text.push_str(text),
            Some(open) if open.attributes.element == Element::Break => {
                if !blank {
                    return Err((
                        open.attributes.offset,
                        SsmlProblem::Content {
                            element: "break",
                            text: shown(text),
                            allowed: "nothing: it is empty".to_owned(),
                        },
                    ));
                }
            }
            Some(_) => self.composer.text(text, offset),
        }
        Ok(())
    }

    fn end(&self, offset: usize) -> At<()> {
        if let Some(open) = self.open.last() {
            let name = open.attributes.element.name();
            return Err(malformed(
                open.attributes.offset,
                &format!("<{name}> is not closed"),
            ));
        }
        if self.elements == 0 {
            return Err(malformed(offset, "there is no <speak>"));
        }
        Ok(())
    }
}

/// Reads the attributes of an element; the first that it does not have ends the reading.
fn attributes(element: Element, start: &BytesStart<'_>, offset: usize) -> At<Attributes> {
    let mut values: Vec<(&'static str, String)> = Vec::new();
    let mut written = start.attributes();
    // Its check for duplicates compares each with each; here there are never more than an element has.
    written.with_checks(false);
    for attribute in written {
        let attribute = attribute.map_err(|error| malformed(offset, &error.to_string()))?;
        let name: &str = attribute.key.as_ref();
        let allowed = element.attributes();
        let Some(name) = allowed.iter().copied().find(|known| *known == name) else {
            let problem = SsmlProblem::Attribute {
                element: element.name(),
                name: shown(name),
                allowed,
            };
            return Err((offset, problem));
        };
        if values.iter().any(|(known, _)| *known == name) {
            return Err(malformed(offset, &format!("{name} twice in one element")));
        }
        values.push((name, value(&attribute, offset)?));
    }
    Ok(Attributes {
        element,
        offset,
        values,
    })
}

fn value(attribute: &Attribute<'_>, offset: usize) -> At<String> {
    let value = attribute.normalized_value(XmlVersion::Explicit1_0);
    let value = value.map_err(|error| match error {
        Error::Escape(EscapeError::UnrecognizedEntity(_, name)) => {
            let name = shown(&name);
            (offset, SsmlProblem::Entity { name })
        }
        error => malformed(offset, &error.to_string()),
    })?;
    if attribute.value.contains('<') {
        return Err(malformed(offset, "`<` in the value of an attribute"));
    }
    legal(&value, offset)?;
    Ok(value.into_owned())
}

/// Reads a reference to a character or to one of the five entities.
fn character(reference: &BytesRef<'_>, offset: usize) -> At<char> {
    let number = reference
        .resolve_char_ref()
        .map_err(|error| malformed(offset, &error.to_string()))?;
    let c = match (number, reference.as_ref()) {
        (Some(c), _) => c,
        (None, "amp") => '&',
        (None, "apos") => '\'',
        (None, "gt") => '>',
        (None, "lt") => '<',
        (None, "quot") => '"',
        (None, name) => {
            let name = shown(name);
            return Err((offset, SsmlProblem::Entity { name }));
        }
    };
    legal(c.encode_utf8(&mut [0; 4]), offset)?;
    Ok(c)
}

/// Refuses characters that no XML document may hold, written out or as references.
fn legal(text: &str, offset: usize) -> At<()> {
    let illegal = |c: &char| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    match text.chars().find(illegal) {
        Some(c) => {
            let code = u32::from(c);
            Err(malformed(offset, &format!("the character U+{code:04X}")))
        }
        None => Ok(()),
    }
}

/// Makes one blank of a line break and the blanks around it: they are the layout of the document and end no sentence.
fn unwrapped(text: &str) -> String {
    let lines: Vec<&str> = text.split(['\n', '\r']).collect();
    let last = lines.len().saturating_sub(1);
    let blank = |c| matches!(c, ' ' | '\t');
    let mut unwrapped = String::with_capacity(text.len());
    for (index, line) in lines.iter().enumerate() {
        let line = if index > 0 {
            line.trim_start_matches(blank)
        } else {
            line
        };
        let line = if index < last {
            line.trim_end_matches(blank)
        } else {
            line
        };
        if index > 0 && !unwrapped.ends_with(' ') {
            unwrapped.push(' ');
        }
        unwrapped.push_str(line);
    }
    unwrapped
}

fn outside(offset: usize) -> (usize, SsmlProblem) {
    malformed(offset, "text outside of <speak>")
}

fn malformed(offset: usize, reason: &str) -> (usize, SsmlProblem) {
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let reason = reason.chars().take(120).map(plain).collect();
    (offset, SsmlProblem::Malformed { reason })
}

fn position(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
