//! Small NumPy arrays: `mvn.npy` and `se.npy`.

/// Reads a one- or two-dimensional array of floats in C order as a flat vector.
pub(crate) fn read_npy(bytes: &[u8]) -> Result<Vec<f32>, String> {
    let damaged = || "not a NumPy array file".to_owned();
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or_else(damaged)?;
    let (length, rest) = match rest {
        [1, _, low, high, rest @ ..] => (usize::from(u16::from_le_bytes([*low, *high])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => return Err(damaged()),
    };
    let (header, data) = rest.split_at_checked(length).ok_or_else(damaged)?;
    let header = String::from_utf8_lossy(header);
    if header.contains("'fortran_order': True") {
        return Err("the array is in Fortran order".to_owned());
    }
    if header.contains("'<f8'") {
        let (values, _) = data.as_chunks();
        Ok(values
            .iter()
            .map(|value| f64::from_le_bytes(*value) as f32)
            .collect())
    } else if header.contains("'<f4'") {
        let (values, _) = data.as_chunks();
        Ok(values
            .iter()
            .map(|value| f32::from_le_bytes(*value))
            .collect())
    } else {
        Err("the array holds neither f4 nor f8 values".to_owned())
    }
}
