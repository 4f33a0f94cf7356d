//! The SoftCP driver: C functions and DDI entries over the engine, and the reference driver.
