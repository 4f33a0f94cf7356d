//! What went wrong, told from the bytes.
//!
//! A blit that comes out wrong is compared with what the usual mistakes make of it: the key of before a refresh, the
//! number alone, a counter that carries too far, a key stream that starts again. For that, what the oracle has computed on
//! this thread is remembered while a case runs: the keys and where they came from, and the last blits. Only the kit's own
//! values are kept here.

use std::cell::RefCell;

use aes::Aes128;
use aes::cipher::{BlockCipherDecrypt, KeyInit};
use softcp_runtime::EncryptedBlockInfo;

use crate::oracle::{Block, ctr, keys};
use crate::rig::FILL;

/// Keys that are remembered.
const KEYS: usize = 64;
/// Blits that are remembered.
const BLITS: usize = 3;
/// Longer blits are not looked into.
const LONGEST: usize = 1 << 22;
/// So many bytes of a blit are compared with what a mistake makes of them, from the first difference on and at the
/// beginning.
const COMPARED: usize = 4096;

/// Where a key came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A key exchange.
    Exchanged,
    /// A refresh, of this key with this number.
    Refreshed(Block, Block),
    /// Unwrapped, from these bytes, under this key.
    Unwrapped(Block, Block),
}

#[derive(Clone, Debug)]
struct Blit {
    key: Block,
    iv: Block,
    info: Option<EncryptedBlockInfo>,
    data: Vec<u8>,
    expected: Vec<u8>,
}

#[derive(Debug, Default)]
struct Memory {
    keys: Vec<(Block, Origin)>,
    blits: Vec<Blit>,
    ivs: Vec<Block>,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

fn with<T>(act: impl FnOnce(&mut Memory) -> T) -> Option<T> {
    MEMORY.with(|memory| memory.try_borrow_mut().ok().map(|mut memory| act(&mut memory)))
}

/// Forgets everything: a case begins.
pub(crate) fn forget() {
    with(|memory| *memory = Memory::default());
}

/// A key that the kit has computed or given.
pub(crate) fn note_key(key: Block, origin: Origin) {
    with(|memory| {
        if memory.keys.last() == Some(&(key, origin)) {
            return;
        }
        if memory.keys.len() == KEYS {
            memory.keys.remove(0);
        }
        memory.keys.push((key, origin));
    });
}

/// What should come of a blit.
pub(crate) fn note_blit(key: &Block, iv: &Block, info: Option<EncryptedBlockInfo>, data: &[u8], expected: &[u8]) {
    if data.len() > LONGEST {
        return;
    }
    with(|memory| {
        if memory.blits.len() == BLITS {
            memory.blits.remove(0);
        }
        if memory.ivs.len() == KEYS {
            memory.ivs.remove(0);
        }
        memory.ivs.push(*iv);
        let (data, expected) = (data.to_vec(), expected.to_vec());
        memory.blits.push(Blit { key: *key, iv: *iv, info, data, expected });
    });
}

/// The usual mistake that makes `seen` of the blit that should have made `expected`; none if it is no such blit, or no usual
/// mistake.
pub(crate) fn explain(expected: &[u8], seen: &[u8]) -> Option<String> {
    with(|memory| {
        let blit = memory.blits.iter().rev().find(|blit| blit.expected == expected)?;
        blit.without_cipher(seen)
            .or_else(|| blit.with_another_key(memory, seen))
            .or_else(|| blit.with_another_pattern(seen))
            .or_else(|| blit.with_another_counter(memory, seen))
            .or_else(|| blit.with_another_mode(seen))
            .or_else(|| blit.in_part(seen))
    })
    .flatten()
}

impl Blit {
    /// Whether the beginning comes out so.
    fn fits(&self, key: &Block, iv: &Block, info: Option<EncryptedBlockInfo>, seen: &[u8]) -> bool {
        let len = self.data.len().min(COMPARED);
        // A few bytes alike are chance.
        let first = self.expected.iter().zip(seen).position(|(a, b)| a != b);
        len >= 8 && first.is_some_and(|first| first < len) && {
            let (data, seen) = (&self.data[..len], &seen[..len]);
            ctr::quietly(key, iv, info, data) == seen
        }
    }

