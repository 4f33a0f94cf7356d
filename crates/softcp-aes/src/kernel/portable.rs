//! The kernel for any processor: the `aes` crate, whose AES takes the same time for all keys and data.

use core::array;

use aes::cipher::inout::InOutBuf;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt};
use aes::{Aes128Dec, Aes128Enc, Block};
use zeroize::optimization_barrier;

use super::buffer::{Buffer, Memory};
use super::{Piece, Place};
use crate::BLOCK;
use crate::region::Stripes;
use crate::section::{Section, Sections};

/// See [`super::run`].
pub(super) fn run<'i, 'o>(schedule: &Aes128Enc, place: Place, len: usize, pieces: impl Iterator<Item = Piece<'i, 'o>>) {
    let mut memory = Memory::new();
    let mut buffer = Buffer::new(place, len, &mut memory);
    for Piece { data, encrypted } in pieces {
        if encrypted { encrypt(schedule, &mut buffer, data) } else { copy(data) }
    }
    buffer.wipe();
}

/// See [`super::run_sections`].
pub(super) fn run_sections(schedule: &Aes128Enc, place: Place, len: usize, sections: Sections<'_, '_, '_>) {
    let mut memory = Memory::new();
    let mut buffer = Buffer::new(place, len, &mut memory);
    for section in sections {
        match section {
            Section::Restart => {}
            Section::Clear(data) => copy(data),
            Section::Blocks(data) => encrypt(schedule, &mut buffer, data),
            Section::Stripes(mut data, Stripes { encrypted, period }) => {
                while !data.is_empty() {
                    let (blocks, rest) = data.split_at(encrypted);
                    let (clear, rest) = rest.split_at(period - encrypted);
                    encrypt(schedule, &mut buffer, blocks);
                    copy(clear);
                    data = rest;
                }
            }
            Section::Split(mut block) => {
                let mut bytes = block.read();
                encrypt(schedule, &mut buffer, (&mut bytes[..]).into());
                block.write(&bytes);
                bytes = [0; BLOCK];
                optimization_barrier(&bytes);
            }
        }
    }
    buffer.wipe();
}

/// XORs the next bytes of keystream onto `data`.
fn encrypt(schedule: &Aes128Enc, buffer: &mut Buffer<'_>, mut data: InOutBuf<'_, '_, u8>) {
    while !data.is_empty() {
        if buffer.ready() == 0 {
            fill(schedule, buffer);
        }
        let len = buffer.ready().min(data.len());
        let (mut now, rest) = data.split_at(len);
        now.xor_in2out(buffer.take(now.len()));
        data = rest;
    }
}

fn fill(schedule: &Aes128Enc, buffer: &mut Buffer<'_>) {
    let (counter, len) = (buffer.counter, buffer.left.next_multiple_of(BLOCK).min(buffer.size()));
    let (blocks, _) = Block::slice_as_chunks_mut(buffer.make_room(len));
    for (i, block) in (0..).zip(blocks.iter_mut()) {
        *block = counter.plus(i).block().into();
    }
    schedule.encrypt_blocks(blocks);
    buffer.filled(len);
}

/// Blocks that are decrypted together.
const TOGETHER: usize = 8;

/// See [`super::decrypt`].
pub(super) fn decrypt(schedule: &Aes128Dec, iv: [u8; BLOCK], sections: Sections<'_, '_, '_>) {
    let mut chain = Chain { schedule, before: iv, states: array::from_fn(|_| Block::default()) };
    for section in sections {
        match section {
            Section::Restart => chain.before = iv,
            Section::Clear(data) => copy(data),
            Section::Blocks(data) => chain.blocks(data),
            Section::Stripes(mut data, Stripes { encrypted, period }) => {
                while !data.is_empty() {
                    let (blocks, rest) = data.split_at(encrypted);
                    let (clear, rest) = rest.split_at(period - encrypted);
                    chain.blocks(blocks);
                    copy(clear);
                    data = rest;
                }
            }
            Section::Split(mut block) => {
                let mut bytes = block.read();
                chain.blocks((&mut bytes[..]).into());
                block.write(&bytes);
                bytes = [0; BLOCK];
                optimization_barrier(&bytes);
            }
        }
    }
    chain.states.fill(Block::default());
    optimization_barrier(&chain.states);
}

/// See [`super::rounds_alone`].
pub(super) fn rounds_alone(schedule: &Aes128Dec, blocks: usize) -> [u8; BLOCK] {
    let mut states: [Block; TOGETHER] = array::from_fn(|_| Block::default());
    for _ in 0..blocks.div_ceil(TOGETHER) {
        schedule.decrypt_blocks(&mut states);
    }
    states[0].into()
}

/// Where a chain of CBC stands.
struct Chain<'s> {
    schedule: &'s Aes128Dec,
    /// The ciphertext of the block before the next one, or the IV.
    before: [u8; BLOCK],
    states: [Block; TOGETHER],
}

impl Chain<'_> {
    /// Decrypts whole blocks.
    fn blocks(&mut self, mut data: InOutBuf<'_, '_, u8>) {
        while !data.is_empty() {
            let len = data.len().min(TOGETHER * BLOCK);
            let (mut now, rest) = data.split_at(len);
            let states = &mut self.states[..len / BLOCK];
            for (state, ciphertext) in states.iter_mut().zip(now.get_in().chunks_exact(BLOCK)) {
                state.copy_from_slice(ciphertext);
            }
            self.schedule.decrypt_blocks(states);
            for (i, state) in states.iter_mut().enumerate() {
                let ciphertext = array::from_fn(|byte| now.get_in()[i * BLOCK + byte]);
                for (byte, before) in state.iter_mut().zip(core::mem::replace(&mut self.before, ciphertext)) {
                    *byte ^= before;
                }
                now.get_out()[i * BLOCK..][..BLOCK].copy_from_slice(state);
            }
            data = rest;
        }
    }
}

fn copy(data: InOutBuf<'_, '_, u8>) {
    let _ = data.into_out_with_copied_in();
}
