//! The part that is Windows: exports, the real library, hooks, COM objects.
//!
//! `exports` and `real` are the library's outside; `device` is what is kept for a device, and hangs on it; `query`,
//! `creation`, `context` and `teardown` are the hooks; `video_device` and `video_context` the tables of the interfaces,
//! whose methods are in files named after what they are about.

mod blit;
mod call;
mod certificate;
mod channel;
mod child;
mod com;
mod context;
mod creation;
mod decoder;
mod decoding;
mod device;
mod dialogue;
mod encryption;
mod exports;
mod forward;
mod hardware;
mod hooks;
mod key_exchange;
mod lend;
mod loss;
mod module;
mod query;
mod reading;
mod real;
mod refresh;
mod report;
mod resource;
mod session;
mod settings;
mod shared;
mod staging;
mod teardown;
mod video_context;
mod video_device;
