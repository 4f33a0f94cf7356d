//! The log of a whole run holds its calls and events, no warning, and no key or content in any form.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex};

use common::{Block, TestAdapter, TestDevice};
use softcp_abi::S_OK;
use softcp_client::{KeyExchange, Random, RandomError, SystemRandom};
use tracing_subscriber::filter::LevelFilter;

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Random numbers that are remembered: the keys of the run.
#[derive(Debug, Default)]
struct Remembering(Mutex<Vec<Vec<u8>>>);

impl Random for Remembering {
    fn fill(&self, dest: &mut [u8]) -> Result<(), RandomError> {
        SystemRandom.fill(dest)?;
        self.0.lock().unwrap().push(dest.to_vec());
        Ok(())
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - three.len()));
        for digit in 0..=three.len() {
            text.push(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize].into());
        }
    }
    text
}

/// The forms in which bytes could come into a text.
fn forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let hexadecimal = bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    });
    let list = bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    vec![
        bytes.to_vec(),
        hexadecimal.clone().into_bytes(),
        hexadecimal.to_uppercase().into_bytes(),
        list.into_bytes(),
        base64(bytes).into_bytes(),
    ]
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[test]
fn log_of_a_whole_run_has_calls_and_events_and_no_secret() {
    let log = Memory::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();

    let random = Remembering::default();
    let mut secrets: Vec<Vec<u8>> = Vec::new();
    let device = TestDevice::new(&TestAdapter::new(""));
    let certificate = device.certificate();
    let session = device.create_session();
    let exchange = KeyExchange::new(&certificate, &random).unwrap();
    assert_eq!(device.negotiate(&session, exchange.message().as_bytes()), S_OK);
    let mut read_back = Block::default();
    assert_eq!(device.encryption_blt_key(&session, &mut read_back), S_OK);
    secrets.push(read_back.to_vec());
    for _ in 0..2 {
        let mut number = Block::default();
        let start = device.table.pfnStartSessionKeyRefresh.unwrap();
        // SAFETY: the number lives past the call and has this size.
        unsafe { start(device.h_device, session.handle(), 16, number.as_mut_ptr().cast()) };
        device.finish_refresh_unobserved(&session);
        let key = random.0.lock().unwrap()[0].clone();
        secrets.push(key.iter().zip(number).map(|(key, number)| key ^ number).collect());
        secrets.push(number.to_vec());
    }
    secrets.extend(random.0.lock().unwrap().iter().cloned());
    drop(session);
    drop(device);

    let log = log.0.lock().unwrap().clone();
    let text = String::from_utf8(log.clone()).unwrap();
    for expected in [
        "session created",
        "session: key exchange done",
        "session: key refresh finished",
        "session: read-back key handed out",
        "function=\"NegotiateCryptoSessionKeyExchange\"",
        "sizes=\"pData:256\"",
        "hresult=0x00000000",
        "microseconds=",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(!text.contains("WARN"), "{text}");
    assert!(secrets.len() >= 6);
    for secret in secrets {
        assert!(forms(&secret).iter().all(|form| !contains(&log, form)), "{secret:x?}: {text}");
    }
}

#[test]
fn forms_are_found() {
    assert_eq!(base64(b"softcp"), "c29mdGNw");
    assert_eq!(base64(b"soft"), "c29mdA");
    assert!(contains(b"x 0102ff y", &forms(&[1, 2, 255])[1]));
}
