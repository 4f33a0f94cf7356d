//! What the engine's own work takes: signatures, unwrapping, refreshes, random numbers, and blits around their kernel.
//!
//! `cargo bench -p softcp` measures each with criterion, then prints a table of times. Absolute figures move with the
//! machine's other load; the table comes from rounds in which all take turns, so read differences and ratios within it.
//! `cargo bench -p softcp -- table` prints the table alone. Calls through the function table are measured in `softcp-ddi`.

// A benchmark reports on the terminal, rounded, and a failed setup may stop it.
#![allow(clippy::print_stdout, clippy::cast_precision_loss, clippy::unwrap_used)]

#[path = "../tests/common/mod.rs"]
mod common;
mod turns;

use std::hint::black_box;

use common::{Block, Rig, buffers};
use softcp::provider::aws_lc::AwsLc;
use softcp::provider::rust_crypto::RustCryptoAes;
use softcp::provider::{Aes, Provider, RandomBatch, SecureRandom};
use softcp::{CryptoSession, DataKey, Sessions};
use softcp_aes::{Key, Keystream};
use turns::Case;

/// Bytes of an answer that are signed.
const ANSWER: usize = 40;
fn main() {
    let rig = Rig::new("");
    rig.negotiate([1; 16]);
    let sessions = rig.device.sessions();
    turns::run("engine", &mut cases(&rig, &sessions));
}

fn cases<'b>(rig: &'b Rig, sessions: &'b Sessions) -> Vec<Case<'b>> {
    let provider = Provider::aws_lc();
    let mut cases = Vec::new();
    let mut case = |name: &str, calls, call: Box<dyn FnMut() + 'b>| {
        cases.push(Case { name: name.to_owned(), calls, call });
    };

    let aes: [(_, Box<dyn Aes>); 2] =
        [("CMAC, AWS-LC", Box::new(AwsLc)), ("CMAC, RustCrypto", Box::new(RustCryptoAes))];
    let macs = aes.map(|(name, aes)| (name, aes.mac(&[2; 16])));
    for (name, mac) in [("CMAC", provider.aes.mac(&[2; 16]))].into_iter().chain(macs) {
        let sign = move || {
            black_box(mac.sign(black_box(&[3; ANSWER])));
        };
        case(name, 128, Box::new(sign));
    }

    let aes = provider.aes;
    let unwrap = move || {
        let mut block: Block = black_box([4; 16]);
        aes.decrypt_block(black_box(&[5; 16]), &mut block);
        black_box(block);
    };
    case("a content key unwrapped", 128, Box::new(unwrap));

    let (source, mut batch) = (provider.random, RandomBatch::new());
    let draw = move || {
        let mut number = Block::default();
        batch.fill(&mut number, 1, &*source).unwrap();
        black_box(number);
    };
    case("16 random bytes from a batch", 128, Box::new(draw));
    let source = Provider::aws_lc().random;
    case("16 random bytes from AWS-LC", 32, Box::new(move || draw_from(&*source)));

    let refresh = move || {
        let mut number = Block::default();
        sessions.with(rig.session, |session| session.start_key_refresh(&mut number)).unwrap().unwrap();
        sessions.with(rig.session, CryptoSession::finish_key_refresh).unwrap().unwrap();
        black_box(number);
    };
    case("Start + Finish, random numbers from AWS-LC", 32, Box::new(refresh));

    let (key, mut out) = (Key::new(&[6; 16]), [0; 16]);
    let kernel = move || {
        Keystream::new(&key, black_box([7; 16])).apply(black_box(&[8; 16]), &mut out).unwrap();
        black_box(&mut out);
    };
    case("kernel alone: 16 bytes", 256, Box::new(kernel));
    for (name, data_key) in [
        ("DecryptionBlt, 16 bytes", DataKey::Session),
        ("DecryptionBlt, 16 bytes, a wrapped key", DataKey::Wrapped(&[9; 16])),
    ] {
        let mut out = [0; 16];
        let blit = move || {
            let surfaces = buffers(black_box(&[8; 16]), &mut out);
            let held = sessions.hold(rig.session).unwrap();
            held.lock().decryption_blt(surfaces, None, &data_key, black_box(&[7; 16])).unwrap();
        };
        case(name, 256, Box::new(blit));
    }
    cases
}

fn draw_from(source: &dyn SecureRandom) {
    let mut number = Block::default();
    source.fill(&mut number).unwrap();
    black_box(number);
}
