//! The kernel for any processor: the `aes` crate, whose AES takes the same time for all keys and data.

use core::array;

use aes::cipher::inout::InOutBuf;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt};
use aes::{Aes128Dec, Aes128Enc, Block};
use zeroize::optimization_barrier;

use super::buffer::{Buffer, Memory};
use super::pass::copy;
use super::sections::Mode;
use super::{Span, StreamPosition};
use crate::BLOCK;
use crate::section::{Section, Sections};

/// See [`super::run`].
pub(super) fn run<'i, 'o>(
    schedule: &Aes128Enc,
    place: StreamPosition,
    len: usize,
    spans: impl Iterator<Item = Span<'i, 'o>>,
) {
    let mut memory = Memory::new();
    let mut keystream = Keystream { schedule, buffer: Buffer::new(place, len, &mut memory) };
    for Span { data, encrypted } in spans {
        if encrypted { keystream.blocks(data) } else { copy(data) }
    }
    keystream.buffer.wipe();
}

/// See [`super::run_sections`].
pub(super) fn run_sections(schedule: &Aes128Enc, place: StreamPosition, len: usize, sections: Sections<'_, '_, '_>) {
    let mut memory = Memory::new();
    let mut keystream = Keystream { schedule, buffer: Buffer::new(place, len, &mut memory) };
    over(&mut keystream, sections);
    keystream.buffer.wipe();
}

/// See [`super::decrypt`].
pub(super) fn decrypt(schedule: &Aes128Dec, iv: [u8; BLOCK], sections: Sections<'_, '_, '_>) {
    let mut chain = Chain { schedule, iv, before: iv, states: array::from_fn(|_| Block::default()) };
    over(&mut chain, sections);
    chain.states.fill(Block::default());
    optimization_barrier(&chain.states);
}

/// Copies `sections`, the encrypted ones in `mode`.
fn over(mode: &mut impl Mode, sections: Sections<'_, '_, '_>) {
    for section in sections {
        match section {
            Section::Restart => mode.restart(),
            Section::Clear(data) => copy(data),
            Section::Blocks(data) => mode.blocks(data),
            Section::Stripes(data, stripes) => mode.periods(data, stripes),
            Section::Split(block) => mode.split(block),
        }
    }
}

/// Keystream of one call.
struct Keystream<'s, 'b> {
    schedule: &'s Aes128Enc,
    buffer: Buffer<'b>,
}

impl Keystream<'_, '_> {
    fn fill(&mut self) {
        let buffer = &mut self.buffer;
        let (counter, len) = (buffer.counter, buffer.left.next_multiple_of(BLOCK).min(buffer.size()));
        let (blocks, _) = Block::slice_as_chunks_mut(buffer.make_room(len));
        for (i, block) in (0..).zip(blocks.iter_mut()) {
            *block = counter.plus(i).block().into();
        }
        self.schedule.encrypt_blocks(blocks);
        buffer.filled(len);
    }
}

impl Mode for Keystream<'_, '_> {
    /// One keystream runs over all regions.
    fn restart(&mut self) {}

    /// XORs the next bytes of keystream onto `data`, which need not be whole blocks.
    fn blocks(&mut self, mut data: InOutBuf<'_, '_, u8>) {
        while !data.is_empty() {
            if self.buffer.ready() == 0 {
                self.fill();
            }
            let len = self.buffer.ready().min(data.len());
            let (mut now, rest) = data.split_at(len);
            now.xor_in2out(self.buffer.take(len));
            data = rest;
        }
    }
}

/// Blocks that are decrypted together.
const TOGETHER: usize = 8;

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
    iv: [u8; BLOCK],
    /// The ciphertext of the block before the next one, or the IV.
    before: [u8; BLOCK],
    states: [Block; TOGETHER],
}

impl Mode for Chain<'_> {
    fn restart(&mut self) {
        self.before = self.iv;
    }

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