    fn without_cipher(&self, seen: &[u8]) -> Option<String> {
        let text = if seen.iter().all(|byte| *byte == FILL) {
            "nothing was written"
        } else if seen == self.data {
            "the source was copied as it is"
        } else if seen.iter().all(|byte| *byte == 0) {
            "zeros were written"
        } else {
            return None;
        };
        Some(text.to_owned())
    }

    fn with_another_key(&self, memory: &Memory, seen: &[u8]) -> Option<String> {
        let fits = |key: &Block| self.fits(key, &self.iv, self.info, seen);
        let own = memory.keys.iter().rev().find(|(key, _)| *key == self.key).map(|(_, origin)| *origin);
        if let Some(Origin::Refreshed(old, number)) = own {
            if fits(&old) {
                return Some("the key is the one from before the refresh".to_owned());
            }
            if fits(&number) {
                return Some("the key is the number of the refresh alone".to_owned());
            }
            for bytes in 1..16 {
                let front = std::array::from_fn(|i| if i < bytes { self.key[i] } else { old[i] });
                let back = std::array::from_fn(|i| if i < bytes { old[i] } else { self.key[i] });
                if fits(&front) {
                    return Some(format!("only the first {bytes} bytes of the key are those of after the refresh"));
                }
                if fits(&back) {
                    return Some(format!(
                        "only the last {} bytes of the key are those of after the refresh",
                        16 - bytes
                    ));
                }
            }
            let reversed = std::array::from_fn(|i| old[i] ^ number[15 - i]);
            if fits(&reversed) {
                return Some("the number was applied from its last byte to its first".to_owned());
            }
            if fits(&keys::xor(&self.key, &number)) {
                return Some("the number was applied twice, or not at all".to_owned());
            }
        }
        if let Some(Origin::Unwrapped(wrapped, under)) = own {
            if fits(&wrapped) {
                return Some("the wrapped key was used as it is".to_owned());
            }
            if fits(&under) {
                return Some("the session key was used in the place of the content key".to_owned());
            }
            if fits(&keys::encrypt_block(&under, &wrapped)) {
                return Some("the content key was encrypted once more, not decrypted".to_owned());
            }
            if fits(&keys::xor(&keys::decrypt_block(&under, &wrapped), &under)) {
                return Some("the content key was unwrapped and then combined with the session key".to_owned());
            }
            for (other, origin) in memory.keys.iter().rev().filter(|(other, _)| *other != under) {
                if fits(&keys::decrypt_block(other, &wrapped)) {
                    return Some(format!("the content key was unwrapped with {}", Self::name(&under, memory, *origin)));
                }
            }
        }
        if fits(&[0; 16]) {
            return Some("the key is zero".to_owned());
        }
        for (key, origin) in memory.keys.iter().rev().filter(|(key, _)| *key != self.key) {
            if fits(key) {
                return Some(format!("the key is {}", Self::name(&self.key, memory, *origin)));
            }
        }
        // A refresh that came too soon: a number that has not been applied.
        for (key, origin) in &memory.keys {
            if let Origin::Refreshed(_, number) = origin
                && fits(&keys::xor(&self.key, number))
            {
                let _ = key;
                return Some("the key is the right one XOR the number of an earlier refresh".to_owned());
            }
        }
        None
    }

    /// What another key is, seen from the right one.
    fn name(right: &Block, memory: &Memory, origin: Origin) -> String {
        let later = memory
            .keys
            .iter()
            .any(|(_, origin)| matches!(origin, Origin::Refreshed(old, _) | Origin::Unwrapped(_, old) if old == right));
        match origin {
            Origin::Exchanged => "that of another key exchange: an earlier one, or another session's".to_owned(),
            Origin::Refreshed(old, _) if old == *right => "that of after the refresh".to_owned(),
            Origin::Refreshed(..) => "that of another refresh: an earlier one, or another session's".to_owned(),
            Origin::Unwrapped(_, under) if under == *right => "a content key or read-back key".to_owned(),
            Origin::Unwrapped(..) if later => "another content key or read-back key".to_owned(),
            Origin::Unwrapped(..) => "another content key or read-back key: an earlier one".to_owned(),
        }
    }

