//! Common Encryption (ISO/IEC 23001-7) MP4 files: where the samples are and how each is encrypted.
