//! What each layer costs, beside what users would pick instead.
