//! What a tensor's values are.

use std::fmt;

use candle_core::DType;

/// The type of a tensor's values. Weights are floats; the others are known so that they can be skipped and named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Element {
    /// Floats of this type.
    Float(DType),
    /// Values that are no weights.
    Other {
        /// The type's name.
        name: &'static str,
        /// Bytes of one value.
        width: usize,
    },
}

impl Element {
    /// Reads the name of a storage class of PyTorch.
    pub(crate) fn of_class(class: &str) -> Option<Self> {
        let other = |name, width| Some(Self::Other { name, width });
        match class {
            "BFloat16Storage" => Some(Self::Float(DType::BF16)),
            "DoubleStorage" => Some(Self::Float(DType::F64)),
            "FloatStorage" => Some(Self::Float(DType::F32)),
            "HalfStorage" => Some(Self::Float(DType::F16)),
            "BoolStorage" => other("bool", 1),
            "ByteStorage" => other("uint8", 1),
            "CharStorage" => other("int8", 1),
            "ComplexDoubleStorage" => other("complex128", 16),
            "ComplexFloatStorage" => other("complex64", 8),
            "IntStorage" => other("int32", 4),
            "LongStorage" => other("int64", 8),
            "QInt32Storage" => other("qint32", 4),
            "QInt8Storage" => other("qint8", 1),
            "QUInt8Storage" => other("quint8", 1),
            "ShortStorage" => other("int16", 2),
            _ => None,
        }
    }

    /// Reads the name of a type in safetensors.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let other = |name, width| Some(Self::Other { name, width });
        match name {
            "BF16" => Some(Self::Float(DType::BF16)),
            "F16" => Some(Self::Float(DType::F16)),
            "F32" => Some(Self::Float(DType::F32)),
            "F64" => Some(Self::Float(DType::F64)),
            "BOOL" => other("bool", 1),
            "C64" => other("complex64", 8),
            "F8_E4M3" => other("float8", 1),
            "F8_E5M2" => other("float8", 1),
            "I16" => other("int16", 2),
            "I32" => other("int32", 4),
            "I64" => other("int64", 8),
            "I8" => other("int8", 1),
            "U16" => other("uint16", 2),
            "U32" => other("uint32", 4),
            "U64" => other("uint64", 8),
            "U8" => other("uint8", 1),
            _ => None,
        }
    }

    /// Returns the bytes of one value.
    pub(crate) fn width(self) -> usize {
        match self {
            Self::Float(kind) => kind.size_in_bytes(),
            Self::Other { width, .. } => width,
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Float(kind) => f.write_str(kind.as_str()),
            Self::Other { name, .. } => f.write_str(name),
        }
    }
}
