//! The tree against the definition of the RFC, and against vectors of others.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use serde::Deserialize;

use super::*;

/// The root by the recursive definition (RFC 9162, 2.1.1).
fn naive(leaves: &[TreeHash]) -> TreeHash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&naive(left), &naive(right))
        }
    }
}

/// The path by the recursive definition (RFC 9162, 2.1.3.1).
fn naive_path(index: usize, leaves: &[TreeHash]) -> Vec<TreeHash> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let middle = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(middle);
    let (mut path, other) = match index < middle {
        true => (naive_path(index, left), naive(right)),
        false => (naive_path(index - middle, right), naive(left)),
    };
    path.push(other);
    path
}

/// SUBPROOF by the recursive definition (RFC 9162, 2.1.4.1).
fn naive_consistency(first: usize, leaves: &[TreeHash], whole: bool) -> Vec<TreeHash> {
    if first == leaves.len() {
        return match whole {
            true => Vec::new(),
            false => vec![naive(leaves)],
        };
    }
    let middle = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(middle);
    let (mut path, other) = match first <= middle {
        true => (naive_consistency(first, left, whole), naive(right)),
        false => (naive_consistency(first - middle, right, false), naive(left)),
    };
    path.push(other);
    path
}

fn leaves(count: usize) -> Vec<TreeHash> {
    (0..count).map(|it| leaf_hash(&it.to_be_bytes())).collect()
}

/// Grows a tree from leaf `from` on, with a mark at one size, and collects ranges.
fn grown(leaves: &[TreeHash], mark: usize, ranges: Vec<std::ops::Range<u64>>) -> (Tree, Collector) {
    let (mut tree, mut collector) = (Tree::new(), Collector::new(ranges));
    for (place, leaf) in leaves.iter().enumerate() {
        if place == mark {
            tree.mark(|_| false);
        }
        tree.push(*leaf, |node, hash| collector.take(node, hash));
    }
    if mark == leaves.len() {
        tree.mark(|_| false);
    }
    (tree, collector)
}

proptest! {
    #[test]
    fn a_growing_tree_has_the_root_of_the_definition(count in 0_usize..300) {
        let leaves = leaves(count);
        let (tree, _) = grown(&leaves, 0, Vec::new());
        prop_assert_eq!(tree.root(), naive(&leaves));
        prop_assert_eq!(tree.nodes().count(), count.count_ones() as usize);
    }

    #[test]
    fn a_proof_of_inclusion_is_that_of_the_definition((size, index) in (1_usize..200).prop_flat_map(|size| (Just(size), 0..size)), flip in any::<proptest::sample::Index>()) {
        let leaves = leaves(size);
        let (wide, at) = (size as u64, index as u64);
        let (tree, collector) = grown(&leaves, 0, inclusion_ranges(at, wide));
        let mut path = collector.proof().unwrap();
        prop_assert_eq!(&path, &naive_path(index, &leaves));
        prop_assert_eq!(root_of_inclusion(leaves[index], at, wide, &path), Some(tree.root()));
        let longer = [path.clone(), vec![leaves[0]]].concat();
        prop_assert_eq!(root_of_inclusion(leaves[index], at, wide, &longer), None);
        if !path.is_empty() {
            let changed = flip.index(path.len());
            path[changed][0] ^= 1;
            prop_assert_ne!(root_of_inclusion(leaves[index], at, wide, &path), Some(tree.root()));
            path.pop();
            prop_assert_eq!(root_of_inclusion(leaves[index], at, wide, &path), None);
        }
    }

    #[test]
    fn a_proof_of_consistency_is_that_of_the_definition((second, first) in (1_usize..200).prop_flat_map(|size| (Just(size), 1..=size))) {
        let leaves = leaves(second);
        let (one, two) = (first as u64, second as u64);
        let (tree, collector) = grown(&leaves, first, consistency_ranges(one, two));
        let path = naive_consistency(first, &leaves, true);
        prop_assert_eq!(&collector.proof().unwrap(), &path);
        let remembered = (first < second).then(|| (one, path.clone()));
        prop_assert_eq!(tree.growth(one), remembered, "with the memory of the writer");
        let (earlier, later) = (naive(&leaves[..first]), tree.root());
        prop_assert!(is_consistent((one, &earlier), (two, &later), &path));
        if first < second {
            prop_assert!(!is_consistent((one, &later), (two, &earlier), &path));
            prop_assert!(!is_consistent((one, &leaf_hash(b"fork")), (two, &later), &path));
        }
    }

    #[test]
    fn a_tree_goes_on_from_the_text_of_its_peaks(size in 1_usize..200, more in 0_usize..100, index in any::<proptest::sample::Index>()) {
        let leaves = leaves(size + more);
        let (before, _) = grown(&leaves[..size], 0, Vec::new());
        let mut tree = Tree::from_peaks_text(size as u64, &before.peaks_text()).unwrap();
        // A record after the restart can be proven, though the leaves before it are not there.
        let index = size.saturating_sub(1) + index.index(more + 1);
        let wide = leaves.len() as u64;
        let mut collector = Collector::new(inclusion_ranges(index as u64, wide));
        collector.take_tree(&tree);
        for leaf in &leaves[size..] {
            tree.push(*leaf, |node, hash| collector.take(node, hash));
        }
        prop_assert_eq!(tree.root(), naive(&leaves));
        if index >= size {
            prop_assert_eq!(collector.proof().unwrap(), naive_path(index, &leaves));
        }
    }
}

