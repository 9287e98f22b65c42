//! One event of a stream of server-sent events: its lines, and its data.
//!
//! WHATWG HTML, section 9.2.6. Lines that are no data stay as they are: comments, names, identifiers.

/// An event whose lines are complete.
#[derive(Debug)]
pub(super) struct Event<'t> {
    /// The content and the end of each line.
    lines: Vec<(&'t str, &'t str)>,
    /// The data, its lines joined by LF. `None`: there is none.
    pub(super) data: Option<String>,
    pub(super) name: Option<&'t str>,
}

impl<'t> Event<'t> {
    /// Reads the lines of an event.
    pub(super) fn read(text: &'t str) -> Self {
        let mut event = Self {
            lines: Vec::new(),
            data: None,
            name: None,
        };
        let mut rest = text;
        while !rest.is_empty() {
            let (line, end, behind) = split_line(rest);
            event.add_line(line.trim_start_matches('\u{feff}'));
            event.lines.push((line, end));
            rest = behind;
        }
        event
    }

    fn add_line(&mut self, line: &'t str) {
        if let Some(name) = field(line, "event") {
            self.name = Some(name);
        }
        let Some(value) = field(line, "data") else {
            return;
        };
        match &mut self.data {
            None => self.data = Some(value.to_owned()),
            Some(data) => {
                data.push('\n');
                data.push_str(value);
            }
        }
    }

    /// Writes the event with other data, at the place of its first line of data.
    pub(super) fn write(&self, data: &str, out: &mut String) {
        let mut is_written = false;
        for (line, end) in &self.lines {
            if field(line.trim_start_matches('\u{feff}'), "data").is_none() {
                out.extend([*line, *end]);
            } else if !std::mem::replace(&mut is_written, true) {
                write_data(data, end, out);
            }
        }
    }

    /// Returns how lines end in this event.
    pub(super) fn line_end(&self) -> &'t str {
        let mut ends = self.lines.iter().map(|(_, end)| *end);
        ends.find(|end| !end.is_empty()).unwrap_or("\n")
    }
}

/// Writes an event with a name and data.
pub(super) fn write_event(name: Option<&str>, data: &str, end: &str, out: &mut String) {
    if let Some(name) = name {
        out.extend(["event: ", name, end]);
    }
    write_data(data, end, out);
    out.push_str(end);
}

/// Writes lines of data. The line end is never empty, so that a line follows on its own.
fn write_data(data: &str, end: &str, out: &mut String) {
    for line in data.split(['\n', '\r']) {
        out.extend(["data: ", line, if end.is_empty() { "\n" } else { end }]);
    }
}

/// Divides a text into its first line, the end of that, and what is behind.
fn split_line(text: &str) -> (&str, &str, &str) {
    let length = text.find(['\n', '\r']).unwrap_or(text.len());
    let (line, behind) = text.split_at_checked(length).unwrap_or((text, ""));
    let end = match behind {
        behind if behind.starts_with("\r\n") => 2,
        "" => 0,
        _ => 1,
    };
    let (end, behind) = behind.split_at_checked(end).unwrap_or_default();
    (line, end, behind)
}

/// Returns the value of a field of this name. One space before it is left out.
fn field<'t>(line: &'t str, name: &str) -> Option<&'t str> {
    let behind = line.strip_prefix(name)?;
    match behind.strip_prefix(':') {
        Some(value) => Some(value.strip_prefix(' ').unwrap_or(value)),
        None => behind.is_empty().then_some(""),
    }
}
