//! What a driver answers to everything that can be asked over an authenticated channel.
//!
//! ```text
//!  PlayerChannel::open          create, certificate, key, INITIALIZE, CHANNEL_TYPE
//!  queries                      DEVICE_HANDLE, the encryptions that can be chosen
//!  commands                     a decoder's session, a process, an encryption, PROTECTION on
//!  queries                      all the others, each list from end to end
//!  commands                     PROTECTION off, the process no longer allowed
//! ```
//!
//! The commands are there so that the queries have something to show, and the answers are compared with them. What they
//! set ends with the channel, at the latest.

mod report;

use softcp_abi::{D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_DECODER_PROFILE_H264_VLD_NOFGT, GUID, GUID_NULL};
use softcp_client::{Answer, ChannelType, Command, Process, ProtectionFlags, Query};
use softcp_runtime::{Decoder, DecoderDesc, Device};

use crate::channel::{ChannelFailure, PlayerChannel};
use crate::path::PathError;
use crate::session::OpenSession;
use crate::trust::Trust;
pub use report::{
    AnswerValue, ChannelCertificate, ChannelSurvey, HandleValue, Message, Outcome, Parameter, ParameterValue,
};

/// More entries of a list than this are not asked for: a driver may say what it likes about their number.
const LONGEST_LIST: u32 = 1 << 10;

/// `DXGI_FORMAT_NV12`.
const FORMAT_NV12: u32 = 103;

/// What to open and what to set before the queries.
#[derive(Clone, Debug)]
pub struct SurveyOptions {
    /// The type of the channel.
    pub channel_type: ChannelType,
    /// Who must vouch for the driver.
    pub trust: Trust,
    /// The process that may open restricted shared resources during the survey.
    pub process: Process,
    /// The encryption of content before it becomes accessible; none: the first that the driver lists.
    pub encryption: Option<GUID>,
}

impl SurveyOptions {
    /// A survey with what every player in a window sets: the desktop window manager is allowed.
    #[must_use]
    pub fn new(channel_type: ChannelType, trust: Trust) -> Self {
        Self { channel_type, trust, process: Process::Dwm, encryption: None }
    }
}

/// Opens a channel on `device`, sends every command and asks every query.
///
/// A message that goes wrong is a line of the survey and does not end it: see
/// [`ChannelSurvey::is_as_expected`].
///
/// # Errors
///
/// [`ChannelFailure`] when the channel cannot be opened, so that nothing can be asked.
pub fn survey(device: &Device, options: &SurveyOptions) -> Result<ChannelSurvey, ChannelFailure> {
    let channel = PlayerChannel::open(device, &options.trust, options.channel_type)?;
    let mut surveyor = Surveyor::new(channel);
    let device_handle = surveyor.ask_device_handle();
    let encryptions = surveyor.ask_encryptions();

    // Session and decoder live until the survey ends: their binding ends with either of them.
    let partners = surveyor.bind(device, &options.trust, device_handle);
    let allowed = surveyor.tell(Command::SharedResource { process: options.process, allow: true });
    if let Some(encryption) = options.encryption.or(encryptions.first().copied()) {
        surveyor.tell(Command::EncryptionWhenAccessible(encryption));
    }
    surveyor.tell(Command::Protection(ProtectionFlags { enabled: true, overlay_or_fullscreen: false }));

    surveyor.ask(Query::Protection);
    surveyor.ask_about(partners.as_ref().map(|partners| partners.handles));
    surveyor.ask_processes();
    surveyor.ask(Query::UnrestrictedProtectedSharedResourceCount);
    surveyor.ask(Query::AccessibilityAttributes);
    surveyor.ask(Query::CurrentEncryptionWhenAccessible);

    surveyor.tell(Command::Protection(ProtectionFlags::default()));
    if allowed {
        surveyor.tell(Command::SharedResource { process: options.process, allow: false });
    }
    Ok(surveyor.into_survey())
}

/// A channel and what has been learnt over it.
struct Surveyor {
    channel: PlayerChannel,
    commands: Vec<Message>,
    /// With the place of each in the reference.
    queries: Vec<(usize, Message)>,
    /// What answers must be because of accepted commands.
    set: Vec<Answer>,
}

