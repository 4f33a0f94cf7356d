//! AES-128-CTR copy from source rows to destination rows under one keystream.
