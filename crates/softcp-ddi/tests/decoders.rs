//! Decoder buffers through the core functions: pointers, sizes, overlap, versions. What keys, patterns and subsamples
//! mean is tested with the engine.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::ffi::c_void;
use std::mem::offset_of;
use std::ptr::{null, null_mut};

use common::{TestDevice, TestSession, size_u32};
use softcp_abi::{
    D3D11_DECODER_ENCRYPTION_HW_CENC, D3DERR_INVALIDCALL, D3DERR_UNSUPPORTEDCRYPTO, E_INVALIDARG, GUID, HRESULT, S_OK,
};
use softcp_client::{AesCtrIv, ClientSession, ContentKey, Scheme, Stripes, Subsample, SystemRandom};
use softcp_ddi::core::decoder::{
    softcp_decoder_begin_frame, softcp_decoder_buffer, softcp_decoder_decrypt_buffer, softcp_decoder_desc,
    softcp_decoder_end_frame, softcp_decoder_register, softcp_subsample,
};
use softcp_ddi::core::session::softcp_encrypted_block_info;

/// A decoder whose frames name their session.
struct Decoding {
    device: TestDevice,
    session: TestSession,
    client: ClientSession,
    decoder: usize,
}

impl Decoding {
    fn new() -> Self {
        Self::with("", D3D11_DECODER_ENCRYPTION_HW_CENC)
    }

    fn with(options: &str, encryption: GUID) -> Self {
        let device = TestDevice::alone(options);
        let (session, client) = device.keyed_session(&device.certificate());
        let desc =
            softcp_decoder_desc { size: size_u32::<softcp_decoder_desc>(), bitstream_encryption: encryption.into() };
        let mut decoder = 0;
        // SAFETY: the device lives; description and output live past the call.
        let hresult = unsafe { softcp_decoder_register(device.as_ptr(), &raw const desc, &raw mut decoder) };
        assert_eq!(hresult, S_OK);
        Self { device, session, client, decoder }
    }

    fn begin(&self, key: Option<&[u8]>) -> HRESULT {
        let (size, data) = key.map_or((0, null()), |key| (u32::try_from(key.len()).unwrap(), key.as_ptr().cast()));
        let (device, session) = (self.device.as_ptr(), self.session.id());
        // SAFETY: the device lives, the key lives past the call.
        unsafe { softcp_decoder_begin_frame(device, self.decoder, session, size, data, null()) }
    }

    fn end(&self) -> HRESULT {
        // SAFETY: the device lives.
        unsafe { softcp_decoder_end_frame(self.device.as_ptr(), self.decoder) }
    }

    fn decrypt(&self, buffer: &softcp_decoder_buffer) -> HRESULT {
        // SAFETY: the device lives; each test says what its pointers are valid for.
        unsafe { softcp_decoder_decrypt_buffer(self.device.as_ptr(), self.decoder, buffer) }
    }
}

fn described(source: &[u8], destination: &mut [u8], iv: &[u8]) -> softcp_decoder_buffer {
    softcp_decoder_buffer {
        size: size_u32::<softcp_decoder_buffer>(),
        buffer_type: 6,
        source: source.as_ptr().cast(),
        destination: destination.as_mut_ptr().cast(),
        iv: iv.as_ptr().cast(),
        data_size: u32::try_from(source.len()).unwrap(),
        iv_size: u32::try_from(iv.len()).unwrap(),
        ..softcp_decoder_buffer::default()
    }
}

#[test]
fn subsamples_patterns_and_whole_buffers_are_decrypted() {
    let decoding = Decoding::new();
    let clear: Vec<u8> = (0..100).collect();
    let iv = AesCtrIv { iv: 5, count: 0 };
    let cipher = decoding.client.data_cipher();
    let mut whole = clear.clone();
    cipher.encrypt(iv, &mut whole);
    // The first 40 bytes encrypted, said in each way.
    let mut beginning = clear.clone();
    cipher.encrypt(iv, &mut beginning[..40]);
    let subsamples = [
        softcp_subsample { clear_size: 0, encrypted_size: 40 },
        softcp_subsample { clear_size: 60, encrypted_size: 0 },
    ];
    let pattern = softcp_encrypted_block_info { at_beginning: 40, skip: 60, encrypt: 0 };
    assert_eq!(decoding.begin(None), S_OK);
    let iv = iv.to_bytes();
    for (data, pattern, subsamples) in
        [(&whole, None, &[][..]), (&beginning, Some(&pattern), &[]), (&beginning, None, &subsamples)]
    {
        let mut out = vec![0; 100];
        let mut buffer = described(data, &mut out, &iv);
        buffer.pattern = pattern.map_or(null(), std::ptr::from_ref);
        buffer.subsamples = subsamples.as_ptr();
        buffer.subsample_count = u32::try_from(subsamples.len()).unwrap();
        assert_eq!(decoding.decrypt(&buffer), S_OK);
        assert_eq!(out, clear);
    }
    let mut in_place = whole.clone();
    let mut buffer = described(&whole, &mut in_place, &iv);
    buffer.source = buffer.destination;
    assert_eq!(decoding.decrypt(&buffer), S_OK);
    assert_eq!(in_place, clear);
    buffer.iv = null();
    assert_eq!(decoding.decrypt(&buffer), S_OK, "a clear buffer in place");
    assert_eq!(in_place, clear);
    assert_eq!((decoding.end(), decoding.end()), (S_OK, D3DERR_INVALIDCALL));
}

