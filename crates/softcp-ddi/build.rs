//! Link arguments of the shared library.

#![allow(clippy::print_stdout, reason = "this is how a build script talks to Cargo")]

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // The crypto library keeps some memory for each thread that calls it and frees it when the thread ends, through a
    // function of its own. After dlclose that function would be gone and the end of the thread a crash: the library
    // stays mapped.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
