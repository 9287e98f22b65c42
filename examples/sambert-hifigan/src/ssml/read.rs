//! Reads the markup: an event of the XML parser at a time, so that what is not allowed ends the reading at once.

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::{
    attributes::attributes,
    characters::{character, legal, unwrapped},
    compose::Composer,
    element::{Attributes, Element, NAMES},
    error::{At, SsmlProblem, malformed, shown},
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
            return Err((
                offset,
                SsmlProblem::Element {
                    name,
                    allowed: NAMES,
                },
            ));
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

fn outside(offset: usize) -> (usize, SsmlProblem) {
    malformed(offset, "text outside of <speak>")
}

fn position(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
