//! The kernel for any processor: RustCrypto's AES, many blocks at a time.

use aes::Block;
use aes::cipher::array::typenum::Unsigned;
use aes::cipher::consts::U16;
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
        let Self { position, len, pieces } = self;
        let mut left = len;
        // A batch of keystream, and the part of it that is still to be used.
        let mut batch = ParBlocks::<B>::default();
        let mut ready = position.taken..BLOCK;
        batch[0] = position.block.into();

        for mut piece in pieces {
            while !piece.is_empty() {
                if ready.is_empty() {
                    ready = 0..generate(backend, position, &mut batch, left);
                }
                let n = piece.len().min(ready.len());
                let (mut head, tail) = piece.split_at(n);
                head.xor_in2out(&batch.as_flattened()[ready.start..ready.start + n]);
                ready.start += n;
                left -= n;
                piece = tail;
            }
        }
        // Only the last block can have something left: a batch is as long as the rest of the call, rounded up to a block.
        position.taken = BLOCK - ready.len();
        position.bytes += len as u64;
        if !ready.is_empty() {
            position.block = batch[ready.end / BLOCK - 1].into();
        }
        batch.as_flattened_mut().zeroize();
    }
}

/// Fills `batch` with as many blocks of keystream as `wanted` bytes need, or with as many as fit; returns their bytes.
#[inline(always)]
fn generate<B: BlockCipherEncBackend<BlockSize = U16>>(
    backend: &B,
    position: &mut Position,
    batch: &mut ParBlocks<B>,
    wanted: usize,
) -> usize {
    let blocks = wanted.div_ceil(BLOCK).min(B::ParBlocksSize::USIZE);
    for block in &mut batch[..blocks] {
        *block = Block::from(position.counter.next_block());
    }
    // A whole batch costs about as much as an eighth of it block by block.
    if blocks > B::ParBlocksSize::USIZE / 8 {
        backend.encrypt_par_blocks(batch.into());
    } else {
        for block in &mut batch[..blocks] {
            backend.encrypt_block(block.into());
        }
    }
    blocks * BLOCK
}
