//! Why a channel cannot be used.

use softcp_abi::E_NOTIMPL;
use softcp_client::{
    Answer, AnswerError, CertificateError, ChainError, ChannelError, ChannelType, KeyExchangeError, RandomError,
};
use softcp_runtime::{DriverError, Error, HResult};

/// Why a channel could not be opened, or did not do what was asked of it.
///
/// The text says what is wrong, [`advice`](Self::advice) what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelFailure {
    // Before there is a channel.
    /// The driver lacks an entry that channels need, or answers it with `E_NOTIMPL`.
    #[error("the driver offers no authenticated channels: {0}")]
    NotOffered(#[source] Error),
    /// The driver lacks an entry that makes decoders, or answers it with `E_NOTIMPL`: there is nothing to bind a session
    /// to.
    #[error("the driver makes no decoder to which a session could be bound: {0}")]
    NoDecoder(#[source] Error),
    /// A call to the driver failed that is not part of the conversation over the channel.
    #[error(transparent)]
    Call(#[from] Error),
    /// The driver made a channel and wrote no handle to `hChannel` (D25), without which there are no messages.
    #[error("the driver created an authenticated channel and gave no handle for it")]
    NoHandle,
    /// The driver's certificate for channels cannot be read.
    #[error("the driver's certificate for channels cannot be read: {0}")]
    Certificate(#[from] CertificateError),
    /// The driver's certificate for channels is not believed.
    #[error("the driver's certificate for channels is not trusted: {0}")]
    Untrusted(#[from] ChainError),
    /// No key could be made for the channel.
    #[error("no channel key could be made: {0}")]
    KeyExchange(#[from] KeyExchangeError),
    /// No start numbers could be drawn.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// No message can be made.
    #[error(transparent)]
    Message(#[from] ChannelError),

    // Nobody knows whether the driver said it.
    /// The call failed, and the answer beside it is not signed by the driver: it never saw the message whole, could not
    /// sign, or somebody between cut it off.
    #[error("{returned}; {name} got no signed answer, so this refusal is not known to be the driver's")]
    UnsignedFailure {
        /// The command or query.
        name: &'static str,
        /// What the call returned.
        returned: DriverError,
    },
    /// The call succeeded, and the answer is not the driver's answer to this message: changed, replayed or made up.
    #[error("the answer to {name} is forged or damaged although the call succeeded: {source}")]
    NotAuthentic {
        /// The command or query.
        name: &'static str,
        /// What is wrong with the answer.
        source: AnswerError,
    },

    // Signed by the driver.
    /// The driver refuses, under its signature.
    #[error("the driver refuses {name} with {hresult}, under its signature")]
    Refused {
        /// The command or query.
        name: &'static str,
        /// The signed return code.
        hresult: HResult,
    },
    /// The driver's signed answer is incomplete, about something else, or holds an undefined value.
    #[error("the driver's signed answer to {name} makes no sense: {source}")]
    Malformed {
        /// The command or query.
        name: &'static str,
        /// What is wrong with the answer.
        source: AnswerError,
    },
    /// The driver's signed answer is a success, and the call failed. What was asked for has been done.
    #[error("the driver's signed answer to {name} is a success, but the call failed: {returned}")]
    Contradiction {
        /// The command or query.
        name: &'static str,
        /// What the call returned.
        returned: DriverError,
    },
    /// The channel is of another type than asked for.
    #[error("a channel of type '{asked}' was asked for, and the driver's signed answer is {answered:?}")]
    WrongChannelType {
        /// The type asked for.
        asked: ChannelType,
        /// What the driver answered.
        answered: Answer,
    },
    /// The driver accepted PROTECTION and protection is not as commanded, by its own signed answer.
    #[error(
        "the driver accepted to switch protection {}, and says under its signature that it is {}",
        on_or_off(*wanted),
        on_or_off(!*wanted)
    )]
    NotSwitched {
        /// Whether protection was to be on.
        wanted: bool,
    },
    /// The driver accepted to bind a session to a decoder, and another is bound, by its own signed answer.
    #[error(
        "the driver accepted to bind session {session:#x} to the decoder, and says under its signature that session \
         {bound_session:#x} of device {bound_device:#x} is bound"
    )]
    NotBound {
        /// The session that was to be bound.
        session: usize,
        /// The session that is.
        bound_session: usize,
        /// Its device.
        bound_device: usize,
    },
}

impl ChannelFailure {
    /// Whether the driver's own signature stands behind what went wrong.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        match self {
            Self::Refused { .. }
            | Self::Malformed { .. }
            | Self::Contradiction { .. }
            | Self::WrongChannelType { .. }
            | Self::NotSwitched { .. }
            | Self::NotBound { .. } => true,
            Self::NotOffered(_)
            | Self::NoDecoder(_)
            | Self::Call(_)
            | Self::NoHandle
            | Self::Certificate(_)
            | Self::Untrusted(_)
            | Self::KeyExchange(_)
            | Self::Random(_)
            | Self::Message(_)
            | Self::UnsignedFailure { .. }
            | Self::NotAuthentic { .. } => false,
        }
    }

    /// Whether the driver lacks what a channel or a binding needs, so that only doing without one helps.
    #[must_use]
    pub fn is_not_offered(&self) -> bool {
        matches!(self, Self::NotOffered(_) | Self::NoDecoder(_))
    }

    /// Whether a new device and channel may fare better: a call failed, or somebody was not believed.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Call(error) => matches!(error, Error::Driver(_)),
            Self::Certificate(_)
            | Self::Untrusted(_)
            | Self::KeyExchange(_)
            | Self::UnsignedFailure { .. }
            | Self::NotAuthentic { .. }
            | Self::Refused { .. } => true,
            Self::NotOffered(_)
            | Self::NoDecoder(_)
            | Self::NoHandle
            | Self::Random(_)
            | Self::Message(_)
            | Self::Malformed { .. }
            | Self::Contradiction { .. }
            | Self::WrongChannelType { .. }
            | Self::NotSwitched { .. }
            | Self::NotBound { .. } => false,
        }
    }

    /// What to do about it, in one line.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::NotOffered(_) | Self::NoDecoder(_) => "use another driver, or do without a channel",
            Self::Call(_) | Self::Certificate(_) | Self::KeyExchange(_) => {
                "run again with -v, or with SOFTCP_LOG=debug, to see what the driver did"
            }
            Self::Untrusted(_) => "name the root that the driver's maker gives out, or use a driver that you trust",
            Self::Random(_) => "the system gives no random numbers: see to that first",
            Self::Message(_) => "open a new channel",
            Self::UnsignedFailure { .. } => {
                "try again on a new channel; if it stays, something between application and driver changes messages, \
                 or the driver does not sign its refusals"
            }
            Self::NotAuthentic { .. } => {
                "do not trust the way to this driver: something changes or replays its answers, or the driver signs \
                 wrongly"
            }
            Self::Refused { .. } => "the driver does not allow or not know this: use another driver or profile",
            Self::NoHandle
            | Self::Malformed { .. }
            | Self::Contradiction { .. }
            | Self::WrongChannelType { .. }
            | Self::NotSwitched { .. }
            | Self::NotBound { .. } => "this is a defect of the driver: report it to the driver's maker",
        }
    }

    /// A failed `create_channel`.
    pub(super) fn of_creation(error: Error) -> Self {
        if is_unimplemented(&error) { Self::NotOffered(error) } else { Self::Call(error) }
    }

    /// A decoder that could not be made or has no handle.
    pub(crate) fn of_decoder(error: Error) -> Self {
        if is_unimplemented(&error) { Self::NoDecoder(error) } else { Self::Call(error) }
    }

    /// A failed call on a channel that exists.
    pub(super) fn of_call(error: Error) -> Self {
        match error {
            Error::MissingEntry { .. } => Self::NotOffered(error),
            error => Self::Call(error),
        }
    }
}

/// Whether the driver has no such entry, or one that says so.
fn is_unimplemented(error: &Error) -> bool {
    match error {
        Error::MissingEntry { .. } => true,
        Error::Driver(error) => error.hresult == HResult(E_NOTIMPL),
        _ => false,
    }
}

fn on_or_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
