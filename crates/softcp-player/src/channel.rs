//! An authenticated channel whose two halves, the driver's and the application's, stay in step.

mod failure;

use std::fmt;

use serde::Serialize;
use softcp_client::{
    Answer, AnswerError, Certificate, CertificateChain, ChannelType, ClientChannel, Command, KeyExchange, Query,
    SystemRandom, VerifiedCertificate,
};
use softcp_runtime::{CertificateOf, Channel, Device, HResult, Reply};

use crate::trust::Trust;
pub use failure::ChannelFailure;

/// A channel to a driver that has shown its certificate, has a key, and is of the type asked for.
///
/// Each message is sent once and in order, and its answer is opened whatever the HRESULT beside it was: that is not
/// signed, the return code in the answer is (D17). What counts, in this order:
///
/// | | found | outcome |
/// |---|---|---|
/// | 1 | the entry is missing, or a message cannot be made | [`NotOffered`](ChannelFailure::NotOffered), [`Call`](ChannelFailure::Call), [`Message`](ChannelFailure::Message) |
/// | 2 | the answer is not the driver's, and the HRESULT is a failure | [`UnsignedFailure`](ChannelFailure::UnsignedFailure) |
/// | 2 | the answer is not the driver's, and the HRESULT is `S_OK`: forged | [`NotAuthentic`](ChannelFailure::NotAuthentic) |
/// | 3 | the answer is the driver's and refuses, whatever the HRESULT | [`Refused`](ChannelFailure::Refused) |
/// | 4 | the answer is the driver's and makes no sense, whatever the HRESULT | [`Malformed`](ChannelFailure::Malformed) |
/// | 5 | the answer is the driver's and succeeds, and the HRESULT is a failure | [`Contradiction`](ChannelFailure::Contradiction) |
///
/// So an HRESULT alone never makes a success, nor a refusal that is believed; but one that fails is never ignored. A
/// failure leaves the channel usable: the next message has the next number.
pub struct PlayerChannel {
    channel: Channel,
    client: ClientChannel,
    channel_type: ChannelType,
    certificate: VerifiedCertificate,
    messages: MessageCounts,
}

/// Messages that a channel has exchanged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MessageCounts {
    /// Commands sent, INITIALIZE included.
    pub commands: u64,
    /// Queries sent.
    pub queries: u64,
    /// Answers to either whose signature was right, refusals included.
    pub answers_verified: u64,
}

impl PlayerChannel {
    /// Opens a channel by the public start-up: creates it, checks the certificate of its type, lets the driver have a
    /// key, sends INITIALIZE, and compares the answer to `CHANNEL_TYPE` with `channel_type`.
    ///
    /// # Errors
    ///
    /// [`ChannelFailure`]; the channel is destroyed again.
    pub fn open(device: &Device, trust: &Trust, channel_type: ChannelType) -> Result<Self, ChannelFailure> {
        let mut channel = device.create_channel(channel_type.value()).map_err(ChannelFailure::of_creation)?;
        if channel.handle_value() == 0 {
            return Err(ChannelFailure::NoHandle);
        }
        let chain = device.certificate(CertificateOf::AuthenticatedChannel(channel_type.value()))?;
        let certificate = trust.check(&CertificateChain::parse(&chain)?)?;
        let exchange = KeyExchange::new(&certificate, &SystemRandom)?;
        channel.negotiate(exchange.message().as_bytes()).map_err(ChannelFailure::of_call)?;
        let client = ClientChannel::new(exchange, channel.handle_value(), &SystemRandom)?;
        let messages = MessageCounts::default();
        let mut opened = Self { channel, client, channel_type, certificate, messages };
        opened.command(Command::Initialize)?;
        match opened.query(Query::ChannelType)? {
            Answer::ChannelType(answered) if answered == channel_type => Ok(opened),
            answered => Err(ChannelFailure::WrongChannelType { asked: channel_type, answered }),
        }
    }

    /// Sends a command and opens its answer. Only `Ok` means that the driver says it did what was asked; whether it is
    /// so, a query tells.
    ///
    /// # Errors
    ///
    /// [`ChannelFailure`], by the table above.
    pub fn command(&mut self, command: Command) -> Result<(), ChannelFailure> {
        let message = self.client.command(command)?;
        let (reply, output) = self.channel.configure(message.bytes()).map_err(ChannelFailure::of_call)?;
        self.messages.commands += 1;
        let opened = self.client.open_command_answer(&message, &output);
        self.settle(command.name(), reply, opened)
    }

    /// Sends a query and opens its answer, which is of the query's own kind.
    ///
    /// # Errors
    ///
    /// [`ChannelFailure`], by the table above.
    pub fn query(&mut self, query: Query) -> Result<Answer, ChannelFailure> {
        let message = self.client.query(query)?;
        let mut output = vec![0; message.answer_size()];
        let reply = self.channel.query(message.bytes(), &mut output).map_err(ChannelFailure::of_call)?;
        self.messages.queries += 1;
        let opened = self.client.open_query_answer(&message, &output);
        self.settle(query.name(), reply, opened)
    }

