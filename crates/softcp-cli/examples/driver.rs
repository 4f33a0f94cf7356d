//! The reference driver as a library of its own, to be loaded with `--driver` by the second name of an entry (D40).

pub use softcp_ddi::softcp_open_reference_driver;
