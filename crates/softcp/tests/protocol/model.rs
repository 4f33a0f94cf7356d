//! What the DDI pages and the decisions say about a crypto session, in the plainest words and without any cryptography
//! but XOR.

use std::collections::BTreeMap;

use proptest::prelude::*;
use softcp::{Error, SessionStatus};

use crate::common::{Block, xor};

/// A call, with what the application can choose about it.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    Create,
    Destroy,
    Negotiate(Block),
    /// A good message with one byte changed.
    NegotiateDamaged {
        key: Block,
        at: usize,
        flip: u8,
    },
    NegotiateOfSize(usize),
    /// The last message that was accepted here, once more, be it by a session since destroyed.
    NegotiateReplay,
    Start,
    StartOfSize(usize),
    StartWithoutRandom,
    Finish,
    ReadBackKey,
    ReadBackKeyOfSize(usize),
    ReadBackKeyWithoutRandom,
    Decrypt {
        content_key: Option<Block>,
        iv: Block,
        data: Vec<u8>,
    },
    DecryptWithIvOfSize(usize),
    DecryptIntoOtherSize,
    Encrypt(Vec<u8>),
    EncryptWithIvOfSize(usize),
    EncryptWithoutRandom,
    Invalidate {
        content: bool,
    },
}

/// Why a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Handle,
    NotOffered,
    NoKey,
    KeyLost,
    NoRefresh,
    NoReadBackKey,
    Size,
    KeyExchange,
    Random,
}

pub(crate) fn refusal(error: &Error) -> Refusal {
    match error {
        Error::BadHandle { .. } => Refusal::Handle,
        Error::NotOffered(_) => Refusal::NotOffered,
        Error::NoSessionKey => Refusal::NoKey,
        Error::KeyLost => Refusal::KeyLost,
        Error::NoRefreshPending => Refusal::NoRefresh,
        Error::NoReadBackKey => Refusal::NoReadBackKey,
        Error::WrongSize { .. } | Error::SizeMismatch => Refusal::Size,
        Error::KeyExchangeFailed => Refusal::KeyExchange,
        Error::RandomFailed => Refusal::Random,
        other => panic!("no call of the model can fail by {other:?}"),
    }
}

/// What the pages and decisions say about a session, in the plainest words.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) exists: bool,
    pub(crate) key: Option<Block>,
    /// Lost by a teardown; whether the content went too.
    pub(crate) lost: Option<bool>,
    pub(crate) number: Option<Block>,
    pub(crate) read_back_key: Option<Block>,
    /// The IV of the next read-back, once the first has been drawn.
    pub(crate) next_iv: Option<u64>,
    /// The next IVs of session keys of exchanges, where those are the keys of read-backs (D33).
    pub(crate) left_ivs: BTreeMap<Block, u64>,
    /// Whether an exchange has made the session key in force: it may come back.
    pub(crate) is_chosen: bool,
    pub(crate) generation: u64,
    pub(crate) last_message: Option<Vec<u8>>,
}

impl Model {
    /// Every reason there is to refuse `call` now. It must succeed exactly when there is none.
    pub(crate) fn refusals(&self, call: &Call, has_read_back_keys: bool) -> Vec<Refusal> {
        let is_created = matches!(call, Call::Create);
        if !self.exists && !is_created {
            return vec![Refusal::Handle];
        }
        let mut refusals = Vec::new();
        let mut refuse = |is_refused: bool, reason| {
            if is_refused {
                refusals.push(reason);
            }
        };
        let needs_key = !matches!(
            call,
            Call::Create
                | Call::Destroy
                | Call::Negotiate(_)
                | Call::NegotiateDamaged { .. }
                | Call::NegotiateOfSize(_)
                | Call::NegotiateReplay
                | Call::Invalidate { .. }
        );
        refuse(needs_key && self.lost.is_some(), Refusal::KeyLost); // D23
        refuse(needs_key && self.lost.is_none() && self.key.is_none(), Refusal::NoKey); // D3
        let is_about_read_back_keys =
            matches!(call, Call::ReadBackKey | Call::ReadBackKeyOfSize(_) | Call::ReadBackKeyWithoutRandom);
        refuse(is_about_read_back_keys && !has_read_back_keys, Refusal::NotOffered);
        match call {
            Call::NegotiateDamaged { .. } => refuse(true, Refusal::KeyExchange), // D22
            Call::NegotiateReplay => refuse(self.last_message.is_none(), Refusal::Size),
            Call::NegotiateOfSize(size) => refuse(*size != 256, Refusal::Size),
            // D1, and the IV of a blit.
            Call::StartOfSize(size) | Call::ReadBackKeyOfSize(size) | Call::DecryptWithIvOfSize(size) => {
                refuse(*size != 16, Refusal::Size);
            }
            Call::DecryptIntoOtherSize => refuse(true, Refusal::Size),
            Call::StartWithoutRandom | Call::ReadBackKeyWithoutRandom => refuse(true, Refusal::Random),
            Call::Finish => refuse(self.key.is_some() && self.number.is_none(), Refusal::NoRefresh), // D3, D4
            Call::Encrypt(_) | Call::EncryptWithIvOfSize(_) | Call::EncryptWithoutRandom => {
                let lacks_key = has_read_back_keys && self.read_back_key.is_none();
                refuse(self.key.is_some() && lacks_key, Refusal::NoReadBackKey); // D12
                if let Call::EncryptWithIvOfSize(size) = call {
                    refuse(*size != 16, Refusal::Size);
                }
                // Only the first IV of a key is random (D11).
                let draws = matches!(call, Call::EncryptWithoutRandom) && self.next_iv.is_none();
                refuse(draws && self.key.is_some() && !lacks_key, Refusal::Random);
            }
            _ => {}
        }
        refusals
    }

