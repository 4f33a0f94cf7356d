//! The kernel for any processor: the `aes` crate, whose AES takes the same time for all keys and data.

use aes::cipher::BlockCipherEncrypt;
use aes::{Aes128Enc, Block};

use super::buffer::{Buffer, Memory};
use super::{Piece, Place};

/// See [`super::run`].
pub(super) fn run<'i, 'o>(schedule: &Aes128Enc, place: Place, len: usize, pieces: impl Iterator<Item = Piece<'i, 'o>>) {
    let mut memory = Memory::new();
    let mut buffer = Buffer::new(place, len, &mut memory);
    for Piece { mut data, encrypted } in pieces {
        if !encrypted {
            let _ = data.into_out_with_copied_in();
            continue;
        }
        while !data.is_empty() {
            if buffer.ready() == 0 {
                fill(schedule, &mut buffer);
            }
            let (mut now, rest) = {
                let len = buffer.ready().min(data.len());
                data.split_at(len)
            };
            now.xor_in2out(buffer.take(now.len()));
            data = rest;
        }
    }
    buffer.wipe();
}

fn fill(schedule: &Aes128Enc, buffer: &mut Buffer<'_>) {
    let (counter, len) = (buffer.counter, buffer.left.next_multiple_of(crate::BLOCK).min(buffer.size()));
    let (blocks, _) = Block::slice_as_chunks_mut(buffer.make_room(len));
    for (i, block) in (0..).zip(blocks.iter_mut()) {
        *block = counter.plus(i).block().into();
    }
    schedule.encrypt_blocks(blocks);
    buffer.filled(len);
}
