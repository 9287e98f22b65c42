//! Why a voice was not converted.

use std::{fmt, io};

use crate::load::LoadError;

/// Why a voice was not converted.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConvertError {
    /// The voice could not be read.
    Load(LoadError),
    /// A weight is too large for half precision.
    TooLarge {
        /// The weight's name.
        tensor: String,
    },
    /// The file could not be written.
    Write(io::Error),
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(error) => error.fmt(f),
            Self::TooLarge { tensor } => write!(f, "{tensor} is too large for half precision"),
            Self::Write(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConvertError {}

impl From<LoadError> for ConvertError {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

impl From<io::Error> for ConvertError {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}
