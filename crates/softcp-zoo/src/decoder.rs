//! Decoders and their frames by rules that may be wrong.
//!
//! What a decoder does differently is done to the call before the reference driver sees it: another description, another key,
//! or, for another cipher, a buffer that is clear already. Only the tables of WDDM 2.4 are changed, whose buffers have
//! stripes, and only for drivers with such rules: entries of frames differ from table to table.

use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, Ordering};

use softcp_abi::{
    D3D10DDI_HDEVICE, D3D11_1DDI_HDECODE, D3D11_1DDI_HRTDECODE, D3D11_1DDI_VIDEO_DECODER_BUFFER_BITSTREAM as BITSTREAM,
    D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC as BlocksDesc, D3D11_1DDIARG_CREATEVIDEODECODER,
    D3D11_1DDIARG_VIDEODECODERBEGINFRAME as Begin, D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS as CBCS,
    D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION as Sealed,
    D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK as SubSample, D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC as Desc,
    D3DWDDM2_4DDI_VIDEO_FUNCTIONS, D3DWDDM2_4DDI_VIDEO_FUNCTIONS_RS4_0, D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME,
    D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME_RS4_0, E_NOTIMPL, HRESULT, PFND3D11_1DDI_CREATEVIDEODECODER,
    PFND3D11_1DDI_VIDEODECODERSUBMITBUFFERS, PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME,
    PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME_RS4_0, PFND3DWDDM2_4DDI_VIDEODECODERSUBMITBUFFERS, S_OK,
};

use crate::driver::{Device, device};
use crate::keys::{Block, unwrap};
use crate::sample::{Flaws, Sample, decrypt};
use crate::{memory, surface};

/// Changes something of a call, or refuses the call.
type Change<T> = fn(&mut T) -> Result<(), HRESULT>;

/// What a driver does to decoders that a correct one does not. None of it is a correct driver.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// Stands before `CreateVideoDecoder` of a decoder of AES-CBC.
    pub(crate) create_cbc: Option<HRESULT>,
    /// Changes what a frame begins with, or refuses it.
    pub(crate) begin: Option<Change<FrameKey>>,
    /// Changes what came of the beginning of a frame, given whether it has a sealed key.
    pub(crate) begun: Option<fn(bool, HRESULT) -> HRESULT>,
    /// The key of a frame.
    pub(crate) key: Option<fn(&Keys<'_>) -> Block>,
    /// Changes the description of a buffer, or refuses it.
    #[allow(clippy::type_complexity, reason = "an alias could not name both lifetimes")]
    pub(crate) describe: Option<for<'a, 'b> fn(&'a mut Buffer<'b>) -> Result<(), HRESULT>>,
    /// Changes the description of a buffer without subsamples.
    pub(crate) describe_blocks: Option<fn(bool, &mut BlocksDesc)>,
    /// The buffers of one call come in the wrong order.
    pub(crate) reversed: bool,
    /// The cipher, of buffers of one scheme: whether it is AES-CBC, and whether it has stripes. None: of all.
    pub(crate) cipher: Option<(Option<(bool, bool)>, Flaws)>,
}

pub(crate) const RULES: Rules = Rules {
    create_cbc: None,
    begin: None,
    begun: None,
    key: None,
    describe: None,
    describe_blocks: None,
    reversed: false,
    cipher: None,
};

/// What a frame begins with.
pub(crate) struct FrameKey {
    pub(crate) is_cbc: bool,
    /// The structure with session and sealed key, if there is one.
    pub(crate) sealed: Option<Sealed>,
}

/// What a key is made of.
pub(crate) struct Keys<'k> {
    pub(crate) device: &'k Device,
    /// The address of the decoder's private memory, for notes: it and the 15 numbers behind it are the decoder's.
    pub(crate) decoder: usize,
    pub(crate) session: Block,
    pub(crate) wrapped: Option<Block>,
}

