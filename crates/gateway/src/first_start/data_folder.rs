//! The folder for what must outlive the gateway: keys, certificate authority, audit trail.

use std::{
    env,
    fs::{self, DirBuilder},
    io,
    path::{Path, PathBuf},
};

use palisade_internal::private_file;

use crate::error::{GatewayError, GatewayErrorKind};

/// Its name below `$XDG_DATA_HOME`.
const NAME: &str = "palisade-gateway";

/// A folder that only its owner may read.
///
/// It holds what must outlive the gateway: keys, pepper, audit trail, development authority. Losing
/// it makes every key worthless; a copy of it is as secret as the folder.
///
/// ```
/// use palisade_gateway::DataFolder;
///
/// # let parent = tempfile::tempdir().unwrap();
/// let folder = DataFolder::open(Some(&parent.path().join("gateway")))?;
/// assert!(folder.path().is_dir());
/// # Ok::<(), palisade_gateway::GatewayError>(())
/// ```
///
/// A folder that others may read is refused, and the error has the command that repairs it:
///
/// ```
/// # #[cfg(unix)] {
/// use std::os::unix::fs::PermissionsExt;
/// use palisade_gateway::DataFolder;
///
/// # let parent = tempfile::tempdir().unwrap();
/// let shared = parent.path().join("shared");
/// std::fs::create_dir(&shared)?;
/// std::fs::set_permissions(&shared, PermissionsExt::from_mode(0o755))?;
/// let refused = DataFolder::open(Some(&shared)).unwrap_err().to_string();
/// assert!(refused.contains("chmod 700"), "{refused}");
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DataFolder(PathBuf);

impl DataFolder {
    /// Opens a folder, or creates it with mode 0700.
    ///
    /// Default: `palisade-gateway` in `$XDG_DATA_HOME`, or in `~/.local/share`.
    ///
    /// # Errors
    ///
    /// There is no home folder, the folder cannot be created, or others may read it.
    pub fn open(path: Option<&Path>) -> Result<Self, GatewayError> {
        let path = match path {
            Some(path) => {
                std::path::absolute(path).map_err(|error| unusable_folder(path, &error))?
            }
            None => default_path()?,
        };
        create_folder(&path).map_err(|error| unusable_folder(&path, &error))?;
        check_private(&path)?;
        Ok(Self(path))
    }

    /// Returns its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the path of a file in it.
    pub(crate) fn file_path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Creates a folder in it, with the same mode.
    ///
    /// # Errors
    ///
    /// It cannot be created. The error names the path.
    pub(crate) fn create_subfolder(&self, name: &str) -> Result<PathBuf, GatewayError> {
        let path = self.0.join(name);
        create_folder(&path).map_err(|error| unusable_folder(&path, &error))?;
        Ok(path)
    }
}

/// A relative path in the variable is ignored, as the XDG Base Directory Specification says.
///
/// # Errors
///
/// Neither variable is set to an absolute path.
fn default_path() -> Result<PathBuf, GatewayError> {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
    let base = base.ok_or_else(|| {
        GatewayError::new("there is no home folder for the data")
            .with_kind(GatewayErrorKind::File)
            .with_remedy("name one with `--data DIR`")
    })?;
    Ok(base.join(NAME))
}

/// Creates a folder with mode 0700. One that is there stays as it is.
///
/// Missing parents are created too, with the modes of the process.
///
/// # Errors
///
/// It cannot be created, or there is something else with this name.
fn create_folder(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        created => created,
    }
}

/// Refuses a folder that others may read, since it holds keys.
///
/// # Errors
///
/// Group or others may read it; the error names the command that helps.
fn check_private(path: &Path) -> Result<(), GatewayError> {
    let mode = private_file::open_mode(path).map_err(|error| unusable_folder(path, &error))?;
    let Some(mode) = mode else {
        return Ok(());
    };
    let problem = format!("others may read the data folder (its mode is {mode:03o})");
    Err(GatewayError::at_path(path, problem)
        .with_remedy(format_args!("run `chmod 700 '{}'`", path.display())))
}

fn unusable_folder(path: &Path, error: &io::Error) -> GatewayError {
    GatewayError::at_path(
        path,
        format_args!("the data folder cannot be used: {error}"),
    )
    .with_remedy("name another with `--data DIR`, or give this user the right to write there")
}
