//! The part that is Windows: exports, the real library, hooks, COM objects.

mod exports;
mod real;
mod settings;