impl Keys<'_> {
    /// The right one.
    pub(crate) fn right(&self) -> Block {
        self.wrapped.map_or(self.session, |wrapped| unwrap(&self.session, &wrapped))
    }

    /// What is noted under a number, at first `now`.
    pub(crate) fn first(&self, number: usize, now: Block) -> Block {
        self.device.driver.notes().entry(number).or_insert(u128::from_be_bytes(now)).to_be_bytes()
    }
}

/// A buffer to be submitted.
pub(crate) struct Buffer<'b> {
    pub(crate) device: &'b Device,
    pub(crate) decoder: usize,
    pub(crate) is_cbc: bool,
    pub(crate) desc: Desc,
    /// The IV; none for a clear buffer.
    pub(crate) iv: Option<Vec<u8>>,
    pub(crate) parts: Vec<(u32, u32)>,
}

impl Buffer<'_> {
    pub(crate) fn is_striped(&self) -> bool {
        (self.desc.cBlocksStripeEncrypted, self.desc.cBlocksStripeClear) != (0, 0)
    }

    /// A number that is noted of the decoder, and its new value.
    pub(crate) fn note(&self, place: usize, value: u128) -> Option<u128> {
        self.device.driver.notes().insert(self.decoder + place, value)
    }

    /// A number that is noted of the decoder.
    pub(crate) fn noted(&self, place: usize) -> Option<u128> {
        self.device.driver.notes().get(&(self.decoder + place)).copied()
    }

    /// Bytes that the parts cover.
    pub(crate) fn covered(&self) -> u64 {
        self.parts.iter().map(|(clear, encrypted)| u64::from(*clear) + u64::from(*encrypted)).sum()
    }
}

/// Places of notes of a decoder: whether it is of AES-CBC, and the key of its frame.
const IS_CBC: usize = 1;
const FRAME_KEY: usize = 2;
/// And those that faults may use.
pub(crate) const FIRST_OF_FRAME: usize = 3;
pub(crate) const OWN: usize = 4;

/// Indices in every table.
const CREATE: usize = 8;
const BEGIN: usize = 11;
const SUBMIT: usize = 13;
const SUBMIT_2: usize = 83;

/// The reference driver's entries.
static REAL_CREATE: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());
static REAL_BEGIN: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());
static REAL_BEGIN_RS4: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());
static REAL_SUBMIT: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());
static REAL_SUBMIT_2: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());

/// Puts the entries of decoders into a table of WDDM 2.4 that the reference driver has filled.
pub(crate) fn fill(sub_device: u32, table: &mut [*const c_void]) {
    let (begin, real_begin) = match sub_device {
        D3DWDDM2_4DDI_VIDEO_FUNCTIONS => (begin as *const c_void, &REAL_BEGIN),
        D3DWDDM2_4DDI_VIDEO_FUNCTIONS_RS4_0 => (begin_rs4 as *const c_void, &REAL_BEGIN_RS4),
        _ => return,
    };
    for (index, entry, real) in [
        (CREATE, create as *const c_void, &REAL_CREATE),
        (BEGIN, begin, real_begin),
        (SUBMIT, submit as *const c_void, &REAL_SUBMIT),
        (SUBMIT_2, submit_2 as *const c_void, &REAL_SUBMIT_2),
    ] {
        if let Some(slot) = table.get_mut(index).filter(|slot| !slot.is_null()) {
            real.store(slot.cast_mut(), Ordering::Release);
            *slot = entry;
        }
    }
}

/// The rules of the driver of a device.
fn with_rules(handle: D3D10DDI_HDEVICE) -> Option<(std::sync::Arc<Device>, Rules)> {
    let device = device(handle)?;
    let rules = device.driver.hooks.decoder?;
    Some((device, rules))
}

fn is_cbc(device: &Device, decoder: D3D11_1DDI_HDECODE) -> bool {
    device.driver.notes().get(&(decoder.pDrvPrivate.addr() + IS_CBC)) == Some(&1)
}

