//! Buffers of a decoder: CBC, and patterns.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Planned, warm};
use crate::bench::Bench;
use crate::case::Case;
use crate::error::BenchError;
use crate::implementations::{
    AwsLc, Copy, Layout, Limit, OnBuffers, RegionCipher, RegionRustCrypto, decrypted, region_kernels,
};
use crate::surface::{Ring, Shape, content};

/// As many bytes as a 1080p and a 4K surface have: whole blocks.
const HD: usize = 1920 * 1620;
const UHD: usize = 3840 * 3240;

/// What is measured: its name, its layout, its bytes, and whether it is measured in a quick run too.
type Sized = (&'static str, Layout, usize, bool);

const CBC: Layout = Layout { is_chained: true, pattern: None };
const CBCS_1_9: Layout = Layout { is_chained: true, pattern: Some((1, 9)) };
const CBCS_5_5: Layout = Layout { is_chained: true, pattern: Some((5, 5)) };
const CENS_1_9: Layout = Layout { is_chained: false, pattern: Some((1, 9)) };

const WHOLE: [Sized; 5] = [
    ("16 KiB", CBC, 16 << 10, false),
    ("256 KiB", CBC, 256 << 10, true),
    ("1 MiB", CBC, 1 << 20, false),
    ("3.1 MB", CBC, HD, false),
    ("12.4 MB", CBC, UHD, false),
];

const PATTERNS: [Sized; 9] = [
    ("cbcs 1:9, 16 KiB", CBCS_1_9, 16 << 10, false),
    ("cbcs 1:9, 64 KiB", CBCS_1_9, 64 << 10, false),
    ("cbcs 1:9, 256 KiB", CBCS_1_9, 256 << 10, true),
    ("cbcs 1:9, 3.1 MB", CBCS_1_9, HD, false),
    ("cbcs 1:9, 12.4 MB", CBCS_1_9, UHD, false),
    ("cbcs 5:5, 256 KiB", CBCS_5_5, 256 << 10, true),
    ("cbcs 5:5, 12.4 MB", CBCS_5_5, UHD, false),
    ("cens 1:9, 256 KiB", CENS_1_9, 256 << 10, true),
    ("cens 1:9, 12.4 MB", CENS_1_9, UHD, false),
];

pub(super) fn cbc(bench: &mut Bench<'_>) -> Vec<Planned> {
    planned(bench, &WHOLE)
}

pub(super) fn patterns(bench: &mut Bench<'_>) -> Vec<Planned> {
    planned(bench, &PATTERNS)
}

fn planned(bench: &Bench<'_>, sizes: &[Sized]) -> Vec<Planned> {
    let schedule = warm(bench);
    let chosen = sizes.iter().filter(|(.., is_quick)| *is_quick || !bench.quick);
    chosen
        .map(|&(name, layout, len, _)| Planned::new(name, schedule, move |bench| case(bench, name, layout, len)))
        .collect()
}

fn case(bench: &Bench<'_>, name: &str, layout: Layout, len: usize) -> Result<Case, BenchError> {
    let content = content(len);
    let clear: Rc<[u8]> = Rc::from(decrypted(layout, &content));
    // The plain copy first: ratios are to it.
    let mut ciphers: Vec<(&str, Box<dyn RegionCipher>)> = Vec::new();
    ciphers.extend(region_kernels().into_iter().map(|(name, kernel)| (name, Box::new(kernel) as Box<_>)));
    if let Some(openssl) = &bench.openssl {
        ciphers.push(("OpenSSL", Box::new(openssl.cipher()?)));
    }
    ciphers.push(("aws-lc", Box::new(AwsLc::new()?)));
    ciphers.push(("RustCrypto", Box::new(RegionRustCrypto::new())));

    let mut case = Case::new(name, Some(len));
    let ring = Rc::new(RefCell::new(Ring::of_buffers(1, Shape::flat(len), &content)));
    let on_buffers = |cipher, has_output| OnBuffers { cipher, ring: Rc::clone(&ring), layout, has_output };
    case.add("memcpy", &Rc::from(content), on_buffers(Box::new(Copy), true));
    case.add("AES limit", &Rc::from([]), on_buffers(Box::new(Limit::new()), false));
    for (name, cipher) in ciphers {
        case.add(name, &clear, on_buffers(cipher, true));
    }
    Ok(case)
}