#[test]
fn growth_is_proven_from_every_mark_that_is_kept() {
    let leaves = leaves(40);
    let mut tree = Tree::new();
    let mut roots = vec![tree.root()];
    for (size, leaf) in leaves.iter().enumerate() {
        match size {
            5 | 7 | 10 => tree.mark(|size| size == 5),
            20 => tree.mark(|size| size == 5 || size == 10),
            30 => tree.mark(|_| false),
            _ => {}
        }
        tree.push(*leaf, |_, _| {});
        roots.push(tree.root());
        let kept: &[u64] = match size {
            5..7 => &[5],
            7..10 => &[5, 7],
            10..20 => &[5, 10],
            20..30 => &[5, 10, 20],
            30.. => &[30],
            _ => &[],
        };
        for since in 0..=tree.size() {
            let growth = tree.growth(since);
            assert_eq!(growth.is_some(), kept.contains(&since), "{since} at {size}");
            let Some((_, proof)) = growth else { continue };
            let (first, second) = (roots[since as usize], tree.root());
            assert!(is_consistent(
                (since, &first),
                (tree.size(), &second),
                &proof
            ));
        }
    }
}

#[test]
fn peaks_of_another_number_or_form_are_refused() {
    let peak = "0a".repeat(32);
    assert!(Tree::from_peaks_text(4, &peak).is_some());
    for (size, text) in [(5, peak.as_str()), (4, ""), (4, &peak[1..]), (0, &peak)] {
        assert!(Tree::from_peaks_text(size, text).is_none(), "{size}");
    }
}

#[test]
fn the_empty_tree_has_the_hash_of_nothing_and_begins_every_tree() {
    let (empty, one) = (Tree::new().root(), leaf_hash(b""));
    assert_eq!(
        palisade_internal::hex::encode(&empty),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert!(is_consistent((0, &empty), (7, &one), &[]));
    assert!(!is_consistent((0, &one), (7, &one), &[]));
    assert!(!is_consistent((0, &empty), (7, &one), &[one]));
}

/// The leaves and roots that certificate transparency logs test with.
#[test]
fn the_roots_of_known_trees_are_right() {
    let leaves = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut tree = Tree::new();
    for (leaf, root) in leaves.into_iter().zip(roots) {
        let digits = leaf.as_bytes().chunks(2);
        let data: Vec<u8> = digits
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        tree.push(leaf_hash(&data), |_, _| {});
        assert_eq!(palisade_internal::hex::encode(&tree.root()), root);
    }
}

/// Vectors of `transparency-dev/merkle` (Apache-2.0). They are not part of the project.
#[derive(Deserialize)]
struct Vectors {
    inclusion: Vec<Inclusion>,
    consistency: Vec<Consistency>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inclusion {
    file: String,
    leaf_idx: u64,
    tree_size: u64,
    root: String,
    leaf_hash: String,
    proof: Option<Vec<String>>,
    want_err: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Consistency {
    file: String,
    size1: u64,
    size2: u64,
    root1: String,
    root2: String,
    proof: Option<Vec<String>>,
    want_err: bool,
}

/// Decodes a hash. One of another length is none.
fn hash(text: &str) -> Option<TreeHash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

fn hashes(proof: Option<Vec<String>>) -> Option<Vec<TreeHash>> {
    proof
        .unwrap_or_default()
        .iter()
        .map(|it| hash(it))
        .collect()
}

#[test]
#[allow(clippy::print_stderr)] // says that it is skipped
fn vectors_of_another_implementation_are_decided_alike() {
    let path = "../../../shared/vectors/fetched/merkle-proofs.json";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let Ok(text) = fs::read_to_string(path) else {
        eprintln!("SKIPPED: ../shared/vectors/fetched/merkle-proofs.json is not here");
        return;
    };
    let vectors: Vectors = serde_json::from_str(&text).unwrap();
    assert!(vectors.inclusion.len() >= 40 && vectors.consistency.len() >= 40);
    for it in vectors.inclusion {
        let accepted = hashes(it.proof).is_some_and(|path| {
            let root = hash(&it.leaf_hash)
                .and_then(|leaf| root_of_inclusion(leaf, it.leaf_idx, it.tree_size, &path));
            root.is_some() && root == hash(&it.root)
        });
        assert_eq!(accepted, !it.want_err, "{}", it.file);
    }
    for it in vectors.consistency {
        let accepted = hashes(it.proof).is_some_and(|path| {
            let roots = hash(&it.root1).zip(hash(&it.root2));
            roots.is_some_and(|(one, two)| is_consistent((it.size1, &one), (it.size2, &two), &path))
        });
        assert_eq!(accepted, !it.want_err, "{}", it.file);
    }
}