unsafe extern "system" fn create(
    h_device: D3D10DDI_HDEVICE,
    desc: *const D3D11_1DDIARG_CREATEVIDEODECODER,
    decoder: D3D11_1DDI_HDECODE,
    runtime: D3D11_1DDI_HRTDECODE,
) -> HRESULT {
    // SAFETY: the reference driver's own entry, out of this slot of its table.
    let real = unsafe {
        std::mem::transmute::<*mut c_void, PFND3D11_1DDI_CREATEVIDEODECODER>(REAL_CREATE.load(Ordering::Acquire))
    };
    // SAFETY: the caller's duty: null or valid.
    let encryption = unsafe { memory::read(desc) }.map(|desc| desc.Config.guidConfigBitstreamEncryption);
    if let Some((device, rules)) = with_rules(h_device) {
        let is_cbc = encryption == Some(CBCS);
        if let (true, Some(refusal)) = (is_cbc, rules.create_cbc) {
            return refusal;
        }
        let mut notes = device.driver.notes();
        let places = decoder.pDrvPrivate.addr()..decoder.pDrvPrivate.addr() + 16;
        notes.retain(|place, _| !places.contains(place));
        notes.insert(places.start + IS_CBC, u128::from(is_cbc));
    }
    let Some(real) = real else { return E_NOTIMPL };
    // SAFETY: the caller's arguments.
    unsafe { real(h_device, desc, decoder, runtime) }
}

/// Begins a frame: `pass_on` calls the reference driver with another beginning of the structure.
fn begin_by_rules(
    h_device: D3D10DDI_HDEVICE,
    decoder: D3D11_1DDI_HDECODE,
    mut begin: Begin,
    pass_on: impl FnOnce(Begin) -> HRESULT,
) -> HRESULT {
    let Some((device, rules)) = with_rules(h_device) else { return pass_on(begin) };
    let is_cbc = is_cbc(&device, decoder);
    let size = begin.ContentKeySize as usize;
    let is_sealed = size == size_of::<Sealed>();
    // SAFETY: the caller's duty: a structure, or null.
    let sealed = if is_sealed { unsafe { memory::read(begin.pContentKey.cast::<Sealed>()) } } else { None };
    let mut key = FrameKey { is_cbc, sealed };
    if let Some(change) = rules.begin {
        if let Err(refusal) = change(&mut key) {
            return refusal;
        }
        if let Some(sealed) = &key.sealed {
            begin.pContentKey = std::ptr::from_ref(sealed).cast();
        }
    }
    // SAFETY: the caller's duty: null, or valid for its size.
    let wrapped = unsafe { memory::Buffer::new(begin.pContentKey.cast_mut(), begin.ContentKeySize) }.block();
    let keys = {
        let sessions = device.driver.sessions();
        let number = device.handle().pDrvPrivate.addr();
        sessions.values().filter(|session| session.device == number).find_map(|session| session.keys)
    };
    let decoder = decoder.pDrvPrivate.addr();
    let frame_key = keys.filter(|_| !is_sealed).map(|keys| {
        let keys = Keys { device: &device, decoder, session: keys.own, wrapped };
        rules.key.map_or_else(|| keys.right(), |key| key(&keys))
    });
    let hresult = pass_on(begin);
    let mut notes = device.driver.notes();
    notes.remove(&(decoder + FIRST_OF_FRAME));
    notes.remove(&(decoder + FRAME_KEY));
    if let (S_OK, Some(key)) = (hresult, frame_key) {
        notes.insert(decoder + FRAME_KEY, u128::from_be_bytes(key));
    }
    rules.begun.map_or(hresult, |begun| begun(is_sealed, hresult))
}

