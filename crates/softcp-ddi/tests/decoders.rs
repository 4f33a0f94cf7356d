//! Decoder buffers through the core functions: pointers, sizes, overlap, versions. What keys, patterns and subsamples
//! mean is tested with the engine.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::ffi::c_void;
use std::ptr::{null, null_mut};

use common::{TestDevice, TestSession, size_u32};
use softcp_abi::{
    D3D11_DECODER_ENCRYPTION_HW_CENC, D3DERR_INVALIDCALL, D3DERR_UNSUPPORTEDCRYPTO, E_INVALIDARG, GUID, HRESULT, S_OK,
};
use softcp_client::{AesCtrIv, ClientSession, ContentKey, SystemRandom};
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
        let device = TestDevice::alone("");
        let (session, client) = device.keyed_session(&device.certificate());
        let desc = softcp_decoder_desc {
            size: size_u32::<softcp_decoder_desc>(),
            bitstream_encryption: D3D11_DECODER_ENCRYPTION_HW_CENC.into(),
        };
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