    fn with_another_counter(&self, memory: &Memory, seen: &[u8]) -> Option<String> {
        let fits = |iv: &Block| self.fits(&self.key, iv, self.info, seen);
        let [high, low]: [[u8; 8]; 2] = [std::array::from_fn(|i| self.iv[i]), std::array::from_fn(|i| self.iv[8 + i])];
        let of = |high: [u8; 8], low: [u8; 8]| -> Block { [high, low].concat().try_into().unwrap_or_default() };
        let reversed = |mut bytes: [u8; 8]| {
            bytes.reverse();
            bytes
        };
        let count = u64::from_be_bytes(low);
        for (iv, text) in [
            (of(high, [0; 8]), "Count begins at 0, not where it should"),
            (of([0; 8], low), "the IV is not used"),
            ([0; 16], "IV and Count are not used"),
            (of(low, high), "IV and Count have changed places"),
            (of(reversed(high), low), "the IV's bytes are reversed"),
            (of(high, reversed(low)), "Count's bytes are reversed"),
            (of(high, count.wrapping_add(1).to_be_bytes()), "Count begins one too late"),
            (of(high, count.wrapping_sub(1).to_be_bytes()), "Count begins one too early"),
            (of(high, (count & 0xffff_ffff).to_be_bytes()), "only 32 bits of Count are used"),
        ] {
            if iv != self.iv && fits(&iv) {
                return Some(text.to_owned());
            }
        }
        if let Some(iv) = memory.ivs.iter().rev().find(|iv| **iv != self.iv && fits(iv)) {
            let last = memory.ivs.iter().rev().find(|other| **other != self.iv) == Some(iv);
            return Some(
                if last { "the IV is that of the blit before" } else { "the IV is that of an earlier blit" }.to_owned(),
            );
        }
        let with = |next: &dyn Fn(&Block, u64) -> Block| self.with_stream(seen, next);
        if with(&|iv, at| (u128::from_be_bytes(*iv).wrapping_add(u128::from(at))).to_be_bytes()) {
            return Some("Count carries into the IV".to_owned());
        }
        if with(&|iv, at| {
            let mut iv = *iv;
            let low = u32::from_be_bytes([iv[12], iv[13], iv[14], iv[15]]);
            let at = u32::try_from(at & 0xffff_ffff).unwrap_or_default();
            iv[12..].copy_from_slice(&low.wrapping_add(at).to_be_bytes());
            iv
        }) {
            return Some("Count is a number of 32 bits: the carry into its upper half is lost".to_owned());
        }
        if with(&|iv, at| {
            let mut iv = *iv;
            let low = u64::from_le_bytes(std::array::from_fn(|i| iv[8 + i]));
            iv[8..].copy_from_slice(&low.wrapping_add(at).to_le_bytes());
            iv
        }) {
            return Some("Count goes up as a little-endian number".to_owned());
        }
        if with(&|iv, _| *iv) {
            return Some("Count does not go up: each block has the same key stream".to_owned());
        }
        self.at_another_place(seen)
    }

    /// Whether the counter block of each block, made by `next`, explains what was seen.
    fn with_stream(&self, seen: &[u8], next: &dyn Fn(&Block, u64) -> Block) -> bool {
        let len = self.data.len();
        let first = self.expected.iter().zip(seen).position(|(a, b)| a != b).unwrap_or(len);
        // Around the first difference: a carry may come late.
        let from = first.saturating_sub(256);
        let to = len.min(first + 256);
        let mut position = 0_u64;
        let mut block = None;
        for (at, (byte, seen)) in self.data.iter().zip(seen).enumerate().take(to) {
            if !ctr::is_encrypted(self.info, at) {
                continue;
            }
            if at >= from {
                let number = position / 16;
                if block.as_ref().is_none_or(|(at, _)| *at != number) {
                    block = Some((number, keys::encrypt_block(&self.key, &next(&self.iv, number))));
                }
                let place = usize::try_from(position % 16).unwrap_or_default();
                if block.as_ref().is_none_or(|(_, stream)| byte ^ stream[place] != *seen) {
                    return false;
                }
            }
            position += 1;
        }
        to > first
    }