    /// Whatever takes the session key away leaves the IVs of a chosen one behind (D33); those of a key that a refresh has
    /// made are kept only for an exchange of that very key.
    fn leave_key(&mut self) {
        if let (true, Some(key), Some(iv)) = (self.is_chosen, self.key, self.next_iv) {
            self.left_ivs.insert(key, iv);
        }
    }

    /// A key exchange was accepted: whatever was before is gone, a saved number (D4) and a read-back key too. Where there
    /// is none, a key that comes back goes on with its IVs (D33).
    pub(crate) fn negotiated(&mut self, key: Block, message: Vec<u8>, has_read_back_keys: bool) {
        let own = self.next_iv.filter(|_| self.key == Some(key));
        if !has_read_back_keys {
            self.leave_key();
        }
        let left_ivs = std::mem::take(&mut self.left_ivs);
        let next_iv = if has_read_back_keys { None } else { own.or_else(|| left_ivs.get(&key).copied()) };
        *self = Self {
            exists: true,
            key: Some(key),
            next_iv,
            left_ivs,
            is_chosen: true,
            generation: self.generation + 1,
            last_message: Some(message),
            ..Self::default()
        };
    }

    /// `FinishSessionKeyRefresh`: key XOR number. The read-back key and its IVs are their own (D12); where there is
    /// none, a new session key begins IVs of its own (D11).
    pub(crate) fn finished(&mut self, has_read_back_keys: bool) {
        if !has_read_back_keys {
            self.leave_key();
            self.next_iv = None;
        }
        self.key = self.key.zip(self.number.take()).map(|(key, number)| xor(key, number));
        self.is_chosen = false;
        self.generation += 1;
    }

    /// A teardown: what has no key has none to lose, and content once lost stays lost (D23). IVs are remembered (D33).
    pub(crate) fn invalidated(&mut self, content: bool, has_read_back_keys: bool) {
        if self.key.is_some() {
            if !has_read_back_keys {
                self.leave_key();
            }
            *self = Self {
                exists: true,
                lost: Some(content),
                left_ivs: std::mem::take(&mut self.left_ivs),
                generation: self.generation,
                last_message: self.last_message.take(),
                ..Self::default()
            };
        } else if let Some(lost) = &mut self.lost {
            *lost |= content;
        }
    }

    /// `DestroyCryptoSession`. An eavesdropper still knows the last message.
    pub(crate) fn destroyed(&mut self) {
        *self = Self { last_message: self.last_message.take(), ..Self::default() };
    }

    pub(crate) fn status(&self) -> SessionStatus {
        match self.lost {
            None => SessionStatus::Ok,
            Some(false) => SessionStatus::KeyLost,
            Some(true) => SessionStatus::KeyAndContentLost,
        }
    }
}

/// Calls in the mixture of a session's life: mostly right ones, each wrong one now and then.
pub(crate) fn any_call() -> impl Strategy<Value = Call> {
    let data = || prop::collection::vec(any::<u8>(), 0..70);
    let wrong_size = || prop_oneof![Just(0_usize), Just(15), Just(17), Just(32)];
    prop_oneof![
        1 => Just(Call::Create),
        1 => Just(Call::Destroy),
        4 => any::<Block>().prop_map(Call::Negotiate),
        1 => (any::<Block>(), 0..256_usize, 1..=255_u8)
            .prop_map(|(key, at, flip)| Call::NegotiateDamaged { key, at, flip }),
        1 => prop_oneof![Just(0_usize), Just(16), Just(255), Just(257), Just(512)].prop_map(Call::NegotiateOfSize),
        1 => Just(Call::NegotiateReplay),
        8 => Just(Call::Start),
        1 => wrong_size().prop_map(Call::StartOfSize),
        1 => Just(Call::StartWithoutRandom),
        8 => Just(Call::Finish),
        3 => Just(Call::ReadBackKey),
        1 => wrong_size().prop_map(Call::ReadBackKeyOfSize),
        1 => Just(Call::ReadBackKeyWithoutRandom),
        4 => (prop::option::of(any::<Block>()), any::<Block>(), data())
            .prop_map(|(content_key, iv, data)| Call::Decrypt { content_key, iv, data }),
        1 => wrong_size().prop_map(Call::DecryptWithIvOfSize),
        1 => Just(Call::DecryptIntoOtherSize),
        4 => data().prop_map(Call::Encrypt),
        1 => wrong_size().prop_map(Call::EncryptWithIvOfSize),
        1 => Just(Call::EncryptWithoutRandom),
        1 => any::<bool>().prop_map(|content| Call::Invalidate { content }),
    ]
}
