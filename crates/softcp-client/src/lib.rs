//! The application's half of Direct3D 11.1 content protection.