    /// The right key stream, from a wrong place on.
    fn at_another_place(&self, seen: &[u8]) -> Option<String> {
        let encrypted = |at: &usize| ctr::is_encrypted(self.info, *at);
        let differs = |at: &usize| self.expected[*at] != seen[*at];
        let first = (0..self.data.len()).filter(encrypted).find(differs)?;
        let places: Vec<_> = (first..self.data.len()).filter(encrypted).take(12).collect();
        if places.len() < 8 || self.data.len() > 1 << 20 {
            return None;
        }
        let used: Vec<u8> = places.iter().map(|at| self.data[*at] ^ seen[*at]).collect();
        let right = (0..first).filter(encrypted).count();
        let stream = ctr::keystream(&self.key, &self.iv, self.data.len() + 4096);
        let found = stream.windows(used.len()).position(|window| window == used)?;
        Some(match found {
            0 => format!("the key stream starts again at byte {first}, where it should go on"),
            found => format!("at byte {first} the key stream is at its byte {found}, and should be at {right}"),
        })
    }

    fn with_another_pattern(&self, seen: &[u8]) -> Option<String> {
        let info = self.info?;
        let fits = |info| self.fits(&self.key, &self.iv, info, seen);
        let EncryptedBlockInfo { at_beginning, skip, encrypt } = info;
        for (other, text) in [
            (None, "everything was taken to be encrypted: the block information was not looked at"),
            (Some(EncryptedBlockInfo { at_beginning: 0, ..info }), "the beginning was taken to have no bytes"),
            (
                Some(EncryptedBlockInfo { at_beginning, skip: encrypt, encrypt: skip }),
                "skipped and encrypted runs have changed places",
            ),
            (Some(EncryptedBlockInfo { skip: 0, encrypt: 0, ..info }), "only the beginning was decrypted"),
        ] {
            if other != self.info && fits(other) {
                return Some(text.to_owned());
            }
        }
        // Skipped bytes take key stream.
        let stream = ctr::keystream(&self.key, &self.iv, self.data.len());
        let taken = self.data.iter().zip(&stream).enumerate();
        let taken = taken.map(|(at, (byte, key))| if ctr::is_encrypted(self.info, at) { byte ^ key } else { *byte });
        taken.eq(seen.iter().copied()).then(|| "skipped bytes took key stream".to_owned())
    }

    fn with_another_mode(&self, seen: &[u8]) -> Option<String> {
        let cipher = Aes128::new((&self.key).into());
        let decrypt = |block: &Block| {
            let mut block = *block;
            cipher.decrypt_block((&mut block).into());
            block
        };
        let blocks = self.data.as_chunks::<16>().0;
        let shown = seen.as_chunks::<16>().0;
        if blocks.is_empty() || shown.len() != blocks.len() {
            return None;
        }
        let cbc = blocks.iter().scan(self.iv, |last, block| {
            let clear = keys::xor(&decrypt(block), last);
            *last = *block;
            Some(clear)
        });
        if cbc.eq(shown.iter().copied()) {
            return Some("it was decrypted in the mode CBC".to_owned());
        }
        let ecb = blocks.iter().map(decrypt);
        ecb.eq(shown.iter().copied()).then(|| "it was decrypted block by block (ECB)".to_owned())
    }

