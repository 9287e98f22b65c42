//! The vocabulary and the one machine of Palisade: guards around HTTP services.
