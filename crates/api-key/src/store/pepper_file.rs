//! A pepper in a file, apart from the digests.
//!
//! A thief of one of the two files cannot test keys. Programs read the file once, at start.

use std::{fs::File, io, path::Path};

use palisade_internal::{hex, private_file};
use zeroize::Zeroizing;

use super::{KeyFileError, KeyFileProblem};
use crate::key::Pepper;

/// In bytes. A pepper file has 65.
const LARGEST: u64 = 4096;

impl Pepper {
    /// Reads a pepper from a file: 64 hexadecimal digits, and white space at the end.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Io`] when the file cannot be read. [`KeyFileError::Invalid`] when group or
    /// others may access it, or it has other content.
    pub fn read_file(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        let path = path.as_ref();
        let file =
            File::open(path).map_err(|problem| KeyFileError::from_io(path, "read", problem))?;
        if private_file::others_may(&file, 0o077)
            .map_err(|problem| KeyFileError::from_io(path, "read", problem))?
        {
            return Err(KeyFileError::invalid_content(
                path,
                None,
                KeyFileProblem::Exposed,
            ));
        }
        let text = private_file::read_to_string(&file, LARGEST)
            .map_err(|problem| KeyFileError::from_io(path, "read", problem))?;
        let text = Zeroizing::new(text);
        let mut bytes = Zeroizing::new([0; Self::LENGTH]);
        if !hex::decode_any_case(text.trim_ascii_end(), &mut *bytes) {
            return Err(KeyFileError::invalid_content(
                path,
                None,
                KeyFileProblem::NotAPepper,
            ));
        }
        Self::from_bytes(&*bytes).map_err(|weak| KeyFileError::invalid_content(path, None, weak))
    }

    /// Makes a random pepper and writes it to a new file that only its owner may read.
    ///
    /// If root runs this, the file belongs to the owner of the folder. An existing file is never
    /// replaced: no key made with its pepper would be valid any more.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Io`] when the file exists or cannot be written, [`KeyFileError::Invalid`]
    /// when there are no random bytes.
    pub fn create_file(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        let path = path.as_ref();
        let random = Self::random_bytes()
            .map_err(|problem| KeyFileError::invalid_content(path, None, problem))?;
        let text = Zeroizing::new(hex::encode(&*random) + "\n");
        private_file::write_new(path, text.as_bytes())
            .map_err(|problem| KeyFileError::from_io(path, "create", problem))?;
        Self::from_bytes(&*random).map_err(|weak| KeyFileError::invalid_content(path, None, weak))
    }

    /// Reads the file, or creates it if it does not exist.
    ///
    /// # Errors
    ///
    /// See [`read_file`](Self::read_file) and [`create_file`](Self::create_file).
    pub fn read_or_create_file(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        let path = path.as_ref();
        match Self::create_file(path) {
            Err(KeyFileError::Io { source, .. })
                if source.kind() == io::ErrorKind::AlreadyExists =>
            {
                Self::read_file(path)
            }
            made => made,
        }
    }
}
