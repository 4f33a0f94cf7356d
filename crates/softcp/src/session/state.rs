//! The state machine of a crypto session.
//!
//! ```text
//!              negotiate                     start_key_refresh
//!  Created ──────────────▶ Keyed ───────────────────────────────▶ RefreshPending ─┐ start_key_refresh:
//!                          ▲ ▲ │ ◀───────────────────────────────    │  ▲         │ newer number (D2)
//!               negotiate: │ │ │   finish_key_refresh: key ⊕ number, │  └─────────┘
//!               new key ───┘ │ │   generation + 1                    │
//!                            │ │   negotiate: number discarded (D4)  │
//!                  negotiate │ │ invalidate                          │ invalidate
//!                            │ ▼                                     ▼
//!                           Lost { content } ◀────────────────────────
//! ```
//!
//! A session whose keys come from the secure environment begins in `Hardware` in place of `Created`:
//!
//! ```text
//!             invalidate
//!  Hardware ─────────────▶ Lost { content }       provisioning, or a new hardware key, leads back;
//!           ◀─────────────                        a media session can negotiate in both and is Keyed then
//! ```
//!
//! Each state owns the keys that exist in it, so a key cannot be used in a state that does not have it. A method that
//! fails leaves the state as it was.

use softcp_aes::{DecryptionKey, Key};

use crate::error::{Error, Result};
use crate::iv::DriverIvs;
use crate::key::{ContentKey, KEY_SIZE, KeyRefresh, ReadBackKey, SessionKey};
use crate::provider::Provider;
use crate::scheme::{BufferKey, BufferKeyRef, CipherMode};
use crate::session::DataKey;
use crate::session::content_keys::ContentKeys;
use crate::session::iv_history::ReadBackIvs;

/// Where a session is.
pub(super) enum State {
    /// No key exchange yet.
    Created,
    /// A session key is in force.
    Keyed(Box<Keyed>),
    /// A session key is in force and a refresh has been started.
    RefreshPending(RefreshPending),
    /// No session key: keys come from the secure environment.
    Hardware(Hardware),
    /// A teardown took the key.
    Lost(Lost),
}

/// Without a session key of its own.
pub(super) struct Hardware {
    /// A command session, which takes no keys at all; otherwise a media session, which takes opened sealed keys.
    commands_only: bool,
    generation: u64,
}

/// A session key and what depends on it. Boxed, so that a refresh moves no keys about.
pub(super) struct Keyed {
    key: SessionKey,
    /// Whether a refresh has made `key`: then it does not come back.
    is_refreshed: bool,
    /// Enciphers blits under `key`.
    pub(super) schedule: Key,
    /// Counts the keys of the session: 1 after the first key exchange, one more after each exchange or refresh.
    pub(super) generation: u64,
    /// The IVs of read-backs under `key`.
    pub(super) ivs: DriverIvs,
    /// The read-back key, once made. It is a key of its own and survives a refresh (D12).
    pub(super) read_back: Option<ReadBack>,
    /// Content keys opened under `key`, expanded.
    content_keys: ContentKeys<Key>,
    /// What decoders of AES-CBC need; none before the first of their frames.
    cbc: Option<Box<CbcKeys>>,
}

/// The keys of decoders of AES-CBC, expanded to decrypt, so that neither a frame nor a buffer expands one again.
#[derive(Default)]
struct CbcKeys {
    /// Decrypts buffers under the session key; none before the first such buffer under it.
    schedule: Option<DecryptionKey>,
    /// Content keys opened under the session key.
    content_keys: ContentKeys<DecryptionKey>,
}

/// A read-back key and its IVs.
pub(super) struct ReadBack {
    pub(super) schedule: Key,
    pub(super) ivs: DriverIvs,
}

/// Between Start and Finish: the old key stays in force.
pub(super) struct RefreshPending {
    keyed: Box<Keyed>,
    number: KeyRefresh,
}

/// After a teardown.
pub(super) struct Lost {
    /// Whether the protected content went too.
    pub(super) content: bool,
    generation: u64,
}

impl Keyed {
    /// A key that was exchanged.
    fn new(key: SessionKey, schedule: Key, generation: u64, ivs: DriverIvs) -> Self {
        let content_keys = ContentKeys::default();
        Self { key, is_refreshed: false, schedule, generation, ivs, read_back: None, content_keys, cbc: None }
    }

