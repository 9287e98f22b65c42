//! Reads checkpoints of PyTorch, safetensors and small NumPy arrays, from files that no one has checked.
//!
//! Opening a checkpoint reads only what describes its tensors; each tensor is read when it is asked for. So a
//! model needs no more memory while it is loaded than it has weights, whatever else a file holds: a checkpoint
//! of a training run is mostly the optimizer's state.
//!
//! Nothing here trusts a file. A pickle is read as data: nothing in it is called. Sizes are checked before memory is used for
//! them, all tensors together are never larger than their file, and a checksum is compared before values are used.
//!
//! | file | what is read |
//! | --- | --- |
//! | `.pth` since PyTorch 1.6 | a zip archive without compression; one pickle and a file for each storage |
//! | `.pth` before | five pickles, then every storage |
//! | `.safetensors` | a list in JSON, then the values |
//! | `.npy` | a row or a column of floats |
//!
//! # Examples
//!
//! ```
//! use checkpoint::{Source, open};
//!
//! let missing = Source::open(std::path::Path::new("missing.pth"));
//! assert!(missing.is_err());
//! let damaged = open(b"PK\x03\x04".to_vec(), &[&[]]);
//! assert!(damaged.is_err());
//! ```
//!
//! A file of another layout, whose tensors have other names today:
//!
//! ```
//! # let header = br#"{"module.w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
//! # let file = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 4]].concat();
//! let tensors = checkpoint::open(file, &[&[]])?;
//! let tensors = tensors.rename(|name| name.strip_prefix("module.").map(str::to_owned));
//! assert_eq!(tensors.names().collect::<Vec<_>>(), ["w"]);
//! # Ok::<(), checkpoint::CheckpointError>(())
//! ```

// From what a user touches down to what everything rests on: a module imports only from those below it.
mod open;
mod archive;
mod legacy;
mod flat;
mod state;
mod tensors;
mod stored;
mod element;
mod source;
mod pickle;
mod npy;
mod error;

pub use self::{
    element::Element,
    error::CheckpointError,
    flat::{Flat, open_safetensors},
    npy::read_npy,
    open::open,
    source::Source,
    tensors::Tensors,
};
