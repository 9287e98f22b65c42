//! Lines of a file that another process appends to.
//!
//! A line counts when its end is there. Until then the writer may cut it off and write another one in its place, as a
//! copy that begins again does: so the begun line is read again after each change. A file that is replaced, or that
//! became shorter, is read from its beginning.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use palisade_internal::folder_watch::FolderWatch;

/// A file whose lines are read as they are written. One that is replaced or shortened is read from its beginning.
pub(super) struct FollowedFile {
    path: PathBuf,
    watch: FolderWatch,
    file: BufReader<File>,
    /// Where the next line begins.
    next: u64,
    /// Whether the byte before that is the end of a line. It is not after the beginning of a line that is too long.
    after_line: bool,
}

impl FollowedFile {
    /// Opens a file and begins to watch its folder.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or its folder cannot be watched.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        // Before the file is read: no change is missed.
        let watch = FolderWatch::open(folder.unwrap_or(Path::new(".")))?;
        Ok(Self {
            path: path.into(),
            watch,
            file: BufReader::new(File::open(path)?),
            next: 0,
            after_line: false,
        })
    }

    /// Reads the next line with its end, or the next `most` bytes of a longer one. Sleeps until there is one.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or the folder not be watched any more.
    pub(super) fn read_line(&mut self, most: u64, line: &mut Vec<u8>) -> io::Result<()> {
        while !self.try_line(most, line)? {
            self.watch.wait()?;
        }
        Ok(())
    }

    /// Reads the next line if it is there. Returns false if its end is not written yet; nothing of it is kept then.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    fn try_line(&mut self, most: u64, line: &mut Vec<u8>) -> io::Result<bool> {
        loop {
            line.clear();
            if self.file.buffer().is_empty() && self.was_cut()? {
                self.file.rewind()?;
                (self.next, self.after_line) = (0, false);
            }
            (&mut self.file).take(most).read_until(b'\n', line)?;
            let is_line = line.ends_with(b"\n");
            let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
            if is_line || length >= most {
                self.next = self.next.saturating_add(length);
                self.after_line = is_line;
                return Ok(true);
            }
            line.clear();
            if let Some(file) = self.replacing_file() {
                self.file = file;
                (self.next, self.after_line) = (0, false);
            } else {
                // Also discards what was buffered of the begun line.
                self.file.seek(SeekFrom::Start(self.next))?;
                return Ok(false);
            }
        }
    }

    /// Returns whether lines that were read are not in the file any more: it ends before them, or other bytes are at
    /// the end of the last one. Otherwise the next line is read next.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    fn was_cut(&mut self) -> io::Result<bool> {
        if self.file.get_ref().metadata()?.len() < self.next {
            return Ok(true);
        }
        if !self.after_line {
            return Ok(false);
        }
        self.file
            .seek(SeekFrom::Start(self.next.saturating_sub(1)))?;
        let mut end = [0];
        // The writer may cut it at this moment.
        let read = self.file.read(&mut end)?;
        Ok(read == 0 || end != *b"\n")
    }

    /// Returns the file that has the name now, if it is another one.
    fn replacing_file(&self) -> Option<BufReader<File>> {
        let named = File::open(&self.path).ok()?;
        let same = same_file(&named, self.file.get_ref()).unwrap_or(true);
        (!same).then(|| BufReader::new(named))
    }
}

/// Returns whether two open files are one.
///
/// # Errors
///
/// The operating system does not tell what the files are.
#[cfg(unix)]
fn same_file(one: &File, other: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let (one, other) = (one.metadata()?, other.metadata()?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

#[cfg(not(unix))]
fn same_file(_: &File, _: &File) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _};

    use super::*;

    /// A followed file in a folder of its own.
    struct Followed {
        _folder: tempfile::TempDir,
        path: PathBuf,
        reader: FollowedFile,
    }

    impl Followed {
        fn new(content: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("lines");
            fs::write(&path, content).unwrap();
            let reader = FollowedFile::open(&path).unwrap();
            Self {
                _folder: folder,
                path,
                reader,
            }
        }

        /// Cuts the file at a length, and appends a text in place.
        fn change(&self, length: u64, text: &str) {
            let mut file = File::options().append(true).open(&self.path).unwrap();
            file.set_len(length).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        /// All lines that are there now.
        fn lines(&mut self) -> Vec<String> {
            let mut lines = Vec::new();
            let mut line = Vec::new();
            while self.reader.try_line(16, &mut line).unwrap() {
                lines.push(String::from_utf8(line.clone()).unwrap());
            }
            assert!(line.is_empty(), "a begun line is not kept: {line:?}");
            lines
        }
    }

    #[test]
    fn a_line_counts_when_its_end_is_there() {
        let mut followed = Followed::new("one\ntw");
        assert_eq!(followed.lines(), ["one\n"]);
        assert!(followed.lines().is_empty());
        followed.change(6, "o\nthree\n");
        assert_eq!(followed.lines(), ["two\n", "three\n"]);
    }

    #[test]
    fn a_begun_line_may_be_cut_off_and_another_one_written_in_its_place() {
        let mut followed = Followed::new("one\ntw");
        assert_eq!(followed.lines(), ["one\n"]);
        followed.change(4, "three\n");
        assert_eq!(followed.lines(), ["three\n"]);
    }

    #[test]
    fn a_file_that_became_shorter_is_read_from_its_beginning() {
        for (length, text, expected) in [
            (4, "", vec!["one\n"]),
            (0, "1\n2\n", vec!["1\n", "2\n"]),
            // It is longer again when it is looked at.
            (0, "another one\nx\n", vec!["another one\n", "x\n"]),
        ] {
            let mut followed = Followed::new("one\ntwo\n");
            assert_eq!(followed.lines(), ["one\n", "two\n"]);
            followed.change(length, text);
            assert_eq!(followed.lines(), expected);
        }
    }

    #[test]
    fn a_file_that_was_replaced_is_read_from_its_beginning() {
        let mut followed = Followed::new("one\ntw");
        assert_eq!(followed.lines(), ["one\n"]);
        let other = followed.path.with_file_name("other");
        fs::write(&other, "three\n").unwrap();
        fs::rename(&other, &followed.path).unwrap();
        assert_eq!(followed.lines(), ["three\n"]);
    }

    #[test]
    fn a_line_that_is_too_long_comes_in_pieces() {
        let mut followed = Followed::new("0123456789abcdef0123\nnext\n");
        let expected = ["0123456789abcdef", "0123\n", "next\n"];
        assert_eq!(followed.lines(), expected);
    }
}
