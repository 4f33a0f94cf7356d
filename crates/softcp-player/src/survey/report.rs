//! What a survey found, for programs (serde) and for people (`Display`).

use std::fmt;

use serde::{Serialize, Serializer};
use softcp_abi::{D3D11_CRYPTO_TYPE_AES128_CTR, GUID, GUID_NULL};
use softcp_client::{Answer, Command, Process, Query};
use softcp_runtime::HResult;

use crate::channel::MessageCounts;

/// What a driver answered over one authenticated channel. Serialised, it is the report that `--json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChannelSurvey {
    /// The type of the channel: "driver software" or "driver hardware".
    pub channel_type: String,
    /// The channel's own handle, which its messages carry.
    pub channel: HandleValue,
    /// The driver's certificate for such channels.
    pub certificate: ChannelCertificate,
    /// The commands in the order in which they were sent.
    pub commands: Vec<Message>,
    /// The queries in the order of the reference, each kind at least once.
    pub queries: Vec<Message>,
    /// Messages exchanged, those of the start-up included.
    pub messages: MessageCounts,
}

impl ChannelSurvey {
    /// Whether nothing is wrong with the driver's side of the channel: every command was carried out, and every query
    /// was answered, or refused, under a valid signature.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        self.commands.iter().all(|command| matches!(command.outcome, Outcome::Accepted))
            && self.queries.iter().all(|query| query.outcome.is_proper())
    }
}

/// The certificate of a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChannelCertificate {
    /// Whom it is about (RFC 4514).
    pub subject: String,
    /// Whether it leads to a trusted root; `false` when any was accepted.
    pub is_verified: bool,
}

/// A command or query, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Its name in the reference, without `D3D11_AUTHENTICATED_CONFIGURE_` or `D3D11_AUTHENTICATED_QUERY_`.
    pub name: &'static str,
    /// What it asks for or about, in the order of its members.
    pub parameters: Vec<Parameter>,
    /// Whether the OMAC of the answer is right; none where there was no answer.
    pub signature_valid: Option<bool>,
    /// What came of it.
    #[serde(rename = "result")]
    pub outcome: Outcome,
}

/// What came of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The driver did what the command says, and signed that.
    Accepted,
    /// The driver answered the query, and signed the answer.
    Answered {
        /// What it said.
        answer: AnswerValue,
    },
    /// The driver signed an answer that contradicts a command that it had accepted.
    Contradicted {
        /// What it said.
        answer: AnswerValue,
        /// What it should have said.
        expected: AnswerValue,
    },
    /// The driver refused, and signed that.
    Refused {
        /// The code by name and number, as `E_INVALIDARG (0x80070057)`.
        return_code: String,
    },
    /// The signature is wrong: the answer may be anybody's.
    NotAuthentic {
        /// What is wrong.
        error: String,
    },
    /// The signature is right, and the answer is none that a correct driver gives to this message.
    Malformed {
        /// What is wrong.
        error: String,
    },
    /// The call, or what had to be there before it, could not be made.
    Failed {
        /// Why.
        error: String,
    },
    /// It was not sent, because there is nothing to ask for.
    NotSent {
        /// Why.
        reason: String,
    },
}

impl Outcome {
    /// Whether a correct driver gives cause for it when it is queried.
    fn is_proper(&self) -> bool {
        matches!(self, Self::Accepted | Self::Answered { .. } | Self::Refused { .. } | Self::NotSent { .. })
    }

    pub(super) fn refused(return_code: HResult) -> Self {
        Self::Refused { return_code: return_code.to_string() }
    }
}

/// A parameter of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// As "decoder".
    pub name: &'static str,
    /// What was sent.
    pub value: ParameterValue,
}

/// The value of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ParameterValue {
    /// A device, session or decoder.
    Handle(HandleValue),
    /// An index, which begins at 0.
    Index(u32),
    /// Whether something is to be so.
    Flag(bool),
    /// A process.
    Process(#[serde(serialize_with = "as_text")] Process),
    /// An encryption.
    Encryption(#[serde(serialize_with = "as_text")] GUID),
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name;
        match self.value {
            ParameterValue::Handle(handle) => write!(f, "{name} {handle}"),
            ParameterValue::Index(index) => write!(f, "{name} {index}"),
            ParameterValue::Flag(flag) => write!(f, "{}: {}", name.replace('_', " "), yes_no(flag)),
            ParameterValue::Process(process) => process.fmt(f),
            ParameterValue::Encryption(guid) => f.write_str(encryption_name(guid).unwrap_or(&guid.to_string())),
        }
    }
}

impl Parameter {
    fn handle(name: &'static str, handle: usize) -> Self {
        Self { name, value: ParameterValue::Handle(HandleValue(handle)) }
    }

    fn index(index: u32) -> Self {
        Self { name: "index", value: ParameterValue::Index(index) }
    }

