//! The names of older parts that are compressed, and of those that are not finished.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{around, folder, is_part, with_suffix};

/// The end of the name of a compressed part.
pub(super) const COMPRESSED: &str = ".zst";
/// What comes after the name of a part that is being compressed: then a random text, and [`BEGUN`].
const BEGINS: &[u8] = b".zst.";
/// The end of the name of a compressed part that is being written.
const BEGUN: &str = ".part";

/// Names the compressed form of an older part. One that is compressed keeps its name.
pub(crate) fn compressed(part: &Path) -> PathBuf {
    match is_compressed(part) {
        true => part.into(),
        false => with_suffix(part, COMPRESSED),
    }
}

/// Returns whether a file is compressed, by its name.
pub(crate) fn is_compressed(part: &Path) -> bool {
    part.as_os_str()
        .as_encoded_bytes()
        .ends_with(COMPRESSED.as_bytes())
}

/// Names the plain form of an older part.
pub(crate) fn plain(part: &Path) -> PathBuf {
    match is_compressed(part) {
        true => part.with_extension(""),
        false => part.into(),
    }
}

/// Names the compressed form of an older part while it is written. `unique` keeps two writers apart.
#[cfg(feature = "zstd")]
pub(crate) fn begun(part: &Path, unique: &str) -> PathBuf {
    with_suffix(part, &format!("{COMPRESSED}.{unique}{BEGUN}"))
}

/// Lists compressed parts that are not finished.
///
/// # Errors
///
/// The folder cannot be listed.
pub(crate) fn unfinished(path: &Path) -> io::Result<Vec<PathBuf>> {
    let (before, after) = around(path);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder(path))? {
        let name = entry?.file_name();
        let bytes = name.as_encoded_bytes();
        let place = bytes.windows(BEGINS.len()).rposition(|it| it == BEGINS);
        let part = place.and_then(|place| bytes.get(..place));
        if bytes.ends_with(BEGUN.as_bytes()) && part.is_some_and(|it| is_part(it, &before, &after))
        {
            found.push(path.with_file_name(name));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{first_of, part, parts},
        *,
    };

    #[test]
    fn a_part_is_listed_once_whether_it_is_compressed_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let (one, two) = (part(&path, 1), compressed(&part(&path, 2)));
        for file in [&one, &compressed(&one), &two] {
            fs::write(file, "").unwrap();
        }
        assert_eq!(parts(&path).unwrap(), [one.clone(), two.clone()]);
        assert!(is_compressed(&two) && !is_compressed(&one));
        assert_eq!(plain(&two), part(&path, 2));
        assert_eq!((first_of(&two), compressed(&two)), (Some(2), two));
    }

    #[test]
    fn only_parts_that_are_being_compressed_are_unfinished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let one = part(&path, 1);
        let begun = [
            with_suffix(&one, ".zst.5f2a.part"),
            with_suffix(&one, ".zst.part"),
        ];
        let others = [
            with_suffix(&one, ".part"),
            with_suffix(&path, ".zst.5f2a.part"),
            folder.path().join("other.zst.5f2a.part"),
            compressed(&one),
        ];
        for file in begun.iter().chain(&others) {
            fs::write(file, "").unwrap();
        }
        let mut found = unfinished(&path).unwrap();
        found.sort();
        assert_eq!(found, begun);
    }
}