#[test]
fn bad_buffers_are_refused_and_not_written() {
    let decoding = Decoding::new();
    assert_eq!(decoding.begin(None), S_OK);
    let (source, iv) = ([1_u8; 64], [0_u8; 16]);
    let mut out = [7_u8; 64];
    let good = described(&source, &mut out, &iv);
    let subsample = softcp_subsample { clear_size: 0, encrypted_size: 64 };
    let pattern = softcp_encrypted_block_info { at_beginning: 64, skip: 0, encrypt: 0 };
    let with = |change: &dyn Fn(&mut softcp_decoder_buffer)| {
        let mut buffer = good;
        change(&mut buffer);
        buffer
    };
    let one_further = |pointer: *mut c_void| pointer.cast::<u8>().wrapping_add(1).cast::<c_void>();
    let cases = [
        with(&|buffer| buffer.size = 8),
        with(&|buffer| buffer.source = null()),
        with(&|buffer| buffer.destination = null_mut()),
        with(&|buffer| buffer.iv_size = 8),
        with(&|buffer| buffer.buffer_type = 9),
        with(&|buffer| buffer.buffer_type = 10),
        with(&|buffer| buffer.buffer_type = u32::MAX),
        with(&|buffer| buffer.stripe_encrypted_blocks = 1),
        with(&|buffer| buffer.stripe_clear_blocks = 9),
        with(&|buffer| {
            (buffer.stripe_encrypted_blocks, buffer.stripe_clear_blocks) = (1, 9);
            buffer.pattern = &raw const pattern;
        }),
        with(&|buffer| {
            buffer.subsample_count = 1;
            buffer.subsamples = null();
        }),
        with(&|buffer| {
            buffer.subsample_count = 1;
            buffer.subsamples = &raw const subsample;
            buffer.pattern = &raw const pattern;
        }),
        with(&|buffer| {
            // Refused before one is read.
            buffer.subsample_count = u32::MAX;
            buffer.subsamples = &raw const subsample;
        }),
        with(&|buffer| {
            buffer.subsample_count = 1;
            buffer.subsamples = &raw const subsample;
            buffer.data_size = 63;
        }),
        with(&|buffer| {
            buffer.source = one_further(buffer.destination);
            buffer.data_size = 63;
        }),
    ];
    for (index, buffer) in cases.iter().enumerate() {
        assert_eq!(decoding.decrypt(buffer), E_INVALIDARG, "case {index}");
    }
    // SAFETY: null is refused.
    let hresult = unsafe { softcp_decoder_decrypt_buffer(decoding.device.as_ptr(), decoding.decoder, null()) };
    assert_eq!((hresult, out), (E_INVALIDARG, [7; 64]));
    assert_eq!(decoding.decrypt(&good), S_OK);
}

#[test]
fn every_scheme_is_decrypted_with_stripes_and_subsamples() {
    let clear: Vec<u8> = (0..200).collect();
    let some = Stripes { encrypted: 2, clear: 1 };
    let map = [Subsample { clear: 7, encrypted: 90 }, Subsample { clear: 3, encrypted: 100 }];
    let subsamples = map.map(|part| softcp_subsample { clear_size: part.clear, encrypted_size: part.encrypted });
    for scheme in [Scheme::Cenc, Scheme::Cens(some), Scheme::Cbc1, Scheme::Cbcs(some)] {
        let decoding = Decoding::with("", scheme.bitstream_encryption());
        assert_eq!(decoding.begin(None), S_OK);
        let iv = [3; 16];
        let mut data = clear.clone();
        decoding.client.sample_cipher(scheme).encrypt(&iv, &map, &mut data).unwrap();
        let mut out = vec![0; 200];
        let mut buffer = described(&data, &mut out, &iv);
        buffer.subsamples = subsamples.as_ptr();
        buffer.subsample_count = 2;
        if let Some(stripes) = scheme.stripes() {
            (buffer.stripe_encrypted_blocks, buffer.stripe_clear_blocks) = (stripes.encrypted, stripes.clear);
        }
        assert_eq!(decoding.decrypt(&buffer), S_OK);
        assert_eq!(out, clear, "{scheme:?}");
    }
}