macro_rules! begin_entry {
    ($name:ident, $structure:ty, $type:ty, $real:ident) => {
        unsafe extern "system" fn $name(
            h_device: D3D10DDI_HDEVICE,
            decoder: D3D11_1DDI_HDECODE,
            given: *const $structure,
        ) -> HRESULT {
            // SAFETY: the reference driver's own entry, out of this slot of its table.
            let real = unsafe { std::mem::transmute::<*mut c_void, $type>($real.load(Ordering::Acquire)) };
            let Some(real) = real else { return E_NOTIMPL };
            // SAFETY: the caller's duty: null or valid.
            let Some(mut changed) = (unsafe { memory::read(given) }) else {
                // SAFETY: the caller's arguments.
                return unsafe { real(h_device, decoder, given) };
            };
            let begin = Begin {
                hOutputView: changed.hOutputView,
                pContentKey: changed.pContentKey,
                ContentKeySize: changed.ContentKeySize,
            };
            begin_by_rules(h_device, decoder, begin, |begin| {
                (changed.pContentKey, changed.ContentKeySize) = (begin.pContentKey, begin.ContentKeySize);
                // SAFETY: the caller's arguments, or ones that are as valid.
                unsafe { real(h_device, decoder, &raw const changed) }
            })
        }
    };
}

begin_entry!(begin, D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME, PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME, REAL_BEGIN);
begin_entry!(
    begin_rs4,
    D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME_RS4_0,
    PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME_RS4_0,
    REAL_BEGIN_RS4
);

unsafe extern "system" fn submit(
    h_device: D3D10DDI_HDEVICE,
    decoder: D3D11_1DDI_HDECODE,
    count: u32,
    descs: *const BlocksDesc,
) -> HRESULT {
    // SAFETY: the reference driver's own entry, out of this slot of its table.
    let real = unsafe {
        std::mem::transmute::<*mut c_void, PFND3D11_1DDI_VIDEODECODERSUBMITBUFFERS>(REAL_SUBMIT.load(Ordering::Acquire))
    };
    let Some(real) = real else { return E_NOTIMPL };
    let mut changed: Vec<_> = (0..count as usize)
        // SAFETY: the caller's duty: null, or so many.
        .filter_map(|at| unsafe { memory::read(descs.wrapping_add(at)) })
        .collect();
    if let Some((device, Rules { describe_blocks: Some(change), .. })) = with_rules(h_device) {
        let is_cbc = is_cbc(&device, decoder);
        for desc in &mut changed {
            change(is_cbc, desc);
        }
    }
    let descs = if descs.is_null() { descs } else { changed.as_ptr() };
    // SAFETY: the caller's arguments, or ones that are as valid.
    unsafe { real(h_device, decoder, count, descs) }
}

unsafe extern "system" fn submit_2(
    h_device: D3D10DDI_HDEVICE,
    decoder: D3D11_1DDI_HDECODE,
    count: u32,
    descs: *const Desc,
) -> HRESULT {
    // SAFETY: the reference driver's own entry, out of this slot of its table.
    let real = unsafe {
        std::mem::transmute::<*mut c_void, PFND3DWDDM2_4DDI_VIDEODECODERSUBMITBUFFERS>(
            REAL_SUBMIT_2.load(Ordering::Acquire),
        )
    };
    let Some(real) = real else { return E_NOTIMPL };
    let known = with_rules(h_device).filter(|_| !descs.is_null());
    let Some((device, rules)) = known else {
        // SAFETY: the caller's arguments.
        return unsafe { real(h_device, decoder, count, descs) };
    };
    let mut buffers = Vec::new();
    for at in 0..count as usize {
        // SAFETY: the caller's duty: so many.
        let Some(desc) = (unsafe { memory::read(descs.wrapping_add(at)) }) else { continue };
        // SAFETY: the caller's duty: null, or valid for its size.
        let iv = unsafe { memory::Buffer::new(desc.pIV, desc.IVSize) }.get();
        let parts = (0..desc.SubSampleMappingCount as usize)
            // SAFETY: the caller's duty: so many.
            .filter_map(|at| unsafe { memory::read(desc.pSubSampleMappingBlock.wrapping_add(at).cast_const()) })
            .map(|part| (part.ClearSize, part.EncryptedSize))
            .collect();
        let (device, is_cbc) = (&*device, is_cbc(&device, decoder));
        let mut buffer = Buffer { device, decoder: decoder.pDrvPrivate.addr(), is_cbc, desc, iv, parts };
        if let Some(describe) = rules.describe
            && let Err(refusal) = describe(&mut buffer)
        {
            return refusal;
        }
        buffers.push(buffer);
    }
    if rules.reversed {
        buffers.reverse();
    }
    let restored: Vec<_> = buffers.iter_mut().filter_map(|buffer| put_clear_bytes(buffer, &rules)).collect();
    let mut maps: Vec<Vec<SubSample>> = buffers
        .iter()
        .map(|buffer| {
            let parts = buffer.parts.iter();
            parts.map(|&(clear, encrypted)| SubSample { ClearSize: clear, EncryptedSize: encrypted }).collect()
        })
        .collect();
    let changed: Vec<_> = buffers
        .iter_mut()
        .zip(&mut maps)
        .map(|(buffer, map)| Desc {
            pIV: buffer.iv.as_mut().map_or(std::ptr::null_mut(), |iv| iv.as_mut_ptr().cast()),
            IVSize: buffer.iv.as_ref().map_or(0, |iv| u32::try_from(iv.len()).unwrap_or(u32::MAX)),
            pSubSampleMappingBlock: if map.is_empty() { std::ptr::null_mut() } else { map.as_mut_ptr() },
            SubSampleMappingCount: u32::try_from(map.len()).unwrap_or(u32::MAX),
            ..buffer.desc
        })
        .collect();
    // SAFETY: the caller's arguments, or ones that are as valid.
    let hresult = unsafe { real(h_device, decoder, count, changed.as_ptr()) };
    for (resource, rows) in restored {
        surface::write(&device, resource, &rows, false);
    }
    hresult
}

