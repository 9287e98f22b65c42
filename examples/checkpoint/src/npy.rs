//! Small NumPy arrays.

use crate::error::CheckpointError;

/// Reads a NumPy array of floats as a flat vector.
///
/// ```
/// let header = b"\x93NUMPY\x01\x00\x39\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
/// let file = [&header[..], &1.5f32.to_le_bytes()].concat();
/// assert_eq!(checkpoint::read_npy(&file).unwrap(), [1.5]);
/// assert!(checkpoint::read_npy(&file[..40]).is_err());
/// ```
///
/// # Errors
///
/// When it is damaged, of another type, or neither a row nor a column, so that the order of its values matters.
pub fn read_npy(bytes: &[u8]) -> Result<Vec<f32>, CheckpointError> {
    Ok(read(bytes)?)
}

fn read(bytes: &[u8]) -> Result<Vec<f32>, String> {
    let damaged = || "not a NumPy array file".to_owned();
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or_else(damaged)?;
    let (length, rest) = match rest {
        [1, _, low, high, rest @ ..] => (usize::from(u16::from_le_bytes([*low, *high])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => return Err(damaged()),
    };
    let (header, data) = rest.split_at_checked(length).ok_or_else(damaged)?;
    let header = String::from_utf8_lossy(header);
    let shape = shape(&header).ok_or_else(damaged)?;
    if shape.iter().filter(|size| **size != 1).count() > 1 {
        return Err(format!(
            "the array has shape {shape:?}, which is neither a row nor a column"
        ));
    }
    let values: Vec<f32> = if header.contains("'<f8'") {
        floats(data, f64::from_le_bytes)
            .map(|value| value as f32)
            .collect()
    } else if header.contains("'<f4'") {
        floats(data, f32::from_le_bytes).collect()
    } else {
        return Err("the array holds neither f4 nor f8 values".to_owned());
    };
    if shape.iter().product::<usize>() != values.len() {
        return Err("the array is not as long as it says".to_owned());
    }
    if values.iter().any(|value| !value.is_finite()) {
        return Err("the array holds values that are not finite".to_owned());
    }
    Ok(values)
}

/// Reads the dimensions, of which there are one or two.
fn shape(header: &str) -> Option<Vec<usize>> {
    let (_, rest) = header.split_once("'shape'")?;
    let (_, rest) = rest.split_once('(')?;
    let (shape, _) = rest.split_once(')')?;
    let sizes = shape
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty());
    let sizes: Vec<usize> = sizes
        .take(3)
        .map(|size| size.parse().ok())
        .collect::<Option<_>>()?;
    let known = sizes.iter().all(|size| *size <= 1 << 20) && sizes.len() <= 2;
    known.then_some(sizes)
}

fn floats<const N: usize, T>(data: &[u8], value: fn([u8; N]) -> T) -> impl Iterator<Item = T> {
    data.as_chunks().0.iter().map(move |bytes| value(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn a_row_and_a_column_are_read_and_a_matrix_is_refused() {
        let two = [1.5f32.to_le_bytes(), 2.5f32.to_le_bytes()].concat();
        for shape in ["(2,)", "(2, 1)", "(1, 2)"] {
            let header = format!("{{'descr': '<f4', 'fortran_order': True, 'shape': {shape}, }}");
            assert_eq!(read_npy(&file(&header, &two)).unwrap(), [1.5, 2.5]);
        }
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
        assert!(read_npy(&file(header, &[two.clone(), two].concat())).is_err());
    }

    #[test]
    fn a_length_that_is_not_the_files_is_refused() {
        for shape in [
            "(3,)",
            "(1,)",
            "(99999999999999999999,)",
            "(4294967296, 4294967296)",
            "()",
        ] {
            let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
            assert!(read_npy(&file(&header, &[0; 16])).is_err(), "{shape}");
        }
    }
}
