//! What holds for every pickle and every view.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    archives::{claimed, small},
    read,
    views::viewed,
};

/// Instructions that do something, with what some of them need behind them.
const INSTRUCTIONS: [&[u8]; 32] = [
    b"(",
    b")",
    b"}",
    b"]",
    b"N",
    b"0",
    b"\x85",
    b"\x86",
    b"\x87",
    b"t",
    b"a",
    b"e",
    b"s",
    b"u",
    b"b",
    b"R",
    b"Q",
    b"\x81",
    b"\x93",
    b"\x94",
    b"q\x00",
    b"q\x01",
    b"h\x00",
    b"h\x01",
    b"K\x03",
    b"J\xff\xff\xff\xff",
    b"\x8a\x02ab",
    b"X\x01\x00\x00\x00m",
    b"U\x01m",
    b"ctorch\nFloatStorage\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ccollections\nOrderedDict\n",
];

/// Writes numbers as a tuple.
fn tuple(numbers: &[i32]) -> Vec<u8> {
    let written = numbers
        .iter()
        .flat_map(|number| [b"J".to_vec(), number.to_le_bytes().to_vec()].concat());
    [b"(".to_vec(), written.collect(), b"t".to_vec()].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_instructions_are_read_or_refused(instructions in vec(select(&INSTRUCTIONS[..]), 0..60)) {
        let pickle = [b"\x80\x02((]}NNN)", instructions.concat().as_slice(), b"."].concat();
        let _ = read("am_any.pth", &pickle);
        let _ = read("voc_any.pth", &pickle.repeat(5));
    }

    #[test]
    fn a_view_is_what_its_strides_say_or_refused(
        offset in -1..20i32,
        dimensions in vec((0..6i32, 0..9i32), 0..4),
    ) {
        let (shape, strides): (Vec<_>, Vec<_>) = dimensions.into_iter().unzip();
        let place = [b"J".to_vec(), offset.to_le_bytes().to_vec(), tuple(&shape), tuple(&strides)].concat();
        let mut claims = viewed(b"K\x00K\x04\x85K\x01\x85", &place);
        let values: Vec<f32> = (0..30u8).map(f32::from).collect();
        claims[1].content = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        claims[1].size = claims[1].content.len() as u32;
        let mut expected = vec![offset];
        for (size, stride) in shape.iter().zip(&strides) {
            let steps = |start: i32| (0..*size).map(move |step| start + step * stride);
            expected = expected.into_iter().flat_map(steps).collect();
        }
        let inside = expected.iter().all(|index| (0..30).contains(index));
        match read("am_any.pth", &claimed(&claims)) {
            Ok(tensors) => {
                let found: Vec<f32> = tensors["w"].flatten_all().unwrap().to_vec1().unwrap();
                prop_assert!(inside);
                prop_assert_eq!(found, expected.iter().map(|index| *index as f32).collect::<Vec<_>>());
            }
            // Refused is what lies outside, and what would repeat values.
            Err(_) => {
                expected.sort_unstable();
                let repeats = expected.windows(2).any(|pair| pair[0] == pair[1]);
                prop_assert!(!inside || repeats || offset < 0, "{shape:?} {strides:?} {offset}");
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..300), archive in any::<bool>()) {
        let start: &[u8] = if archive { b"PK\x03\x04" } else { b"\x93NUMPY\x01\x00" };
        let _ = read("am_any.pth", &[start, &bytes].concat());
        let _ = checkpoint::read_npy(&[start, &bytes].concat());
        let mut claims = small();
        claims[0].content = bytes;
        claims[0].size = claims[0].content.len() as u32;
        let _ = read("am_any.pth", &claimed(&claims));
    }
}
