//! The part that is Windows: exports, the real library, hooks, COM objects.

mod device;
mod exports;
mod module;
mod real;
mod settings;
