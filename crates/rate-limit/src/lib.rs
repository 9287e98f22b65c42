//! Rate limits by GCRA, in memory and in Redis, and the layer that enforces them.
