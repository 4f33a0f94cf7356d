//! Blits that break rules: what the reference driver has done is done again, by other rules.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use softcp_abi::{D3D11_1DDI_ENCRYPTED_BLOCK_INFO as BlockInfo, HRESULT, S_OK};

use crate::calls::{DecryptionBlt, EncryptionBlt};
use crate::keys::Block;
use crate::surface::{self, Row};

/// The counter block of the n-th block, given IV and Count as they lie in memory.
pub(crate) type Counter = fn(&Block, u64) -> Block;

/// Whether byte `at` of `len` is encrypted.
pub(crate) type IsEncrypted = fn(&BlockInfo, usize, usize) -> bool;

/// Where a keystream begins anew.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Restart {
    Never,
    Rows,
    Planes,
    /// At each encrypted run.
    Runs,
    /// At each run it goes on with the next whole block.
    RunsAtBlocks,
}

/// How data is enciphered. The default are the rules of a correct driver.
#[derive(Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "each is a rule of its own that one driver breaks")]
pub(crate) struct Rules {
    pub(crate) counter: Counter,
    pub(crate) restart: Restart,
    pub(crate) is_encrypted: IsEncrypted,
    pub(crate) skipped_take_keystream: bool,
    /// The pattern begins anew at each row.
    pub(crate) pattern_per_row: bool,
    /// Padding of the source takes keystream.
    pub(crate) padding_takes_keystream: bool,
    /// Padding is written too.
    pub(crate) padding_is_written: bool,
    /// The last bytes, if they are no whole block, stay as they are.
    pub(crate) last_partial_block: bool,
    /// Of each row, only a multiple of so many bytes is enciphered.
    pub(crate) row_unit: usize,
}

pub(crate) const RULES: Rules = Rules {
    counter: count,
    restart: Restart::Never,
    is_encrypted,
    skipped_take_keystream: false,
    pattern_per_row: false,
    padding_takes_keystream: false,
    padding_is_written: false,
    last_partial_block: true,
    row_unit: 1,
};

/// Count goes up as a big-endian number of 64 bits.
pub(crate) fn count(iv: &Block, number: u64) -> Block {
    let count = u64::from_be_bytes(std::array::from_fn(|i| iv[8 + i]));
    let mut block = *iv;
    block[8..].copy_from_slice(&count.wrapping_add(number).to_be_bytes());
    block
}

/// The beginning, then skip and encrypt in turn.
pub(crate) fn is_encrypted(info: &BlockInfo, at: usize, _: usize) -> bool {
    let [beginning, skip, encrypt] = runs(info);
    let Some(behind) = at.checked_sub(beginning) else { return true };
    skip + encrypt != 0 && behind % (skip + encrypt) >= skip
}

/// Beginning, skip and encrypt.
pub(crate) fn runs(info: &BlockInfo) -> [usize; 3] {
    [info.NumEncryptedBytesAtBeginning, info.NumBytesInSkipPattern, info.NumBytesInEncryptPattern]
        .map(|bytes| bytes as usize)
}

/// A keystream, and where it is.
struct Stream<'k> {
    cipher: Aes128,
    iv: &'k Block,
    counter: Counter,
    at: u64,
    block: Block,
}

impl<'k> Stream<'k> {
    fn new(key: &Block, iv: &'k Block, counter: Counter) -> Self {
        Self { cipher: Aes128::new(key.into()), iv, counter, at: 0, block: [0; 16] }
    }

    fn next(&mut self) -> u8 {
        let within = (self.at % 16) as usize;
        if within == 0 {
            self.block = (self.counter)(self.iv, self.at / 16);
            self.cipher.encrypt_block((&mut self.block).into());
        }
        self.at += 1;
        self.block[within]
    }

    fn seek(&mut self, block: u64) {
        self.at = block * 16;
    }
}

