//! Empty on purpose: `links` needs a build script, and lets cargo refuse two versions of core.
fn main() {}