    /// The driver's certificate for channels of this type.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        self.certificate.certificate()
    }

    /// Whether the certificate was checked against a root.
    #[must_use]
    pub fn is_certificate_verified(&self) -> bool {
        self.certificate.is_chain_verified()
    }

    /// The channel's handle, which its messages carry.
    #[must_use]
    pub fn handle(&self) -> usize {
        self.client.handle()
    }

    /// What the driver says, under its signature, that the channel is.
    #[must_use]
    pub fn channel_type(&self) -> ChannelType {
        self.channel_type
    }

    /// The device that the channel is of.
    #[must_use]
    pub fn device(&self) -> &Device {
        self.channel.device()
    }

    /// Messages exchanged so far.
    #[must_use]
    pub fn messages(&self) -> MessageCounts {
        self.messages
    }

    /// What a call and its answer come to: see the table above.
    fn settle<T>(
        &mut self,
        name: &'static str,
        reply: Reply,
        opened: Result<T, AnswerError>,
    ) -> Result<T, ChannelFailure> {
        let settled = settle(name, reply, opened);
        if settled.as_ref().map_or_else(ChannelFailure::is_signed, |_| true) {
            self.messages.answers_verified += 1;
        }
        settled
    }
}

impl fmt::Debug for PlayerChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlayerChannel")
            .field("channel_type", &self.channel_type)
            .field("messages", &self.messages)
            .finish_non_exhaustive()
    }
}

fn settle<T>(name: &'static str, reply: Reply, opened: Result<T, AnswerError>) -> Result<T, ChannelFailure> {
    match (opened, reply.into_result()) {
        (Ok(answer), Ok(())) => Ok(answer),
        (Ok(_), Err(returned)) => Err(ChannelFailure::Contradiction { name, returned }),
        (Err(AnswerError::Refused { return_code, .. }), _) => {
            Err(ChannelFailure::Refused { name, hresult: HResult(return_code) })
        }
        (Err(source @ (AnswerError::Incomplete { .. } | AnswerError::Echo { .. } | AnswerError::Value { .. })), _) => {
            Err(ChannelFailure::Malformed { name, source })
        }
        // Of these nothing is believed: wrong sizes, wrong signatures, and answers to other messages.
        (Err(_), Err(returned)) => Err(ChannelFailure::UnsignedFailure { name, returned }),
        (Err(source), Ok(())) => Err(ChannelFailure::NotAuthentic { name, source }),
    }
}

#[cfg(test)]
mod tests {
    use softcp_abi::{E_FAIL, E_INVALIDARG, S_OK};

    use super::*;

    const NAME: &str = "PROTECTION";

    fn settled(returned: i32, opened: Result<(), AnswerError>) -> Result<(), ChannelFailure> {
        let function = "ConfigureAuthenticatedChannel";
        settle(NAME, Reply { function, returned: Some(HResult(returned)), reports: Vec::new() }, opened)
    }

    fn refused() -> Result<(), AnswerError> {
        Err(AnswerError::Refused { name: NAME, return_code: E_INVALIDARG })
    }

    #[test]
    fn settle_signed_success_and_s_ok_is_success() {
        settled(S_OK, Ok(())).unwrap();
    }

    #[test]
    fn settle_signed_refusal_stands_whatever_was_returned() {
        for returned in [S_OK, E_FAIL, E_INVALIDARG, 1] {
            let failure = settled(returned, refused()).unwrap_err();
            assert!(matches!(failure, ChannelFailure::Refused { hresult: HResult(E_INVALIDARG), .. }), "{failure}");
            assert!(failure.is_signed());
        }
    }

    #[test]
    fn settle_signed_success_with_a_failure_beside_it_is_no_success() {
        for returned in [E_FAIL, 1] {
            let failure = settled(returned, Ok(())).unwrap_err();
            let ChannelFailure::Contradiction { returned: error, .. } = &failure else { panic!("{failure}") };
            assert_eq!(error.hresult, HResult(returned));
            assert!(failure.is_signed());
        }
    }

    #[test]
    fn settle_forged_s_ok_is_no_success() {
        for answer in
            [AnswerError::NotAuthentic, AnswerError::Reflected, AnswerError::OtherMessage { member: "SequenceNumber" }]
        {
            let failure = settled(S_OK, Err(answer)).unwrap_err();
            assert!(matches!(failure, ChannelFailure::NotAuthentic { source, .. } if source == answer), "{failure}");
            assert!(!failure.is_signed());
        }
    }

    #[test]
    fn settle_unsigned_refusal_is_told_from_a_signed_one() {
        let failure = settled(E_FAIL, Err(AnswerError::NotAuthentic)).unwrap_err();
        assert!(matches!(failure, ChannelFailure::UnsignedFailure { .. }), "{failure}");
        assert!(!failure.is_signed());
    }

    #[test]
    fn settle_signed_nonsense_is_malformed_whatever_was_returned() {
        let answer = AnswerError::Value { member: "ProtectionFlags", value: 4 };
        for returned in [S_OK, E_FAIL] {
            let failure = settled(returned, Err(answer)).unwrap_err();
            assert!(matches!(failure, ChannelFailure::Malformed { source, .. } if source == answer), "{failure}");
            assert!(failure.is_signed());
        }
    }
}
