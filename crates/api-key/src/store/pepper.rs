//! The pepper in a file of its own, apart from the digests.

use std::{fs::File, io, path::Path};

use palisade_internal::private_file;
use zeroize::Zeroizing;

use super::KeyFileError;
use crate::{
    Pepper,
    digest::{decode_hex, encode_hex},
};

const LARGEST: u64 = 4096;

impl Pepper {
    /// Reads a pepper from a file: 64 hexadecimal digits.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, may be read by others, or holds something else.
    pub fn read_file(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|problem| KeyFileError::io(path, "read", problem))?;
        if private_file::others_may(&file, 0o077)
            .map_err(|problem| KeyFileError::io(path, "read", problem))?
        {
            return Err(KeyFileError::invalid(
                path,
                None,
                "others may read this secret; set its mode to 0600",
            ));
        }
        let text = private_file::read_to_string(&file, LARGEST)
            .map_err(|problem| KeyFileError::io(path, "read", problem))?;
        let text = Zeroizing::new(text);
        let mut bytes = Zeroizing::new([0; Self::LENGTH]);
        if !decode_hex(text.trim_ascii_end(), &mut *bytes) {
            return Err(KeyFileError::invalid(
                path,
                None,
                "a pepper file holds 64 hexadecimal digits",
            ));
        }
        Self::new(&*bytes).map_err(|weak| KeyFileError::invalid(path, None, weak))
    }

    /// Makes a pepper file that only its owner may read. Root makes it for the owner of the folder. One that
    /// exists is never replaced: no key made with it would count any more.
    ///
    /// # Errors
    ///
    /// When there is one already, or it cannot be written.
    pub fn create_file(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        let path = path.as_ref();
        let random =
            Self::random_bytes().map_err(|problem| KeyFileError::invalid(path, None, problem))?;
        let text = Zeroizing::new(encode_hex(&*random) + "\n");
        private_file::write_new(path, text.as_bytes())
            .map_err(|problem| KeyFileError::io(path, "create", problem))?;
        Self::new(&*random).map_err(|weak| KeyFileError::invalid(path, None, weak))
    }

    /// Reads the file, or makes it where there is none.
    ///
    /// # Errors
    ///
    /// As [`read_file`](Self::read_file) and [`create_file`](Self::create_file).
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
