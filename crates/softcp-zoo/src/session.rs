//! What the wrapper knows of a session.

use std::collections::HashMap;

use crate::keys::{Block, xor};
use crate::surface::Row;

/// A session's keys, the same unless a driver breaks a rule about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    /// What the reference driver has.
    pub(crate) real: Block,
    /// What this driver uses. Blits and read-back keys are translated to the other.
    pub(crate) own: Block,
}

/// A session of a driver.
#[derive(Debug)]
pub(crate) struct Session {
    /// Address in the handle of the device that it was created on.
    pub(crate) device: usize,
    /// It carries commands to a secure environment, and has no key.
    pub(crate) carries_commands: bool,
    pub(crate) keys: Option<Keys>,
    /// The read-back key.
    pub(crate) read_back: Option<Block>,
    /// The saved number of the reference driver, and the one that this driver gave.
    pub(crate) number: Option<(Block, Block)>,
    /// For a fault's own use: something it keeps, something it counts, and what sources held.
    pub(crate) kept: Option<Block>,
    pub(crate) count: u64,
    pub(crate) sources: HashMap<usize, Vec<Row>>,
}

impl Session {
    pub(crate) fn new(device: usize) -> Self {
        Self {
            device,
            carries_commands: false,
            keys: None,
            read_back: None,
            number: None,
            kept: None,
            count: 0,
            sources: HashMap::new(),
        }
    }

    /// A key exchange succeeded.
    pub(crate) fn negotiated(&mut self, key: Option<Block>) {
        self.keys = key.map(|key| Keys { real: key, own: key });
        (self.number, self.read_back, self.kept) = (None, None, None);
    }

    /// Start succeeded.
    pub(crate) fn started(&mut self, number: Option<Block>) {
        self.number = number.map(|number| (number, number));
    }

    /// The number that this driver has given in place of the reference driver's.
    pub(crate) fn set_number(&mut self, own: Block) {
        if let Some((_, number)) = &mut self.number {
            *number = own;
        }
    }

    /// Finish succeeded.
    pub(crate) fn finished(&mut self) {
        if let (Some(keys), Some((real, own))) = (&mut self.keys, self.number.take()) {
            *keys = Keys { real: xor(&keys.real, &real), own: xor(&keys.own, &own) };
        }
    }

    pub(crate) fn set_key(&mut self, key: Block) {
        if let Some(keys) = &mut self.keys {
            keys.own = key;
        }
    }
}