impl Surveyor {
    fn new(channel: PlayerChannel) -> Self {
        // A channel that is open has had these two answered.
        let initialize = sent(Command::Initialize.name(), Vec::new(), Some(true), Outcome::Accepted);
        let answer = Outcome::Answered { answer: Answer::ChannelType(channel.channel_type()).into() };
        let mut surveyor = Self { channel, commands: vec![initialize], queries: Vec::new(), set: Vec::new() };
        surveyor.record(Query::ChannelType, Vec::new(), Some(true), answer);
        surveyor
    }

    /// Sends a command; whether it was accepted.
    fn tell(&mut self, command: Command) -> bool {
        let told = self.channel.command(command);
        let accepted = told.is_ok();
        let (signature_valid, outcome) = match told {
            Ok(()) => (Some(true), Outcome::Accepted),
            Err(failure) => outcome_of(&failure),
        };
        self.commands.push(sent(command.name(), Parameter::of_command(command), signature_valid, outcome));
        if accepted {
            self.set.extend(answer_after(command));
        }
        accepted
    }

    /// Asks a query; its answer, if one came that can be believed.
    fn ask(&mut self, query: Query) -> Option<Answer> {
        let asked = self.channel.query(query);
        let (signature_valid, outcome) = match &asked {
            Ok(answer) => (Some(true), self.compare(*answer)),
            Err(failure) => outcome_of(failure),
        };
        self.record(query, Parameter::of_query(query), signature_valid, outcome);
        asked.ok()
    }

    /// An answer, or what it contradicts.
    fn compare(&self, answer: Answer) -> Outcome {
        match self.set.iter().rev().find(|set| is_of_one_kind(**set, answer)) {
            Some(set) if contradicts(*set, answer) => {
                Outcome::Contradicted { answer: answer.into(), expected: (*set).into() }
            }
            _ => Outcome::Answered { answer: answer.into() },
        }
    }

    /// Says why a query was not sent.
    fn skip(&mut self, query: Query, reason: impl Into<String>) {
        self.record(query, Vec::new(), None, Outcome::NotSent { reason: reason.into() });
    }

    fn record(&mut self, query: Query, parameters: Vec<Parameter>, signature_valid: Option<bool>, outcome: Outcome) {
        self.queries.push((place(query), sent(query.name(), parameters, signature_valid, outcome)));
    }

    /// Asks for all entries of a list of which `counted` is the number; gives those that could be had.
    fn walk(&mut self, counted: Option<u32>, entry: impl Fn(u32) -> Query) -> Vec<Answer> {
        let Some(count) = counted else {
            self.skip(entry(0), "their number is not known");
            return Vec::new();
        };
        if count == 0 {
            self.skip(entry(0), "there are none");
        }
        let answers = (0..count.min(LONGEST_LIST)).filter_map(|index| self.ask(entry(index))).collect();
        if count > LONGEST_LIST {
            self.skip(entry(LONGEST_LIST), format!("only the first {LONGEST_LIST} were asked for"));
        }
        answers
    }

    fn ask_device_handle(&mut self) -> Option<usize> {
        let answer = self.ask(Query::DeviceHandle)?;
        if let Answer::DeviceHandle(handle) = answer { Some(handle) } else { None }
    }

    fn ask_encryptions(&mut self) -> Vec<GUID> {
        let count = self.ask(Query::EncryptionWhenAccessibleGuidCount).and_then(counted);
        let answers = self.walk(count, |index| Query::EncryptionWhenAccessibleGuid { index });
        let guid = |answer| if let Answer::EncryptionWhenAccessibleGuid(guid) = answer { Some(guid) } else { None };
        answers.into_iter().filter_map(guid).collect()
    }

    fn ask_processes(&mut self) {
        let count = self.ask(Query::RestrictedSharedResourceProcessCount).and_then(counted);
        self.walk(count, |index| Query::RestrictedSharedResourceProcess { index });
    }

