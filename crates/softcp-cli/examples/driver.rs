//! The reference driver as a library of its own, to be loaded with `--driver`.

pub use softcp_ddi::softcp_open_reference_driver;