/// A caller built against the header of before there were stripes: they are not read, and none.
#[test]
fn buffer_of_the_first_version_has_no_stripes() {
    let first = offset_of!(softcp_decoder_buffer, stripe_encrypted_blocks);
    let clear = [5; 64];
    for scheme in [Scheme::Cenc, Scheme::Cbc1] {
        let decoding = Decoding::with("", scheme.bitstream_encryption());
        assert_eq!(decoding.begin(None), S_OK);
        let (mut data, mut out) = (clear, [0; 64]);
        decoding.client.sample_cipher(scheme).encrypt(&[3; 16], &[], &mut data).unwrap();
        let mut buffer = described(&data, &mut out, &[3; 16]);
        (buffer.stripe_encrypted_blocks, buffer.stripe_clear_blocks) = (1, 0);
        assert_eq!(decoding.decrypt(&buffer), E_INVALIDARG, "of this version they count");
        for size in first..size_of::<softcp_decoder_buffer>() {
            out.fill(0);
            buffer.size = u32::try_from(size).unwrap();
            assert_eq!(decoding.decrypt(&buffer), S_OK, "{size}");
            assert_eq!(out, clear, "{scheme:?}, {size}");
        }
        // Memory that ends with the structure of the first version.
        buffer.size = u32::try_from(first).unwrap();
        let mut old = vec![0_usize; first / size_of::<usize>()];
        // SAFETY: as many bytes as both have.
        unsafe { old.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping((&raw const buffer).cast(), first) };
        out.fill(0);
        // SAFETY: the structure is as long as its size says, and what it points to lives.
        let hresult =
            unsafe { softcp_decoder_decrypt_buffer(decoding.device.as_ptr(), decoding.decoder, old.as_ptr().cast()) };
        assert_eq!((hresult, out), (S_OK, clear));
        buffer.size -= 1;
        assert_eq!(decoding.decrypt(&buffer), E_INVALIDARG);
    }
}

#[test]
fn null_key_with_a_size_is_refused() {
    for encryption in [D3D11_DECODER_ENCRYPTION_HW_CENC, Scheme::Cenc.bitstream_encryption()] {
        let decoding = Decoding::with("", encryption);
        for size in [1, 16, 64, u32::MAX] {
            let (device, session) = (decoding.device.as_ptr(), decoding.session.id());
            // SAFETY: the device lives; null is refused.
            let hresult =
                unsafe { softcp_decoder_begin_frame(device, decoding.decoder, session, size, null(), null()) };
            assert_eq!(hresult, E_INVALIDARG, "{size}");
        }
        assert_eq!(decoding.end(), D3DERR_INVALIDCALL, "no frame has begun");
        assert_eq!(decoding.begin(None), S_OK);
    }
}

#[test]
fn sealed_keys_need_an_environment_that_is_provisioned() {
    let decoding = Decoding::with("capabilities.profile=hardware-like", D3D11_DECODER_ENCRYPTION_HW_CENC);
    assert_eq!(decoding.begin(Some(&[1; 64])), E_INVALIDARG);
    assert_eq!(decoding.begin(Some(&[1; 16])), E_INVALIDARG);
    decoding.device.invalidate(&decoding.session, 1);
    assert_eq!(decoding.begin(Some(&[1; 64])), D3DERR_INVALIDCALL, "what is lost comes first (D23)");
}

#[test]
fn sealed_keys_need_somebody_who_opens_them() {
    let decoding = Decoding::new();
    let key = ContentKey::generate(&SystemRandom).unwrap();
    let wrapped = decoding.client.wrap_content_key(&key);
    // Of a decoder with sealed keys, 16 bytes are a blob too: nobody here opens it.
    assert_eq!(decoding.begin(Some(wrapped.as_bytes())), E_INVALIDARG);
    assert_eq!(decoding.begin(Some(&[1; 40])), E_INVALIDARG);
    assert_eq!(decoding.end(), D3DERR_INVALIDCALL, "no frame has begun");
}

#[test]
fn unknown_encryption_is_refused() {
    let device = TestDevice::alone("");
    let desc = softcp_decoder_desc {
        size: size_u32::<softcp_decoder_desc>(),
        bitstream_encryption: GUID::from_u128(1).into(),
    };
    let mut decoder = 7;
    // SAFETY: the device lives; description and output live past the call.
    let hresult = unsafe { softcp_decoder_register(device.as_ptr(), &raw const desc, &raw mut decoder) };
    assert_eq!((hresult, decoder), (D3DERR_UNSUPPORTEDCRYPTO, 0));
}
