//! Content-protection engine of a Direct3D 11.1 driver: crypto sessions, key refresh, blits, certificates, capabilities.
