//! SoftCP's own kernels: `softcp-ctr`, without the driver around it.

use std::iter;
use std::ops::Range;

use softcp_ctr::{Key, Keystream, Rows, RowsMut};

use super::{Cipher, IV, KEY, SampleCipher};
use crate::error::BenchError;
use crate::surface::Shape;

/// A kernel with its key ready.
pub(crate) struct Kernel {
    name: String,
    key: Key,
    /// Makes content keys ready.
    key_of: fn(&[u8; 16]) -> Key,
}

/// The kernels that this machine can run, the best one first. To be replaced by one for each of
/// `softcp_ctr::Kernel::available()`, with `Key::with_kernel`.
pub(crate) fn kernels() -> Vec<Kernel> {
    vec![Kernel { name: "softcp-ctr".to_owned(), key: Key::new(&KEY), key_of: Key::new }]
}

/// The kernel that a key gets by itself. To be replaced by `softcp_ctr::Kernel::best()`.
pub(crate) fn kernel_in_use() -> String {
    "portable".to_owned()
}

impl Kernel {
    /// What it is called among the contestants.
    pub(crate) fn name(&self) -> &str {
        &self.name
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
        let key = (self.key_of)(&content_key);
        let destination = &mut destination[..source.len()];
        let (rows, mut rows_mut) = (Rows::from(source), RowsMut::from(destination));
        Keystream::new(&key, IV).copy_runs(&rows, &mut rows_mut, runs.iter().cloned()).expect(FITS);
        let mut end = 0;
        for run in runs.iter().cloned().chain(iter::once(source.len()..source.len())) {
            softcp_ctr::copy(&rows, &mut rows_mut, end..run.start).expect(FITS);
            end = run.end;
        }
        Ok(())
    }
}
