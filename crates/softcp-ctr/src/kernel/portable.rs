//! The kernel for any processor: the `aes` crate, many blocks at a time.

// What runs inside a backend of `aes` has to be compiled for that backend's processor features, which a function gets only
// by being inlined into it.
#![allow(clippy::inline_always)]

use aes::Block;
use aes::cipher::array::Array;
use aes::cipher::array::typenum::Unsigned;
use aes::cipher::consts::{U16, U64};
use aes::cipher::inout::InOutBuf;
use aes::cipher::{BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, ParBlocks};
use zeroize::Zeroize;

use super::Position;
use crate::BLOCK;
use crate::key::Key;

/// See [`super::xor`].
pub(super) fn xor<'i, 'o>(
    key: &Key,
    position: &mut Position,
    len: usize,
    pieces: impl Iterator<Item = InOutBuf<'i, 'o, u8>>,
) {
    key.schedule().encrypt_with_backend(Xor { position, len, pieces });
}

/// A call of up to this many blocks is done block by block when the backend's batch is larger: filling and clearing the batch
/// would cost more.
const SHORT: usize = 16;

/// What runs inside the backend that `aes` chose for this processor, so that its setup is paid once per call.
struct Xor<'p, I> {
    position: &'p mut Position,
    len: usize,
    pieces: I,
}

impl<I> BlockSizeUser for Xor<'_, I> {
    type BlockSize = U16;
}

impl<'i, 'o, I: Iterator<Item = InOutBuf<'i, 'o, u8>>> BlockCipherEncClosure for Xor<'_, I> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        if self.len <= SHORT * BLOCK && B::ParBlocksSize::USIZE > SHORT {
            self.run(backend, &mut [Block::default(); SHORT]);
        } else {
            self.run(backend, &mut ParBlocks::<B>::default());
        }
    }
}

impl<'i, 'o, I: Iterator<Item = InOutBuf<'i, 'o, u8>>> Xor<'_, I> {
    /// Makes keystream in `batch`, time and again, and XORs it onto the pieces as they come.
    #[inline(always)]
    fn run<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B, batch: &mut [Block]) {
        let Self { position, len, pieces } = self;
        let mut left = len;
        // The part of the batch that is not used yet: first what the call before this one left of its last block.
        batch[0] = position.block.into();
        let mut ready = position.taken..BLOCK;
        for mut piece in pieces {
            while !piece.is_empty() {
                if ready.is_empty() {
                    ready = 0..generate(backend, position, batch, left);
                }
                let n = piece.len().min(ready.len());
                let (head, tail) = piece.split_at(n);
                xor_piece(head, &Block::slice_as_flattened(batch)[ready.start..ready.start + n]);
                ready.start += n;
                left -= n;
                piece = tail;
            }
        }
        // No more than the rest of one block is left: the last batch ended with the block that the last byte is in.
        position.block = batch[ready.end / BLOCK - 1].into();
        position.taken = BLOCK - ready.len();
        position.bytes += len as u64;
        Block::slice_as_flattened_mut(batch).zeroize();
    }
}

/// Fills `batch` with as many blocks of keystream as `wanted` bytes need, or with as many as fit; returns their bytes.
#[inline(always)]
fn generate<B: BlockCipherEncBackend<BlockSize = U16>>(
    backend: &B,
    position: &mut Position,
    batch: &mut [Block],
    wanted: usize,
) -> usize {
    let blocks = wanted.div_ceil(BLOCK).min(batch.len());
    position.counter.fill(&mut batch[..blocks]);
    match ParBlocks::<B>::slice_as_mut_array(batch) {
        // A whole batch costs about as much as a quarter of it block by block.
        Some(batch) if blocks > B::ParBlocksSize::USIZE / 4 => backend.encrypt_par_blocks(batch.into()),
        _ => batch[..blocks].iter_mut().for_each(|block| backend.encrypt_block(block.into())),
    }
    blocks * BLOCK
}

/// XORs `keystream` onto a piece of the same length.
#[inline(always)]
fn xor_piece(piece: InOutBuf<'_, '_, u8>, keystream: &[u8]) {
    // Whole chunks are loaded before they are stored, so that they become vector instructions in place, too.
    let (wide, piece) = piece.into_chunks::<U64>();
    let (wide_keystream, keystream) = Array::<u8, U64>::slice_as_chunks(keystream);
    for (mut chunk, keystream) in wide.into_iter().zip(wide_keystream) {
        chunk.xor_in2out(keystream);
    }
    let (narrow, mut piece) = piece.into_chunks::<U16>();
    let (narrow_keystream, keystream) = Block::slice_as_chunks(keystream);
    for (mut chunk, keystream) in narrow.into_iter().zip(narrow_keystream) {
        chunk.xor_in2out(keystream);
    }
    piece.xor_in2out(keystream);
}
