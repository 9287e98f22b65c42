//! Output of the commands. Results go to standard output, so that they can be piped; everything
//! else goes to standard error.

use std::{
    fmt,
    io::{self, Write},
};

/// Prints a result as one line to standard output.
///
/// A closed pipe (`| head`) is no error: the exit code still says how the command ended. Any other
/// error of the output is returned.
pub(crate) fn result(line: impl fmt::Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    match written {
        Err(problem) if problem.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Prints a line for the person at the terminal to standard error. Errors are ignored, since there
/// is no other place to report them.
pub(crate) fn note(line: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Formats rows in columns, separated by two spaces. Each column is as wide as its widest text, in
/// characters.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
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