    /// Creates a session and a decoder and binds them.
    fn bind(&mut self, device: &Device, trust: &Trust, device_handle: Option<usize>) -> Option<Partners> {
        // Only its name counts here.
        let name = Command::CryptoSession { decoder: 0, session: 0, device: 0 }.name();
        let Some(device_handle) = device_handle else {
            let outcome = Outcome::NotSent { reason: "the device's handle is not known".to_owned() };
            self.commands.push(sent(name, Vec::new(), None, outcome));
            return None;
        };
        match Partners::create(device, trust, device_handle) {
            Ok(partners) => {
                let Handles { device, session, decoder } = partners.handles;
                self.tell(Command::CryptoSession { decoder, session, device });
                Some(partners)
            }
            Err(error) => {
                self.commands.push(sent(name, Vec::new(), None, Outcome::Failed { error: error.to_string() }));
                None
            }
        }
    }

    /// Asks what is asked about a decoder, a session and their device.
    fn ask_about(&mut self, handles: Option<Handles>) {
        let Handles { device, session, decoder } = handles.unwrap_or_default();
        let output = |index| Query::OutputId { device, session, index };
        if handles.is_some() {
            self.ask(Query::CryptoSession { decoder });
            let count = self.ask(Query::OutputIdCount { device, session }).and_then(counted);
            self.walk(count, output);
        } else {
            for query in [Query::CryptoSession { decoder }, Query::OutputIdCount { device, session }, output(0)] {
                self.skip(query, "there is no session and decoder to ask about");
            }
        }
    }

    fn into_survey(self) -> ChannelSurvey {
        let mut queries = self.queries;
        queries.sort_by_key(|(place, _)| *place);
        ChannelSurvey {
            channel_type: self.channel.channel_type().to_string(),
            channel: HandleValue(self.channel.handle()),
            certificate: ChannelCertificate {
                subject: self.channel.certificate().subject(),
                is_verified: self.channel.is_certificate_verified(),
            },
            commands: self.commands,
            queries: queries.into_iter().map(|(_, message)| message).collect(),
            messages: self.channel.messages(),
        }
    }
}

/// A session and a decoder to be bound to each other.
struct Partners {
    handles: Handles,
    /// First, so that it is destroyed before the session that it uses.
    _decoder: Decoder,
    _session: OpenSession<'static>,
}

/// What they and their device are called in messages.
#[derive(Clone, Copy, Default)]
struct Handles {
    device: usize,
    session: usize,
    decoder: usize,
}

impl Partners {
    /// A session with a key, as a player's is, and a decoder of any kind.
    fn create(device: &Device, trust: &Trust, device_handle: usize) -> Result<Self, PathError> {
        let caps = device.caps(&D3D11_CRYPTO_TYPE_AES128_CTR, &GUID_NULL)?;
        // Bound here, with everything said about it, instead of by the session itself.
        let mut open = OpenSession::without_channel(device, trust, &caps)?;
        let desc = DecoderDesc::bitstream(D3D11_DECODER_PROFILE_H264_VLD_NOFGT, 1280, 720, FORMAT_NV12);
        let mut decoder = device.create_decoder(&desc)?;
        let handles = Handles {
            device: device_handle,
            session: open.session().handle_value()?,
            decoder: decoder.handle_value()?,
        };
        Ok(Self { handles, _decoder: decoder, _session: open })
    }
}

fn sent(name: &'static str, parameters: Vec<Parameter>, signature_valid: Option<bool>, outcome: Outcome) -> Message {
    Message { name, parameters, signature_valid, outcome }
}

/// What a failure says about the signature, and how it is shown.
fn outcome_of(failure: &ChannelFailure) -> (Option<bool>, Outcome) {
    let error = failure.to_string();
    match failure {
        ChannelFailure::Refused { hresult, .. } => (Some(true), Outcome::refused(*hresult)),
        ChannelFailure::UnsignedFailure { .. } | ChannelFailure::NotAuthentic { .. } => {
            (Some(false), Outcome::NotAuthentic { error })
        }
        _ if failure.is_signed() => (Some(true), Outcome::Malformed { error }),
        _ => (None, Outcome::Failed { error }),
    }
}

