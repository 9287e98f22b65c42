//! Empty on purpose: `links` needs a build script, and lets cargo refuse two versions of core.
fn main() {
    // Otherwise every change of a file, such as a test, would compile all crates above again.
    println!("cargo::rerun-if-changed=build.rs");
}