    /// The key ends. One that was exchanged may come back, and its IVs must not (D11).
    fn end(&self, ended: &mut ReadBackIvs) {
        if !self.is_refreshed {
            ended.ended(&self.schedule, &self.ivs);
        }
    }

    /// Finish: `key` XOR `number` takes the place of `key`. What depends on it goes, the read-back key stays (D12).
    fn refresh(&mut self, number: &KeyRefresh, ended: &mut ReadBackIvs) {
        self.end(ended);
        let Self { key, is_refreshed, schedule, generation, ivs, read_back: _, content_keys, cbc } = self;
        key.refresh(number);
        *is_refreshed = true;
        *schedule = key.schedule();
        *generation += 1;
        *ivs = DriverIvs::default();
        content_keys.clear();
        if let Some(cbc) = cbc {
            cbc.schedule = None;
            cbc.content_keys.clear();
        }
    }

    /// A wrapped content key, opened and expanded.
    pub(super) fn content_key(&mut self, wrapped: &[u8; KEY_SIZE], provider: &Provider) -> &Key {
        let Self { key, content_keys, .. } = self;
        content_keys.get_or_open(wrapped, || ContentKey::unwrap(wrapped, key, provider).schedule())
    }

    /// As [`Self::content_key`], for the buffers of a frame: a copy, since the frame keeps the key through a refresh.
    pub(super) fn frame_key(&mut self, wrapped: &[u8; KEY_SIZE], mode: CipherMode, provider: &Provider) -> BufferKey {
        match mode {
            CipherMode::Ctr => BufferKey::Ctr(self.content_key(wrapped, provider).clone()),
            CipherMode::Cbc => {
                let Self { key, cbc, .. } = self;
                let open = || ContentKey::unwrap(wrapped, key, provider).cbc_schedule();
                BufferKey::Cbc(cbc.get_or_insert_default().content_keys.get_or_open(wrapped, open).clone())
            }
        }
    }

    /// The session key, expanded for a decoder's buffers.
    pub(super) fn buffer_key(&mut self, mode: CipherMode) -> BufferKeyRef<'_> {
        match mode {
            CipherMode::Ctr => BufferKeyRef::Ctr(&self.schedule),
            CipherMode::Cbc => {
                let Self { key, cbc, .. } = self;
                let schedule = &mut cbc.get_or_insert_default().schedule;
                BufferKeyRef::Cbc(schedule.get_or_insert_with(|| key.cbc_schedule()))
            }
        }
    }

    /// A read-back key takes the place of the one before; returns it wrapped.
    pub(super) fn set_read_back(&mut self, key: &ReadBackKey, provider: &Provider) -> [u8; KEY_SIZE] {
        self.read_back = Some(ReadBack::new(key));
        key.wrap(&self.key, provider)
    }
}

impl ReadBack {
    fn new(key: &ReadBackKey) -> Self {
        Self { schedule: key.schedule(), ivs: DriverIvs::default() }
    }
}

impl State {
    /// The first state of a session whose keys come from the secure environment.
    pub(super) fn hardware(commands_only: bool) -> Self {
        Self::Hardware(Hardware { commands_only, generation: 0 })
    }

    /// Whether the session can decrypt with `data_key`. An opened sealed key needs no session key where keys come from
    /// the secure environment; everything else needs one, as [`Self::keyed`].
    pub(super) fn allows(&self, data_key: &DataKey<'_>) -> Result<()> {
        match data_key {
            DataKey::Unwrapped(_) => self.allows_unwrapped(),
            DataKey::Session | DataKey::Wrapped(_) => self.keyed().map(|_| ()),
        }
    }

    /// As [`Self::allows`], for an opened sealed key.
    pub(super) fn allows_unwrapped(&self) -> Result<()> {
        match self {
            Self::Hardware(hardware) if !hardware.commands_only => Ok(()),
            _ => self.keyed().map(|_| ()),
        }
    }

    /// The key in force: D3 and D23 when there is none.
    pub(super) fn keyed(&self) -> Result<&Keyed> {
        match self {
            Self::Hardware(hardware) if hardware.commands_only => Err(Error::CommandSession),
            Self::Created | Self::Hardware(_) => Err(Error::NoSessionKey),
            Self::Keyed(keyed) | Self::RefreshPending(RefreshPending { keyed, .. }) => Ok(keyed),
            Self::Lost(_) => Err(Error::KeyLost),
        }
    }

