//! Hostile pickles. Each is the whole of a file in the format before PyTorch 1.6, or the list of an archive.

use super::{archives::archive, read};

/// Instructions, for reading the tests below.
const PROTOCOL: &[u8] = b"\x80\x02";
const EMPTY_DICT: &[u8] = b"}";
const EMPTY_LIST: &[u8] = b"]";
const EMPTY_TUPLE: &[u8] = b")";
const MARK: &[u8] = b"(";
const STOP: &[u8] = b".";

fn refused(pickle: &[u8]) -> String {
    let error = read("am_evil.pth", pickle).expect_err("hostile");
    // The same in an archive says the same, or complains of what only a file of the older format has.
    assert!(read("am_evil.pth", &archive(&[("a/data.pkl", pickle)])).is_err());
    error.to_string()
}

/// A pickle of one instruction repeated, with something before and behind.
fn repeated(before: &[u8], instruction: &[u8], count: usize, behind: &[u8]) -> Vec<u8> {
    [PROTOCOL, before, &instruction.repeat(count), behind].concat()
}

#[test]
fn a_pickle_that_wants_to_run_something_is_read_as_data() {
    // os.system("true"), as an attacker would write it, by either instruction that names a function.
    refused(b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.");
    refused(b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.");
    // And by instructions no checkpoint has: find it by number, make an instance, set its state.
    for code in [
        b"\x82\x01".as_slice(),
        b"i",
        b"o",
        b"d",
        b"I1\n",
        b"P1\n",
        b"\x97",
        b"\x92",
    ] {
        refused(&[PROTOCOL, MARK, code, STOP].concat());
    }
}

#[test]
fn absurd_lengths_are_refused_before_anything_is_allocated() {
    for code in [
        b"X\xff\xff\xff\xff".as_slice(),
        b"T\xff\xff\xff\x7f",
        b"B\x00\x00\x00\x40",
        b"\x8c\xff",
        b"U\xff",
    ] {
        refused(&[PROTOCOL, code].concat());
    }
}

#[test]
fn deep_nesting_is_no_recursion() {
    // A tuple in a tuple in a tuple: dropping it must not need as many frames.
    for instruction in [b"\x85".as_slice(), b"\x85q\x00h\x00\x86"] {
        refused(&repeated(EMPTY_TUPLE, instruction, 100_000, STOP));
    }
    // A list that holds a list: `(` `]` ... `e`.
    let lists = [EMPTY_LIST.repeat(50_000), b"a".repeat(49_999)].concat();
    refused(&[PROTOCOL, &lists, STOP].concat());
    // A dictionary that holds itself a thousand times is not followed forever.
    let itself = b"}q\x00".to_vec();
    let cycle = [
        itself,
        b"(".to_vec(),
        b"X\x01\x00\x00\x00ah\x00".repeat(1000),
        b"u".to_vec(),
    ]
    .concat();
    refused(&[PROTOCOL, &cycle, STOP].concat());
}

#[test]
fn a_small_pickle_cannot_fill_the_memory() {
    let many = 6 << 20;
    for instruction in [MARK, EMPTY_DICT, EMPTY_LIST, EMPTY_TUPLE, b"N"] {
        // A file of one instruction over and over asks for fifty times its size.
        let error = refused(&repeated(b"", instruction, many, STOP));
        assert!(error.contains("more memory"), "{error}");
    }
    // Doubling: a tuple of twice the tuple before, recalled from memory.
    refused(&repeated(b")q\x00", b"h\x00h\x00\x86q\x00", 100_000, STOP));
    // A memory of four billion places.
    assert!(refused(b"\x80\x02Nr\xff\xff\xff\xff.").contains("out of order"));
}

#[test]
fn nonsense_of_every_kind_is_an_error() {
    for pickle in [
        b".".as_slice(),
        b"a.",
        b"]a.",
        b"}s.",
        b"(u.",
        b"Ne.",
        b"h\x07.",
        b"q\x00.",
        b"N\x93.",
        b"NN\x93.",
        b"NQ.",
        b")Q.",
        b"NR.",
        b"cx\n\xff\n.",
        b"c",
    ] {
        refused(&[PROTOCOL, pickle].concat());
    }
    let name = [b"c".to_vec(), b"a".repeat(1000), b"\n\n.".to_vec()].concat();
    assert!(refused(&[PROTOCOL, &name].concat()).contains("long"));
}
