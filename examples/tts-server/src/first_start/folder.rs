//! The folder in which the server keeps what must outlive it. For its owner alone.

use std::{
    env,
    fs::{self, DirBuilder},
    io::{self, Write},
    path::{Path, PathBuf},
};

use palisade_internal::private_file;

use crate::error::StartError;

const NAME: &str = "palisade-tts";

/// The data folder, there and private.
#[derive(Clone, Debug)]
pub struct DataFolder(PathBuf);

impl DataFolder {
    /// Opens a folder, or makes it. Without a name, the place is that of the XDG base directories.
    ///
    /// # Errors
    ///
    /// When there is no place for it, or others may look into it, or nothing can be written there.
    pub fn open(asked: Option<PathBuf>) -> Result<Self, StartError> {
        let path = match asked {
            Some(path) => {
                std::path::absolute(&path).map_err(|error| StartError::at(&path, error))?
            }
            None => default_place(|name| env::var_os(name).map(PathBuf::from))?,
        };
        make_private(&path).map_err(|error| unusable(&path, &error))?;
        check_private(&path)?;
        check_writable(&path).map_err(|error| unusable(&path, &error))?;
        Ok(Self(path))
    }

    /// Returns where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Makes a folder inside, as private as this one.
    pub(crate) fn inner(&self, name: &str) -> Result<PathBuf, StartError> {
        let path = self.0.join(name);
        make_private(&path).map_err(|error| unusable(&path, &error))?;
        Ok(path)
    }
}

/// Writes a file that must not be there yet, for its owner alone.
pub(crate) fn write_private(path: &Path, content: &str) -> io::Result<()> {
    let mut file = private_file::create_new(path)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()
}

fn default_place(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf, StartError> {
    // A relative path in the variable is to be ignored (XDG Base Directory Specification).
    let absolute = |name| variable(name).filter(|path| path.is_absolute());
    let base = absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")));
    let base = base.ok_or_else(|| {
        StartError::new("there is no home folder for the data")
            .remedy("Name one with `--data DIR`.")
    })?;
    Ok(base.join(NAME))
}

#[cfg(unix)]
fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

#[cfg(not(unix))]
fn make_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).create(path)
}

/// Refuses a folder in which others may look: it holds keys.
fn check_private(path: &Path) -> Result<(), StartError> {
    let mode = private_file::open_mode(path).map_err(|error| unusable(path, &error))?;
    let Some(mode) = mode else {
        return Ok(());
    };
    let what = format!("others may look into the data folder (its mode is {mode:03o})");
    Err(StartError::at(path, what).remedy(format!("Run `chmod 700 '{}'`.", path.display())))
}

fn check_writable(path: &Path) -> io::Result<()> {
    let probe = path.join(".writable");
    fs::write(&probe, b"")?;
    fs::remove_file(probe)
}

fn unusable(path: &Path, error: &io::Error) -> StartError {
    StartError::at(path, format!("the data folder cannot be used: {error}"))
        .remedy("Name another with `--data DIR`, or give yourself the right to write there.")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_place_follows_xdg_and_ignores_relative_paths() {
        let place = |variables: &'static [(&str, &str)]| {
            default_place(|name| {
                variables
                    .iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, value)| value.into())
            })
        };
        let of = |variables| place(variables).unwrap();
        assert_eq!(
            of(&[("XDG_DATA_HOME", "/d"), ("HOME", "/h")]),
            Path::new("/d/palisade-tts")
        );
        assert_eq!(
            of(&[("HOME", "/h")]),
            Path::new("/h/.local/share/palisade-tts")
        );
        assert_eq!(
            of(&[("XDG_DATA_HOME", "d"), ("HOME", "/h")]),
            Path::new("/h/.local/share/palisade-tts")
        );
        assert!(place(&[]).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn it_is_made_private_and_an_open_one_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("a/b");
        DataFolder::open(Some(path.clone())).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o700
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let refusal = DataFolder::open(Some(path)).unwrap_err().to_string();
        assert!(
            refusal.contains("755") && refusal.contains("chmod 700"),
            "{refusal}"
        );
    }
}