    /// As [`Self::keyed`], to change what depends on the key.
    pub(super) fn keyed_mut(&mut self) -> Result<&mut Keyed> {
        match self {
            Self::Hardware(hardware) if hardware.commands_only => Err(Error::CommandSession),
            Self::Created | Self::Hardware(_) => Err(Error::NoSessionKey),
            Self::Keyed(keyed) | Self::RefreshPending(RefreshPending { keyed, .. }) => Ok(keyed),
            Self::Lost(_) => Err(Error::KeyLost),
        }
    }

    /// Whether there is a key, of its own or of the secure environment, that a teardown would take from blits.
    pub(super) fn has_key(&self) -> bool {
        self.allows_unwrapped().is_ok()
    }

    /// A key exchange succeeded: any state becomes `Keyed`; a saved refresh number is discarded (D4), and so is the
    /// read-back key, which the peer of the new key need not know (D44). The IVs go on if the session has had the key before:
    /// no IV is used again with one key (D11, D33).
    pub(super) fn negotiated(&mut self, key: SessionKey, ended: &mut ReadBackIvs) -> &Keyed {
        let schedule = key.schedule();
        let ivs = match self.keyed_mut() {
            Ok(old) if old.key.is(&key) => std::mem::take(&mut old.ivs),
            Ok(old) => {
                old.end(ended);
                ended.of(&schedule)
            }
            Err(_) => ended.of(&schedule),
        };
        let generation = self.generation() + 1;
        *self = Self::Keyed(Box::new(Keyed::new(key, schedule, generation, ivs)));
        self.keyed().expect("it has just become keyed")
    }

    /// Start: a keyed state becomes `RefreshPending` with this number, which replaces an older one (D2).
    pub(super) fn start_refresh(&mut self, number: KeyRefresh) -> Result<()> {
        self.keyed()?;
        *self = match std::mem::replace(self, Self::Created) {
            Self::Keyed(keyed) | Self::RefreshPending(RefreshPending { keyed, .. }) => {
                Self::RefreshPending(RefreshPending { keyed, number })
            }
            unkeyed => unkeyed,
        };
        Ok(())
    }

    /// Finish: `RefreshPending` becomes `Keyed` under key ⊕ number; D3 in every other state.
    pub(super) fn finish_refresh(&mut self, ended: &mut ReadBackIvs) -> Result<&Keyed> {
        self.keyed()?;
        match std::mem::replace(self, Self::Created) {
            Self::RefreshPending(RefreshPending { mut keyed, number }) => {
                keyed.refresh(&number, ended);
                *self = Self::Keyed(keyed);
                self.keyed()
            }
            other => {
                *self = other;
                Err(Error::NoRefreshPending)
            }
        }
    }

    /// A teardown: the keys are dropped. A session that had none has nothing to lose (D47); content once lost stays lost. Says
    /// whether anything was lost now.
    pub(super) fn lose(&mut self, content: bool, ended: &mut ReadBackIvs) -> bool {
        if let Ok(keyed) = self.keyed() {
            keyed.end(ended);
        }
        match self {
            Self::Created => false,
            Self::Hardware(_) | Self::Keyed(_) | Self::RefreshPending(_) => {
                *self = Self::Lost(Lost { content, generation: self.generation() });
                true
            }
            Self::Lost(lost) => content && !std::mem::replace(&mut lost.content, true),
        }
    }

    /// The secure environment has what the session needs: `Lost` becomes `Hardware`, every other state stays.
    pub(super) fn restore_hardware(&mut self, commands_only: bool) {
        if let Self::Lost(lost) = self {
            *self = Self::Hardware(Hardware { commands_only, generation: lost.generation });
        }
    }

    /// How many keys the session has had.
    pub(super) fn generation(&self) -> u64 {
        match self {
            Self::Created => 0,
            Self::Keyed(keyed) | Self::RefreshPending(RefreshPending { keyed, .. }) => keyed.generation,
            Self::Hardware(hardware) => hardware.generation,
            Self::Lost(lost) => lost.generation,
        }
    }

    /// The state's name, for logs.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Keyed(_) => "Keyed",
            Self::RefreshPending(_) => "RefreshPending",
            Self::Hardware(_) => "Hardware",
            Self::Lost(_) => "Lost",
        }
    }
}