    fn flag(name: &'static str, flag: bool) -> Self {
        Self { name, value: ParameterValue::Flag(flag) }
    }

    /// The parameters of a command.
    pub(super) fn of_command(command: Command) -> Vec<Self> {
        match command {
            Command::Initialize => Vec::new(),
            Command::Protection(flags) => vec![
                Self::flag("enabled", flags.enabled),
                Self::flag("overlay_or_fullscreen", flags.overlay_or_fullscreen),
            ],
            Command::CryptoSession { decoder, session, device } => {
                vec![Self::handle("decoder", decoder), Self::handle("session", session), Self::handle("device", device)]
            }
            Command::SharedResource { process, allow } => {
                vec![Self { name: "process", value: ParameterValue::Process(process) }, Self::flag("allowed", allow)]
            }
            Command::EncryptionWhenAccessible(guid) => {
                vec![Self { name: "encryption", value: ParameterValue::Encryption(guid) }]
            }
        }
    }

    /// The parameters of a query.
    pub(super) fn of_query(query: Query) -> Vec<Self> {
        match query {
            Query::CryptoSession { decoder } => vec![Self::handle("decoder", decoder)],
            Query::RestrictedSharedResourceProcess { index } | Query::EncryptionWhenAccessibleGuid { index } => {
                vec![Self::index(index)]
            }
            Query::OutputIdCount { device, session } => {
                vec![Self::handle("device", device), Self::handle("session", session)]
            }
            Query::OutputId { device, session, index } => {
                vec![Self::handle("device", device), Self::handle("session", session), Self::index(index)]
            }
            Query::Protection
            | Query::ChannelType
            | Query::DeviceHandle
            | Query::RestrictedSharedResourceProcessCount
            | Query::UnrestrictedProtectedSharedResourceCount
            | Query::AccessibilityAttributes
            | Query::EncryptionWhenAccessibleGuidCount
            | Query::CurrentEncryptionWhenAccessible => Vec::new(),
        }
    }
}

/// A `HANDLE`: in text and JSON all of its hexadecimal digits after "0x", since it may not fit the numbers of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandleValue(pub usize);

impl fmt::Display for HandleValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WIDTH: usize = 2 + 2 * size_of::<usize>();
        write!(f, "{:#0WIDTH$x}", self.0)
    }
}

impl Serialize for HandleValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The answer to a query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AnswerValue {
    /// The protection in force.
    Protection {
        /// Protection is enforced.
        enabled: bool,
        /// Content is shown in an overlay or full screen only.
        overlay_or_fullscreen: bool,
    },
    /// Which part of the driver answers.
    ChannelType {
        /// "driver software" or "driver hardware".
        channel_type: String,
    },
    /// A device.
    Device {
        /// Its handle.
        device: HandleValue,
    },
    /// What a decoder uses.
    CryptoSession {
        /// The session; none when no session is bound to it.
        session: Option<HandleValue>,
        /// The device.
        device: HandleValue,
    },
    /// How many there are.
    Count {
        /// The number.
        count: u32,
    },
    /// A process that may open restricted shared resources.
    Process {
        /// Who it is: "unknown process", "desktop window manager" or "process handle 0x1f4".
        process: String,
    },
    /// An output.
    Output {
        /// Its identifier.
        identifier: u64,
    },
    /// How video memory can be reached.
    Accessibility {
        /// `D3D11_BUS_TYPE`.
        bus_type: u32,
        /// The same in words.
        bus: String,
        /// Contiguous blocks can be reached.
        in_contiguous_blocks: bool,
        /// Scattered blocks can be reached.
        in_non_contiguous_blocks: bool,
    },
    /// How content is enciphered before it becomes accessible.
    Encryption {
        /// The name of the encryption, if it has one here; "none" for none.
        name: Option<&'static str>,
        /// Its GUID; all zero for none.
        guid: String,
    },
}

impl From<Answer> for AnswerValue {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Protection(flags) => {
                Self::Protection { enabled: flags.enabled, overlay_or_fullscreen: flags.overlay_or_fullscreen }
            }
            Answer::ChannelType(channel_type) => Self::ChannelType { channel_type: channel_type.to_string() },
            Answer::DeviceHandle(device) => Self::Device { device: HandleValue(device) },
            Answer::CryptoSession { session, device } => Self::CryptoSession {
                session: (session != 0).then_some(HandleValue(session)),
                device: HandleValue(device),
            },
            Answer::RestrictedSharedResourceProcessCount(count)
            | Answer::UnrestrictedProtectedSharedResourceCount(count)
            | Answer::OutputIdCount(count)
            | Answer::EncryptionWhenAccessibleGuidCount(count) => Self::Count { count },
            Answer::RestrictedSharedResourceProcess(process) => Self::Process { process: process.to_string() },
            Answer::OutputId(identifier) => Self::Output { identifier },
            Answer::AccessibilityAttributes(accessibility) => Self::Accessibility {
                bus_type: accessibility.bus_type.0,
                bus: accessibility.bus_type.to_string(),
                in_contiguous_blocks: accessibility.in_contiguous_blocks,
                in_non_contiguous_blocks: accessibility.in_non_contiguous_blocks,
            },
            Answer::EncryptionWhenAccessibleGuid(guid) | Answer::CurrentEncryptionWhenAccessible(guid) => {
                Self::Encryption { name: encryption_name(guid), guid: guid.to_string() }
            }
        }
    }
}