/// What the answer to a query must be after an accepted command.
fn answer_after(command: Command) -> Option<Answer> {
    match command {
        Command::Protection(flags) => Some(Answer::Protection(flags)),
        Command::CryptoSession { session, device, .. } => Some(Answer::CryptoSession { session, device }),
        Command::EncryptionWhenAccessible(guid) => Some(Answer::CurrentEncryptionWhenAccessible(guid)),
        Command::Initialize | Command::SharedResource { .. } => None,
    }
}

fn is_of_one_kind(one: Answer, other: Answer) -> bool {
    std::mem::discriminant(&one) == std::mem::discriminant(&other)
}

/// Whether an answer is not what was set. Of protection, another channel may have asked for more.
fn contradicts(set: Answer, answer: Answer) -> bool {
    match (set, answer) {
        (Answer::Protection(set), Answer::Protection(answer)) => set.bits() & !answer.bits() != 0,
        _ => set != answer,
    }
}

fn counted(answer: Answer) -> Option<u32> {
    match answer {
        Answer::RestrictedSharedResourceProcessCount(count)
        | Answer::UnrestrictedProtectedSharedResourceCount(count)
        | Answer::OutputIdCount(count)
        | Answer::EncryptionWhenAccessibleGuidCount(count) => Some(count),
        _ => None,
    }
}

/// Where the reference lists a query: a survey keeps to that order.
fn place(query: Query) -> usize {
    match query {
        Query::Protection => 0,
        Query::ChannelType => 1,
        Query::DeviceHandle => 2,
        Query::CryptoSession { .. } => 3,
        Query::RestrictedSharedResourceProcessCount => 4,
        Query::RestrictedSharedResourceProcess { .. } => 5,
        Query::UnrestrictedProtectedSharedResourceCount => 6,
        Query::OutputIdCount { .. } => 7,
        Query::OutputId { .. } => 8,
        Query::AccessibilityAttributes => 9,
        Query::EncryptionWhenAccessibleGuidCount => 10,
        Query::EncryptionWhenAccessibleGuid { .. } => 11,
        Query::CurrentEncryptionWhenAccessible => 12,
    }
}

#[cfg(test)]
mod tests {
    use softcp_abi::E_FAIL;
    use softcp_client::AnswerError;
    use softcp_runtime::HResult;

    use super::*;

    fn flags(enabled: bool, overlay_or_fullscreen: bool) -> Answer {
        Answer::Protection(ProtectionFlags { enabled, overlay_or_fullscreen })
    }

    #[test]
    fn protection_that_is_less_than_was_set_contradicts_and_more_does_not() {
        assert!(contradicts(flags(true, false), flags(false, false)));
        assert!(contradicts(flags(true, true), flags(true, false)));
        assert!(!contradicts(flags(true, false), flags(true, true)));
        assert!(!contradicts(flags(true, false), flags(true, false)));
    }

    #[test]
    fn another_session_than_was_bound_contradicts() {
        let bound = |session| Answer::CryptoSession { session, device: 1 };
        assert!(contradicts(bound(2), bound(3)));
        assert!(!contradicts(bound(2), bound(2)));
    }

    #[test]
    fn outcome_of_a_failure_keeps_signed_and_unsigned_apart() {
        let refused = ChannelFailure::Refused { name: "PROTECTION", hresult: HResult(E_FAIL) };
        let outcome = outcome_of(&refused);
        assert_eq!(outcome, (Some(true), Outcome::Refused { return_code: "E_FAIL (0x80004005)".to_owned() }));
        let forged = ChannelFailure::NotAuthentic { name: "PROTECTION", source: AnswerError::NotAuthentic };
        assert!(matches!(outcome_of(&forged), (Some(false), Outcome::NotAuthentic { .. })));
        let source = AnswerError::Value { member: "ProtectionFlags", value: 4 };
        let malformed = ChannelFailure::Malformed { name: "PROTECTION", source };
        assert!(matches!(outcome_of(&malformed), (Some(true), Outcome::Malformed { .. })));
    }
}
