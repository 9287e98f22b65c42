//! Output of the commands. Results go to standard output, so that they can be piped; everything
//! else goes to standard error.
//!
//! `println!` is not used: it panics if the pipe is closed, and `palisade audit query … | head`
//! would then end with an error.
//!
//! | function | stream | closed pipe |
//! |---|---|---|
//! | [`print_result`], [`print_json`] | standard output, flushed | no error |
//! | [`Lines`] | standard output, buffered | tells the caller to stop |
//! | [`print_note`] | standard error | ignored |

use std::{
    fmt,
    io::{self, Write},
};

/// Prints a result as one line to standard output.
///
/// A closed pipe (`| head`) is no error: the exit code still says how the command ended. Any other
/// error of the output is returned.
///
/// The line is flushed at once: a key that was not printed must not be stored.
///
/// # Errors
///
/// Any error of the output but a closed pipe, such as a full disk. The command then ends with exit
/// code 2.
pub(crate) fn print_result(line: impl fmt::Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    match written {
        Err(problem) if problem.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Prints an object as one line of JSON, as [`print_result`].
///
/// # Errors
///
/// As [`print_result`].
pub(crate) fn print_json(object: &serde_json::Value) -> io::Result<()> {
    print_result(escape_json(&object.to_string()))
}

/// Prints many lines to standard output, through one buffer.
///
/// For commands with many lines. [`result`] would write each to the terminal separately. Call
/// [`finish`](Self::finish) at the end: dropping the value ignores errors of the last lines.
pub(crate) struct Lines(io::BufWriter<io::StdoutLock<'static>>);

impl Lines {
    /// Takes standard output.
    pub(crate) fn new() -> Self {
        Self(io::BufWriter::new(io::stdout().lock()))
    }

    /// Prints a line. Returns false if the reader closed the pipe (`| head`): the rest need not be printed.
    ///
    /// The caller then stops: it would only compute what no one reads. Other errors, such as a full disk,
    /// are returned.
    ///
    /// # Errors
    ///
    /// Any error but a closed pipe. With a buffer it may belong to an earlier line.
    pub(crate) fn print_line(&mut self, line: &str) -> io::Result<bool> {
        still_read(writeln!(self.0, "{line}"))
    }

    /// Writes what is in the buffer, before a pause. Returns false if the reader closed the pipe.
    ///
    /// # Errors
    ///
    /// As [`print`](Self::print_line).
    pub(crate) fn flush(&mut self) -> io::Result<bool> {
        still_read(self.0.flush())
    }

    /// Writes what is still in the buffer.
    ///
    /// A pipe that is closed is no error here either.
    ///
    /// # Errors
    ///
    /// As [`print`](Self::print_line).
    pub(crate) fn finish(mut self) -> io::Result<()> {
        still_read(self.0.flush()).map(drop)
    }
}

/// Returns false if the pipe is closed, so that no one reads the output. Any other problem is an
/// error.
///
/// # Errors
///
/// Any other problem of the output.
fn still_read(written: io::Result<()>) -> io::Result<bool> {
    match written {
        Ok(()) => Ok(true),
        Err(problem) if problem.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(problem) => Err(problem),
    }
}

/// Prints a line for the person at the terminal to standard error. Errors are ignored, since there
/// is no other place to report them.
///
/// For example where a new file is, or what must be done next. Programs that read the result do not
/// see it.
pub(crate) fn print_note(line: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Formats rows in columns, separated by two spaces. Each column is as wide as its widest text, in
/// characters.
///
/// The first row is the head. Characters that are wider than one cell are counted as one.
///
/// White space at the end of a line is removed. Without rows the text is empty.
pub(crate) fn format_table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|text| text.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..N)
        .map(|column| width(column).unwrap_or_default())
        .collect();
    let line = |row: &[String; N]| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(text, width)| format!("{text:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Escapes in a document of JSON what would change the terminal, change the order of the text, or hide in it. Readers of
/// JSON see the same document.
///
/// Writers of JSON escape the controls of ASCII alone. A token is written by anyone, and `U+009B` begins a command for the
/// terminal too.
pub(crate) fn escape_json(document: &str) -> String {
    let mut shown = String::with_capacity(document.len());
    for character in document.chars() {
        if !is_misleading(character) {
            shown.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            shown.push_str(&format!("\\u{unit:04x}"));
        }
    }
    shown
}

/// Tells whether a character beyond ASCII is a control, separates lines, changes the direction, or shows nothing.
const fn is_misleading(character: char) -> bool {
    matches!(character,
        '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Escapes what would change the terminal or the order of the text. In a file
/// of JSON it is escaped, but reading the file undoes that.
///
/// A user name or a path comes from a client, the name of a key from an issuer. An escape sequence in it could hide other lines of the
/// terminal, and a direction mark could reverse a line.
pub(crate) fn escape_control(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    for character in line.chars() {
        match character {
            '"' | '\'' | '\\' => shown.push(character),
            _ => shown.extend(character.escape_debug()),
        }
    }
    shown
}
