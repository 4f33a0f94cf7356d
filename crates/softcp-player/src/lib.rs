//! A protected player without a screen: Common Encryption through a driver's protected path.
