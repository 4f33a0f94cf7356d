//! SoftCP's own kernels: `softcp-aes`, without the driver around it.

use std::ops::Range;

use softcp_aes::{Key, Keystream, Rows, RowsMut, Run};

use super::{Cipher, IV, KEY, SampleCipher};
use crate::error::BenchError;
use crate::surface::Shape;

/// A kernel with its key ready.
pub(crate) struct Kernel {
    kernel: softcp_aes::Kernel,
    key: Key,
}

/// The kernels that this machine has, the best one first.
pub(crate) fn kernels() -> Vec<Kernel> {
    softcp_aes::Kernel::available().map(|kernel| Kernel { kernel, key: key_of(&KEY, kernel) }).collect()
}

/// The kernel that a key gets by itself.
pub(crate) fn kernel_in_use() -> String {
    softcp_aes::Kernel::best().to_string()
}

fn key_of(bytes: &[u8; 16], kernel: softcp_aes::Kernel) -> Key {
    Key::with_kernel(bytes, kernel).expect("it is available")
}

impl Kernel {
    /// What it is called among the implementations.
    pub(crate) fn name(&self) -> &str {
        self.kernel.name()
    }
}

/// Measures of a surface agree with its memory by the way it was made.
const FITS: &str = "the buffers were made for this shape";

impl Cipher for Kernel {
    fn begin(&mut self) -> Result<(), BenchError> {
        Ok(())
    }

    fn copy(&mut self, source: &[u8], destination: &mut [u8]) -> Result<(), BenchError> {
        let destination = &mut destination[..source.len()];
        Keystream::new(&self.key, IV).apply(source, destination).expect(FITS);
        Ok(())
    }

    fn in_place(&mut self, data: &mut [u8]) -> Result<(), BenchError> {
        Keystream::new(&self.key, IV).apply_in_place(data);
        Ok(())
    }

    /// One call, whatever the pitch.
    fn surface(&mut self, shape: Shape, source: &[u8], destination: &mut [u8]) -> Result<(), BenchError> {
        let Shape { row_pitch, row_bytes, rows } = shape;
        let source = Rows::new(source, row_pitch, row_bytes, rows).expect(FITS);
        let mut destination = RowsMut::new(destination, row_pitch, row_bytes, rows).expect(FITS);
        Keystream::new(&self.key, IV).copy(&source, &mut destination, 0..shape.visible()).expect(FITS);
        Ok(())
    }
}

impl SampleCipher for Kernel {
    fn open(
        &mut self,
        wrapped: &[u8; 16],
        runs: &[Range<usize>],
        source: &[u8],
        destination: &mut [u8],
    ) -> Result<(), BenchError> {
        let mut content_key = *wrapped;
        self.key.decrypt_block(&mut content_key);
        let key = key_of(&content_key, self.kernel);
        let destination = &mut destination[..source.len()];
        let len = source.len();
        // Clear and encrypted in turn: what comes before each run, and behind the last one, is clear.
        let all = (0..=2 * runs.len()).map(|i| {
            let clear_from = (i / 2).checked_sub(1).map_or(0, |before| runs[before].end);
            let clear_to = runs.get(i / 2).map_or(len, |run| run.start);
            let encrypted = i % 2 == 1;
            Run { range: if encrypted { runs[i / 2].clone() } else { clear_from..clear_to }, encrypted }
        });
        let (rows, mut rows_mut) = (Rows::from(source), RowsMut::from(destination));
        Keystream::new(&key, IV).copy_runs(&rows, &mut rows_mut, all).expect(FITS);
        Ok(())
    }
}
