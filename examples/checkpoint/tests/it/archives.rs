//! Hostile archives.

use super::{positions, read, variant};

/// What an archive says of one of its entries.
#[derive(Clone)]
pub(super) struct Claim {
    pub(super) name: String,
    pub(super) content: Vec<u8>,
    method: u16,
    pub(super) size: u32,
    /// Where it is said to begin, if not where it does.
    offset: Option<u32>,
}

/// Makes an archive of stored entries.
pub(super) fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let claims = entries.iter().map(|(name, content)| Claim {
        name: (*name).to_owned(),
        content: content.to_vec(),
        method: 0,
        size: content.len() as u32,
        offset: None,
    });
    claimed(&claims.collect::<Vec<_>>())
}

pub(super) fn claimed(claims: &[Claim]) -> Vec<u8> {
    let (mut bytes, mut list) = (Vec::new(), Vec::new());
    for claim in claims {
        let offset = claim.offset.unwrap_or(bytes.len() as u32);
        let name = claim.name.as_bytes();
        let sum = crc32fast::hash(&claim.content).to_le_bytes();
        let size = claim.size.to_le_bytes();
        let length = (name.len() as u16).to_le_bytes();
        let method = claim.method.to_le_bytes();
        let common = [
            &[20, 0, 0, 0][..],
            &method,
            &[0; 4],
            &sum,
            &size,
            &size,
            &length,
            &[0, 0],
        ]
        .concat();
        bytes.extend([b"PK\x03\x04", &common[..], name, &claim.content].concat());
        list.extend(
            [
                b"PK\x01\x02\x14\x00",
                &common[..],
                &[0; 10],
                &offset.to_le_bytes(),
                name,
            ]
            .concat(),
        );
    }
    let count = (claims.len() as u16).to_le_bytes();
    let [size, offset] = [list.len(), bytes.len()].map(|number| (number as u32).to_le_bytes());
    let end = [
        b"PK\x05\x06",
        &[0; 4][..],
        &count,
        &count,
        &size,
        &offset,
        &[0, 0],
    ]
    .concat();
    [bytes, list, end].concat()
}

/// A pickle of one tensor of 4 floats named `w`, under `model`, and its storage.
pub(super) fn small() -> Vec<Claim> {
    let pickle = b"\x80\x02}X\x05\x00\x00\x00model}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n\
        ((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ\
        K\x00K\x04\x85K\x01\x85\x89}tRss.";
    let claim = |name: &str, content: &[u8]| Claim {
        name: name.to_owned(),
        content: content.to_vec(),
        method: 0,
        size: content.len() as u32,
        offset: None,
    };
    vec![claim("a/data.pkl", pickle), claim("a/data/0", &[0; 16])]
}

pub(super) fn refused(claims: &[Claim], says: &str) {
    let error = read("am_evil.pth", &claimed(claims))
        .expect_err(says)
        .to_string();
    assert!(error.contains(says), "{error}");
}

#[test]
fn the_archive_these_tests_begin_with_is_read() {
    let read = read("am_small.pth", &claimed(&small())).unwrap();
    assert_eq!(read["w"].dims(), [4]);
}

/// Announces an archive's list as large archives do: the usual fields are full, wider ones lie before them.
fn wide(claims: &[Claim]) -> Vec<u8> {
    let mut bytes = claimed(claims);
    let end = bytes.split_off(bytes.len() - 22);
    let number = |at: usize| u64::from(u32::from_le_bytes(end[at..at + 4].try_into().unwrap()));
    let (size, offset, at) = (number(12), number(16), bytes.len() as u64);
    bytes.extend(
        [
            b"PK\x06\x06",
            &[0; 36][..],
            &size.to_le_bytes(),
            &offset.to_le_bytes(),
        ]
        .concat(),
    );
    bytes.extend([b"PK\x06\x07", &[0; 4][..], &at.to_le_bytes(), &[0; 4]].concat());
    bytes.extend([&end[..12], &[0xff; 8], &end[20..]].concat());
    bytes
}

#[test]
fn an_archive_announced_as_large_ones_are_is_read() {
    let bytes = wide(&small());
    assert_eq!(read("am_small.pth", &bytes).unwrap()["w"].dims(), [4]);
    for position in bytes.len() - 98..bytes.len() {
        for value in [0, 0x7f, 0xff] {
            let mut damaged = bytes.clone();
            damaged[position] = value;
            let _ = read("am_small.pth", &damaged);
        }
        assert!(read("am_small.pth", &bytes[..position]).is_err());
    }
}

#[test]
fn compressed_duplicated_and_overlapping_entries_are_refused() {
    let mut compressed = small();
    compressed[1].method = 8;
    refused(&compressed, "compressed");

    let mut twice = small();
    twice.push(twice[1].clone());
    refused(&twice, "two entries");

    // Both storages begin at the same place: a bomb of this kind unpacks to a thousand times its size.
    let mut overlapping = small();
    let mut other = overlapping[1].clone();
    other.name = "a/data/1".to_owned();
    other.offset = Some(0);
    overlapping.push(other);
    refused(&overlapping, "overlap");
}

#[test]
fn absurd_sizes_and_places_are_refused() {
    for size in [17, 1 << 20, u32::MAX - 1, u32::MAX] {
        let mut claims = small();
        claims[1].size = size;
        refused(&claims, "");
    }
    for offset in [1, 60, 1 << 20, u32::MAX] {
        let mut claims = small();
        claims[1].offset = Some(offset);
        refused(&claims, "");
    }
    let mut without = small();
    without.remove(1);
    refused(&without, "storage 0 is missing");
    without.clear();
    assert!(read("am_evil.pth", &claimed(&without)).is_err());
}

#[test]
fn an_archive_of_entries_alone_is_refused() {
    let claim = Claim {
        name: String::new(),
        content: Vec::new(),
        method: 0,
        size: 0,
        offset: None,
    };
    let many = (0..30_000).map(|index| Claim {
        name: format!("{index}"),
        ..claim.clone()
    });
    refused(&many.collect::<Vec<_>>(), "damaged archive");
}

#[test]
fn every_field_of_the_list_may_be_wrong() {
    let bytes = variant("am_zip.pth");
    let list = bytes
        .windows(4)
        .position(|window| window == b"PK\x01\x02")
        .unwrap();
    for position in list..bytes.len() {
        for value in [0, 0x7f, 0xff] {
            let mut damaged = bytes.clone();
            damaged[position] = value;
            let _ = read("am_zip.pth", &damaged);
        }
    }
    // And several at once.
    let mut places = positions(3, bytes.len() - list);
    for _ in 0..2000 {
        let mut damaged = bytes.clone();
        for _ in 0..4 {
            damaged[list + places.next().unwrap()] = places.next().unwrap() as u8;
        }
        let _ = read("am_zip.pth", &damaged);
    }
}
