//! Queries over an authenticated channel.

use std::rc::Rc;

use aws_lc_rs::cmac;
use softcp_client::{Answer, CertificateChain, ChannelType, ClientChannel, Command, KeyExchange, Query, SystemRandom};
use softcp_player::PlayerChannel;
use softcp_runtime::{CertificateOf, Channel};

use super::{Planned, warm};
use crate::bench::Bench;
use crate::case::{Case, Implementation};
use crate::driver::Link;
use crate::error::BenchError;

/// What both ends sign: a type of channel that every driver has.
const TYPE: ChannelType = ChannelType::DriverSoftware;

/// RFC 4493, section 4: the key, the message of 40 bytes of example 3, and its code.
const RFC_KEY: [u8; 16] = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes();
const RFC_MESSAGE: [[u8; 16]; 3] = [
    0x6bc1_bee2_2e40_9f96_e93d_7e11_7393_172a_u128.to_be_bytes(),
    0xae2d_8a57_1e03_ac9c_9eb7_6fac_45af_8e51_u128.to_be_bytes(),
    0x30c8_1c46_a35c_e411_0000_0000_0000_0000_u128.to_be_bytes(),
];
const RFC_CODE: [u8; 16] = 0xdfa6_6747_de9a_e630_30ca_3261_1497_c827_u128.to_be_bytes();

pub(super) fn plan(bench: &mut Bench<'_>) -> Vec<Planned> {
    let build = |bench: &Bench<'_>| {
        let mut case = Case::new("CHANNEL_TYPE", None);
        case.add("aws-lc: CMAC of 56 bytes alone", &Rc::from(RFC_CODE), Signature::new()?);
        let expected = Rc::from([1]);
        for (link, of) in bench.every_link() {
            case.add(format!("QueryAuthenticatedChannel{of}"), &expected, Asking::open(link)?);
            let checking = PlayerChannel::open(link.device(), link.trust(), TYPE)?;
            case.add(format!("the same, its answer checked{of}"), &expected, Checking(checking));
        }
        Ok(case)
    };
    vec![Planned::new("query", warm(bench), build)]
}

/// What a driver computes over an answer.
struct Signature(cmac::Key);

impl Signature {
    fn new() -> Result<Self, BenchError> {
        cmac::Key::new(cmac::AES_128, &RFC_KEY).map(Self).map_err(|_| Self::failed())
    }

    fn failed() -> BenchError {
        BenchError::Peer { peer: "aws-lc", what: "make an AES-CMAC" }
    }
}

impl Implementation for Signature {
    fn call(&mut self) -> Result<(), BenchError> {
        cmac::sign(&self.0, &[0x5a; 56]).map(drop).map_err(|_| Self::failed())
    }

    fn prove(&mut self) -> Result<Vec<u8>, BenchError> {
        let code = cmac::sign(&self.0, &RFC_MESSAGE.concat()[..40]).map_err(|_| Self::failed())?;
        Ok(code.as_ref().to_vec())
    }
}

/// The driver's half: a query, whose answer is not looked at.
struct Asking {
    channel: Channel,
    client: ClientChannel,
    output: Vec<u8>,
}

impl Asking {
    fn open(link: &Link) -> Result<Self, BenchError> {
        let mut channel = link.device().create_channel(TYPE.value())?;
        let chain = link.device().certificate(CertificateOf::AuthenticatedChannel(TYPE.value()))?;
        let certificate = link.trust().check(&CertificateChain::parse(&chain)?)?;
        let exchange = KeyExchange::new(&certificate, &SystemRandom)?;
        channel.negotiate(exchange.message().as_bytes())?;
        let mut client = ClientChannel::new(exchange, channel.handle_value(), &SystemRandom)?;
        let message = client.command(Command::Initialize)?;
        let (reply, output) = channel.configure(message.bytes())?;
        reply.into_result()?;
        client.open_command_answer(&message, &output)?;
        Ok(Self { channel, client, output: Vec::new() })
    }
}

impl Implementation for Asking {
    fn call(&mut self) -> Result<(), BenchError> {
        let message = self.client.query(Query::ChannelType)?;
        self.output.resize(message.answer_size(), 0);
        Ok(self.channel.query(message.bytes(), &mut self.output)?.into_result()?)
    }

    fn prove(&mut self) -> Result<Vec<u8>, BenchError> {
        let message = self.client.query(Query::ChannelType)?;
        let mut output = vec![0; message.answer_size()];
        self.channel.query(message.bytes(), &mut output)?.into_result()?;
        let answer = self.client.open_query_answer(&message, &output)?;
        Ok(vec![u8::from(answer == Answer::ChannelType(TYPE))])
    }
}

/// Both halves, as a player asks.
struct Checking(PlayerChannel);

impl Implementation for Checking {
    fn call(&mut self) -> Result<(), BenchError> {
        self.0.query(Query::ChannelType).map(drop).map_err(Into::into)
    }

    fn prove(&mut self) -> Result<Vec<u8>, BenchError> {
        Ok(vec![u8::from(self.0.query(Query::ChannelType)? == Answer::ChannelType(TYPE))])
    }
}
