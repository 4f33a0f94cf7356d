//! A minimal Direct3D runtime: loads a driver and calls its content-protection DDI table safely.
