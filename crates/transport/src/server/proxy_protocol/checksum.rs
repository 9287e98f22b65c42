//! CRC-32C (RFC 3720, appendix B.4), which a header of version 2 may carry.
//!
//! CRC-32C is the polynomial of Castagnoli, as in iSCSI. It shows accidents and no attacks: who can
//! change a header can compute it again.

/// The polynomial, with its bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// Computes the checksum. Headers are short, so it is done bit by bit, without a table.
///
/// The bytes come as an iterator, so that the header and the zeros in place of its checksum need not
/// be copied together.
pub(super) fn crc32c<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> u32 {
    !bytes.into_iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            let is_odd = sum & 1 == 1;
            (sum >> 1) ^ if is_odd { POLYNOMIAL } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // RFC 3720, appendix B.4.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }
}
