//! The state machine of an authenticated channel.
//!
//! ```text
//!            negotiate            INITIALIZE
//!  Created ────────────▶ Keyed ──────────────▶ Initialized ─┐ commands and queries:
//!                         │  ▲                   │  ▲  ▲    │ a number used up
//!              negotiate: └──┘        negotiate: └──┘  └────┘
//!              another key            another key, the same sequences
//! ```
//!
//! A message that fails its checks leaves the state as it was, but for a sequence number that was right.

use super::sequence::Sequence;
use super::verify::Checked;
use crate::provider::Mac;

/// Where a channel is.
pub(super) enum State {
    /// No key exchange yet: nothing can be signed.
    Created,
    /// A key is in force; INITIALIZE is the only message that gets through.
    Keyed(Keyed),
    /// Both sequences run.
    Initialized(Initialized),
}

/// A channel key, expanded.
pub(super) struct Keyed {
    mac: Box<dyn Mac>,
}

/// A channel key and the two sequences.
pub(super) struct Initialized {
    mac: Box<dyn Mac>,
    sequences: Sequences,
}

/// The two sequences, which have nothing to do with one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sequences {
    pub(super) queries: Sequence,
    pub(super) commands: Sequence,
}

impl State {
    /// The CMAC under the key in force; none before the key exchange.
    pub(super) fn mac(&self) -> Option<&dyn Mac> {
        match self {
            Self::Created => None,
            Self::Keyed(Keyed { mac }) | Self::Initialized(Initialized { mac, .. }) => Some(&**mac),
        }
    }

    /// The sequences; none before INITIALIZE.
    pub(super) fn sequences_mut(&mut self) -> Option<&mut Sequences> {
        match self {
            Self::Created | Self::Keyed(_) => None,
            Self::Initialized(initialized) => Some(&mut initialized.sequences),
        }
    }

    /// A key exchange succeeded. The sequences go on: their numbers never go back (D16, D18).
    pub(super) fn negotiated(&mut self, mac: Box<dyn Mac>) {
        *self = match self {
            Self::Created | Self::Keyed(_) => Self::Keyed(Keyed { mac }),
            Self::Initialized(Initialized { sequences, .. }) => {
                Self::Initialized(Initialized { mac, sequences: *sequences })
            }
        };
    }

    /// INITIALIZE: `Keyed` becomes `Initialized`; the checks let it through in no other state, and any other stays.
    pub(super) fn initialize(&mut self, sequences: &Checked<Sequences>) {
        *self = match std::mem::replace(self, Self::Created) {
            Self::Keyed(Keyed { mac }) => Self::Initialized(Initialized { mac, sequences: *sequences.get() }),
            other => other,
        };
    }

    /// The state's name, for logs.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Keyed(_) => "Keyed",
            Self::Initialized(_) => "Initialized",
        }
    }
}