/// For a driver with a cipher or a key of its own, puts the clear bytes of an encrypted buffer in the place of the encrypted
/// ones, and says so to the reference driver. Returns what was there, of which resource. A buffer that the reference driver
/// refuses stays.
fn put_clear_bytes(buffer: &mut Buffer<'_>, rules: &Rules) -> Option<(usize, Vec<surface::Row>)> {
    let stripes = (buffer.desc.cBlocksStripeEncrypted, buffer.desc.cBlocksStripeClear);
    let (scheme, flaws) = match rules.cipher {
        Some((scheme, flaws)) => (scheme, flaws),
        None if rules.key.is_some() => (None, crate::sample::NO_FLAWS),
        None => return None,
    };
    // Other buffers may not be encrypted at all, which is for the reference driver to say.
    let is_of_scheme = scheme.is_none_or(|scheme| scheme == (buffer.is_cbc, buffer.is_striped()));
    if !is_of_scheme || buffer.desc.BufferType != BITSTREAM {
        return None;
    }
    let iv: Block = buffer.iv.as_deref()?.try_into().ok()?;
    let key = buffer.noted(FRAME_KEY)?.to_be_bytes();
    let size = buffer.desc.DataSize as usize;
    let is_good = (stripes.0 == 0) == (stripes.1 == 0) && (buffer.parts.is_empty() || buffer.covered() == size as u64);
    let resource = buffer.desc.hResource.pDrvPrivate.addr();
    let rows = surface::read(buffer.device, resource).filter(|_| is_good)?;
    let data = surface::visible(&rows);
    let place = buffer.desc.DataOffset as usize..buffer.desc.DataOffset as usize + size;
    let mut parts: Vec<_> = buffer.parts.iter().map(|(clear, len)| (*clear as usize, *len as usize)).collect();
    if parts.is_empty() {
        parts.push((0, size));
    }
    let sample = Sample { is_cbc: buffer.is_cbc, key, iv, parts: &parts, stripes, data: data.get(place.clone())? };
    let mut clear = data.clone();
    clear[place].copy_from_slice(&decrypt(&sample, flaws));
    let mut written = rows.clone();
    surface::set_visible(&mut written, &clear);
    surface::write(buffer.device, resource, &written, false);
    buffer.iv = None;
    buffer.parts.clear();
    (buffer.desc.cBlocksStripeEncrypted, buffer.desc.cBlocksStripeClear) = (0, 0);
    Some((resource, rows))
}