/// Enciphers or deciphers rows by the rules.
pub(crate) fn apply(rules: &Rules, key: &Block, iv: &Block, info: Option<&BlockInfo>, rows: &mut [Row]) {
    let mut stream = Stream::new(key, iv, rules.counter);
    let len: usize = rows.iter().map(|row| row.bytes.len()).sum();
    let (mut at, mut was_encrypted) = (0, false);
    for row in rows {
        let starts = match rules.restart {
            Restart::Rows => true,
            Restart::Planes => row.begins_plane,
            _ => false,
        };
        if starts {
            stream.seek(0);
        }
        let (row_len, whole) = (row.bytes.len(), row.bytes.len() / rules.row_unit * rules.row_unit);
        for (column, byte) in row.bytes.iter_mut().enumerate() {
            let (place, of) = if rules.pattern_per_row { (column, row_len) } else { (at, len) };
            let is_encrypted = info.is_none_or(|info| (rules.is_encrypted)(info, place, of));
            match rules.restart {
                Restart::Runs if is_encrypted && !was_encrypted => stream.seek(0),
                Restart::RunsAtBlocks if is_encrypted && !was_encrypted => stream.seek(stream.at.div_ceil(16)),
                _ => {}
            }
            let is_left = (!rules.last_partial_block && at >= len / 16 * 16) || column >= whole;
            if is_encrypted {
                let next = stream.next();
                *byte ^= if is_left { 0 } else { next };
            } else if rules.skipped_take_keystream {
                stream.next();
            }
            was_encrypted = is_encrypted;
            at += 1;
        }
        for byte in &mut row.padding {
            if rules.padding_takes_keystream {
                *byte ^= stream.next();
            }
        }
    }
}

/// `DecryptionBlt` by the driver's rules of the cipher.
pub(crate) fn decrypt(call: &DecryptionBlt<'_>) -> HRESULT {
    let Some(device) = call.device() else { return call.pass_on() };
    let rows = surface::read(&device, call.source());
    let hresult = call.pass_on();
    if let (S_OK, Some(mut rows), Some(key), Some(iv)) = (hresult, rows, call.data_key(), call.iv().block()) {
        let rules = &device.driver.hooks.cipher;
        apply(rules, &key, &iv, call.info().as_ref(), &mut rows);
        surface::write(&device, call.destination(), &rows, rules.padding_is_written);
    }
    hresult
}

/// `DecryptionBlt` without the reference driver, right but for its checks: as many bytes as both resources have.
pub(crate) fn decrypt_unchecked(call: &DecryptionBlt<'_>, key: Option<Block>, iv: &Block) -> HRESULT {
    let device = call.device();
    let rows = device.as_ref().and_then(|device| {
        Some((device, surface::read(device, call.source())?, surface::read(device, call.destination())?))
    });
    let (Some((device, mut from, mut to)), Some(key)) = (rows, key) else { return call.pass_on() };
    apply(&RULES, &key, iv, call.info().as_ref(), &mut from);
    surface::set_visible(&mut to, &surface::visible(&from));
    surface::write(device, call.destination(), &to, false);
    S_OK
}

/// Enciphers what `EncryptionBlt` has written once more: under another key, with another IV, by the driver's rules.
pub(crate) fn encrypt_anew(call: &EncryptionBlt<'_>, used: &Block, key: &Block, iv: &Block) {
    let (Some(device), Some(Some(old))) = (call.device(), call.known(|session| session.read_back)) else { return };
    if let Some(mut rows) = surface::read(&device, call.destination()) {
        apply(&RULES, &old, used, None, &mut rows);
        apply(&device.driver.hooks.cipher, key, iv, None, &mut rows);
        surface::write(&device, call.destination(), &rows, false);
    }
}

/// `EncryptionBlt` by the driver's rules of the cipher.
pub(crate) fn encrypt_by_rules(call: &EncryptionBlt<'_>) -> HRESULT {
    let hresult = call.pass_on();
    let key = call.known(|session| session.read_back).flatten();
    if let (S_OK, Some(used), Some(key)) = (hresult, call.iv().block(), key) {
        encrypt_anew(call, &used, &key, &used);
    }
    hresult
}
