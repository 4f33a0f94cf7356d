//! The version of the header a program was compiled with, and that of the library it runs with.

/// Major version of this header.
pub const SOFTCP_VERSION_MAJOR: u32 = 0;
/// Minor version of this header.
pub const SOFTCP_VERSION_MINOR: u32 = 1;
/// Patch version of this header.
pub const SOFTCP_VERSION_PATCH: u32 = 0;
/// The version of this header as one number, which grows from version to version. Compare it with the result of
/// `softcp_version_number`, the version of the library that is loaded.
pub const SOFTCP_VERSION_NUMBER: u32 = SOFTCP_VERSION_MAJOR << 24 | SOFTCP_VERSION_MINOR << 12 | SOFTCP_VERSION_PATCH;

/// The library's version as one number: major << 24 | minor << 12 | patch, as SOFTCP_VERSION_NUMBER has it for the header.
/// A program may run with a library whose number is greater than its header's, within one major version, and below 1.0.0
/// within one minor version (docs/abi.md).
#[unsafe(no_mangle)]
pub extern "C" fn softcp_version_number() -> u32 {
    SOFTCP_VERSION_NUMBER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_are_the_version_of_the_package() {
        let version = format!("{SOFTCP_VERSION_MAJOR}.{SOFTCP_VERSION_MINOR}.{SOFTCP_VERSION_PATCH}");
        assert_eq!(version, env!("CARGO_PKG_VERSION"));
        assert_eq!(softcp_version_number(), 0x1000);
    }
}
