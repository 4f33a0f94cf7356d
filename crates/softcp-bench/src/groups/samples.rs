//! Samples as a player submits them: small, each under a content key that comes wrapped.

use std::hint::black_box;
use std::iter;
use std::ops::Range;
use std::rc::Rc;

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY, D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION,
};
use softcp_client::{ContentKey, WrappedContentKey};
use softcp_runtime::{EncryptedBlockInfo, Resource};

use super::{Planned, warm};
use crate::bench::Bench;
use crate::case::{Case, Implementation};
use crate::driver::{KeyedSession, read, write};
use crate::error::BenchError;
use crate::implementations::{AwsLc, RustCrypto, SLACK, SampleCipher, kernels, reference};
use crate::surface::{Ring, Shape, UNTOUCHED, content};

/// About what fits a network packet.
const SAMPLE: Shape = Shape::flat(1500);

const CONTENT_KEY: [u8; 16] = *b"a content key ..";

/// What is encrypted: as `DecryptionBlt` is told, and in bytes.
#[derive(Clone, Debug)]
struct Layout {
    info: Option<EncryptedBlockInfo>,
    runs: Vec<Range<usize>>,
}

impl Layout {
    fn whole() -> Self {
        Self { info: None, runs: iter::once(0..SAMPLE.visible()).collect() }
    }

    /// Clear bytes, and again and again after them encrypted and clear ones.
    fn pattern(skip: u32, encrypt: u32) -> Self {
        let (clear, encrypted) = (skip as usize, encrypt as usize);
        let starts = (clear..SAMPLE.visible()).step_by(clear + encrypted);
        let runs = starts.map(|start| start..(start + encrypted).min(SAMPLE.visible())).collect();
        Self { info: Some(EncryptedBlockInfo { at_beginning: 0, skip, encrypt }), runs }
    }

    /// The sample when it is open.
    fn opened(&self, sample: &[u8]) -> Vec<u8> {
        let mut opened = sample.to_vec();
        let gathered: Vec<_> = self.runs.iter().flat_map(|run| &sample[run.clone()]).copied().collect();
        let decrypted = reference(&CONTENT_KEY, &gathered);
        for (at, byte) in self.runs.iter().cloned().flatten().zip(decrypted) {
            opened[at] = byte;
        }
        opened
    }
}

pub(super) fn plan(bench: &mut Bench<'_>) -> Vec<Planned> {
    let layouts = [
        ("all encrypted", Layout::whole()),
        ("96 clear, 1404 encrypted", Layout::pattern(96, 1404)),
        ("pattern 144 clear, 16 encrypted", Layout::pattern(144, 16)),
    ];
    let schedule = warm(bench);
    layouts
        .into_iter()
        .map(|(name, layout)| Planned::new(name, schedule, move |bench| case(bench, name, &layout)))
        .collect()
}

fn case(bench: &Bench<'_>, name: &str, layout: &Layout) -> Result<Case, BenchError> {
    let sample = content(SAMPLE.visible());
    let opened = Rc::from(layout.opened(&sample));
    // The fastest of the others that are always there comes first: ratios are to it.
    let mut ciphers: Vec<(String, Box<dyn SampleCipher>)> =
        vec![("RustCrypto".to_owned(), Box::new(RustCrypto::new()))];
    for kernel in kernels() {
        ciphers.push((kernel.name().to_owned(), Box::new(kernel)));
    }
    if let Some(openssl) = &bench.openssl {
        ciphers.push(("OpenSSL".to_owned(), Box::new(openssl.cipher()?)));
    }
    ciphers.push(("aws-lc".to_owned(), Box::new(AwsLc::new()?)));
    let mut case = Case::new(name, None);
    for (name, cipher) in ciphers {
        let (source, destination) = (sample.clone(), vec![0; SAMPLE.visible() + SLACK]);
        let wrapped = RustCrypto::wrap(&CONTENT_KEY);
        case.add(name, &opened, ByCipher { cipher, wrapped, runs: layout.runs.clone(), source, destination });
    }
    let needed = [
        (D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT, "DECRYPTION_BLT"),
        (D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY, "CONTENT_KEY"),
        (D3D11_1DDI_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION, "PARTIAL_DECRYPTION"),
    ];
    for (link, of) in bench.links(&needed) {
        let keyed = link.session()?;
        let wrapped = keyed.client.wrap_content_key(&ContentKey::from(CONTENT_KEY));
        let resources = link.resources(1, SAMPLE, &sample)?;
        let name = format!("DecryptionBlt{of}");
        case.add(name, &opened, ByBlit { keyed, wrapped, info: layout.info, resources });
    }
    Ok(case)
}

/// A cipher and a sample.
struct ByCipher {
    cipher: Box<dyn SampleCipher>,
    wrapped: [u8; 16],
    runs: Vec<Range<usize>>,
    source: Vec<u8>,
    destination: Vec<u8>,
}

impl Implementation for ByCipher {
    fn call(&mut self) -> Result<(), BenchError> {
        self.cipher.open(&self.wrapped, &self.runs, black_box(&self.source), black_box(&mut self.destination))
    }

    fn prove(&mut self) -> Result<Vec<u8>, BenchError> {
        self.destination.fill(UNTOUCHED);
        self.call()?;
        Ok(self.destination[..self.source.len()].to_vec())
    }
}

/// A session of the driver and a sample.
struct ByBlit {
    keyed: KeyedSession,
    wrapped: WrappedContentKey,
    info: Option<EncryptedBlockInfo>,
    resources: Ring<Resource>,
}

impl Implementation for ByBlit {
    fn call(&mut self) -> Result<(), BenchError> {
        let iv = self.keyed.next_iv();
        let (source, destination) = self.resources.advance();
        let content_key = Some(&self.wrapped.as_bytes()[..]);
        Ok(self.keyed.session.decryption_blt(source, destination, self.info, content_key, &iv)?)
    }

    fn prove(&mut self) -> Result<Vec<u8>, BenchError> {
        write(&mut self.resources.advance().1, SAMPLE, &[UNTOUCHED; SAMPLE.visible()])?;
        self.call()?;
        read(&mut self.resources.advance().1, SAMPLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pattern_begins_clear_and_is_cut_at_the_end() {
        let one = |skip, encrypt| match &Layout::pattern(skip, encrypt).runs[..] {
            [run] => (run.start, run.end),
            runs => panic!("{runs:?}"),
        };
        assert_eq!([one(96, 1404), one(1000, 400), one(1490, 400)], [(96, 1500), (1000, 1400), (1490, 1500)]);
        let runs = Layout::pattern(144, 16).runs;
        assert_eq!((runs.len(), &runs[0], &runs[8]), (9, &(144..160), &(1424..1440)));
    }

    #[test]
    fn opened_sample_keeps_its_clear_bytes_and_no_other() {
        let sample = content(SAMPLE.visible());
        let opened = Layout::pattern(96, 1404).opened(&sample);
        assert_eq!(opened[..96], sample[..96]);
        assert_eq!(opened[96..], reference(&CONTENT_KEY, &sample[96..]));
    }
}