    /// Right up to some byte.
    fn in_part(&self, seen: &[u8]) -> Option<String> {
        let first = self.expected.iter().zip(seen).position(|(a, b)| a != b)?;
        let last = self.expected.iter().zip(seen).rposition(|(a, b)| a != b)?;
        let (rest, data) = (&seen[first..=last], &self.data[first..=last]);
        let end = if last + 1 == seen.len() { "from there to the end" } else { "there" };
        if rest.iter().all(|byte| *byte == FILL) {
            return Some(format!("right up to byte {first}; nothing was written {end}"));
        }
        if rest == data {
            return Some(format!("right up to byte {first}; the source was copied as it is {end}"));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Block = [3; 16];
    const NUMBER: Block = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20];
    const IV: Block = [1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    const INFO: EncryptedBlockInfo = EncryptedBlockInfo { at_beginning: 16, skip: 32, encrypt: 16 };

    fn data() -> Vec<u8> {
        (0..200).map(|i| u8::try_from(i * 7 % 251).unwrap()).collect()
    }

    /// What is said when `seen` comes out of a blit under a refreshed key.
    fn said(info: Option<EncryptedBlockInfo>, seen: impl FnOnce(&Block, &[u8]) -> Vec<u8>) -> Option<String> {
        forget();
        note_key(OLD, Origin::Exchanged);
        let key = keys::refreshed(&OLD, &NUMBER);
        let data = data();
        let expected = ctr::apply(&key, &IV, info, &data);
        explain(&expected, &seen(&key, &data))
    }

    #[test]
    fn wrong_keys_are_named() {
        let with = |key: Block| said(None, |_, data| ctr::quietly(&key, &IV, None, data)).unwrap();
        assert_eq!(with(OLD), "the key is the one from before the refresh");
        assert_eq!(with(NUMBER), "the key is the number of the refresh alone");
        assert_eq!(with([0; 16]), "the key is zero");
        let half = said(None, |key, data| {
            let half: Block = std::array::from_fn(|i| if i < 8 { key[i] } else { OLD[i] });
            ctr::quietly(&half, &IV, None, data)
        });
        assert_eq!(half.unwrap(), "only the first 8 bytes of the key are those of after the refresh");
        assert_eq!(said(None, |_, data| ctr::quietly(&[77; 16], &IV, None, data)), None);
    }

    #[test]
    fn content_keys_that_were_unwrapped_wrongly_are_named() {
        let (wrapped, data) = ([9; 16], data());
        for (key, text) in [
            (wrapped, "the wrapped key was used as it is"),
            (OLD, "the session key was used in the place of the content key"),
            (keys::encrypt_block(&OLD, &wrapped), "the content key was encrypted once more, not decrypted"),
        ] {
            forget();
            note_key(OLD, Origin::Exchanged);
            let right = keys::unwrap(&OLD, &wrapped);
            let expected = ctr::apply(&right, &IV, None, &data);
            assert_eq!(explain(&expected, &ctr::quietly(&key, &IV, None, &data)).unwrap(), text);
        }
    }

    #[test]
    fn wrong_counters_are_named() {
        let with = |iv: Block| said(None, |key, data| ctr::quietly(key, &iv, None, data)).unwrap();
        let mut zero = IV;
        zero[8..].fill(0);
        assert_eq!(with(zero), "Count begins at 0, not where it should");
        assert_eq!(with([0; 16]), "IV and Count are not used");
        let carried = said(None, |key, data| {
            let stream = (0..13_u128)
                .flat_map(|at| keys::encrypt_block(key, &u128::from_be_bytes(IV).wrapping_add(at).to_be_bytes()));
            data.iter().zip(stream).map(|(byte, key)| byte ^ key).collect()
        });
        assert_eq!(carried.unwrap(), "Count carries into the IV");
        let rows = said(None, |key, data| data.chunks(40).flat_map(|row| ctr::quietly(key, &IV, None, row)).collect());
        assert_eq!(rows.unwrap(), "the key stream starts again at byte 40, where it should go on");
    }

    #[test]
    fn wrong_patterns_are_named() {
        let with = |info| said(Some(INFO), |key, data| ctr::quietly(key, &IV, info, data)).unwrap();
        assert!(with(None).contains("the block information was not looked at"));
        assert_eq!(with(Some(EncryptedBlockInfo { skip: 0, encrypt: 0, ..INFO })), "only the beginning was decrypted");
    }

    #[test]
    fn what_is_no_cipher_is_named() {
        assert_eq!(said(None, |_, data| data.to_vec()).unwrap(), "the source was copied as it is");
        assert_eq!(said(None, |_, data| vec![FILL; data.len()]).unwrap(), "nothing was written");
        let part = said(None, |key, data| {
            let mut right = ctr::quietly(key, &IV, None, data);
            right[192..].copy_from_slice(&data[192..]);
            right
        });
        assert_eq!(part.unwrap(), "right up to byte 192; the source was copied as it is from there to the end");
    }

    #[test]
    fn another_mode_is_named() {
        let mut data = data();
        data.truncate(64);
        forget();
        let expected = ctr::apply(&OLD, &IV, None, &data);
        let blocks: Vec<Block> = data.as_chunks::<16>().0.to_vec();
        let ecb: Vec<u8> = blocks.iter().flat_map(|block| keys::decrypt_block(&OLD, block)).collect();
        assert_eq!(explain(&expected, &ecb).unwrap(), "it was decrypted block by block (ECB)");
    }
}