impl fmt::Display for AnswerValue {
    /// One line for each member.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protection { enabled, overlay_or_fullscreen } => {
                let (enabled, overlay) = (yes_no(*enabled), yes_no(*overlay_or_fullscreen));
                write!(f, "enabled: {enabled}\noverlay or fullscreen: {overlay}")
            }
            Self::ChannelType { channel_type } => f.write_str(channel_type),
            Self::Device { device } => device.fmt(f),
            Self::CryptoSession { session: Some(session), device } => write!(f, "session {session}\ndevice {device}"),
            Self::CryptoSession { session: None, device } => write!(f, "no session\ndevice {device}"),
            Self::Count { count } => count.fmt(f),
            Self::Process { process } => f.write_str(process),
            Self::Output { identifier } => identifier.fmt(f),
            Self::Accessibility { bus, in_contiguous_blocks, in_non_contiguous_blocks, .. } => {
                let (contiguous, scattered) = (yes_no(*in_contiguous_blocks), yes_no(*in_non_contiguous_blocks));
                write!(f, "{bus}\ncontiguous blocks: {contiguous}\nnon-contiguous blocks: {scattered}")
            }
            Self::Encryption { name, guid } => f.write_str(name.unwrap_or(guid)),
        }
    }
}

fn yes_no(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}

fn encryption_name(guid: GUID) -> Option<&'static str> {
    match guid {
        D3D11_CRYPTO_TYPE_AES128_CTR => Some("AES128_CTR"),
        GUID_NULL => Some("none"),
        _ => None,
    }
}

fn as_text<T: fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey(command: Outcome, query: Outcome) -> ChannelSurvey {
        let message =
            |outcome| Message { name: "PROTECTION", parameters: Vec::new(), signature_valid: Some(true), outcome };
        ChannelSurvey {
            channel_type: String::new(),
            channel: HandleValue(1),
            certificate: ChannelCertificate { subject: String::new(), is_verified: true },
            commands: vec![message(command)],
            queries: vec![message(query)],
            messages: MessageCounts::default(),
        }
    }

    #[test]
    fn handle_has_all_of_its_digits() {
        let text = HandleValue(0x1f4).to_string();
        assert!(text.starts_with("0x0") && text.ends_with("1f4"), "{text}");
        assert_eq!(text.len(), 2 + 2 * size_of::<usize>());
        assert_eq!(HandleValue(usize::MAX).to_string().len(), text.len());
    }

    #[test]
    fn encryption_without_a_name_is_its_guid() {
        let other = GUID::from_u128(7);
        assert_eq!(AnswerValue::from(Answer::CurrentEncryptionWhenAccessible(other)).to_string(), other.to_string());
        assert_eq!(AnswerValue::from(Answer::CurrentEncryptionWhenAccessible(GUID_NULL)).to_string(), "none");
        let aes = Answer::EncryptionWhenAccessibleGuid(D3D11_CRYPTO_TYPE_AES128_CTR);
        assert_eq!(AnswerValue::from(aes).to_string(), "AES128_CTR");
    }

    #[test]
    fn decoder_without_session_says_so() {
        let answer = AnswerValue::from(Answer::CryptoSession { session: 0, device: 5 });
        assert!(answer.to_string().starts_with("no session\n"), "{answer}");
    }

    #[test]
    fn refused_query_is_as_expected_and_refused_command_is_not() {
        let refused = || Outcome::refused(HResult(-1));
        assert!(survey(Outcome::Accepted, refused()).is_as_expected());
        assert!(!survey(refused(), refused()).is_as_expected());
    }

    #[test]
    fn answer_that_cannot_be_believed_is_not_as_expected() {
        let error = || "why".to_owned();
        let count = |count| AnswerValue::Count { count };
        for outcome in [
            Outcome::NotAuthentic { error: error() },
            Outcome::Malformed { error: error() },
            Outcome::Failed { error: error() },
            Outcome::Contradicted { answer: count(1), expected: count(2) },
        ] {
            assert!(!survey(Outcome::Accepted, outcome.clone()).is_as_expected(), "{outcome:?}");
            assert!(!survey(outcome, Outcome::NotSent { reason: error() }).is_as_expected());
        }
    }
}
