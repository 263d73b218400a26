//! Makes a change among the named queries a reason to build anew; the macro that embeds them does not.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../../queries");
}
