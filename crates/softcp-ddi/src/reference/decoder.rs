//! Decoders of the reference driver. They are there to be bound to sessions, as a host's are; they decode nothing. What
//! their frames come to is in the module `frame`.

use softcp::DecoderEncryption;
use softcp_abi::{
    D3D10DDI_HDEVICE, D3D11_1DDI_HDECODE, D3D11_1DDI_HRTDECODE, D3D11_1DDIARG_CREATEVIDEODECODER, E_FAIL, E_INVALIDARG,
    HANDLE, HRESULT, SIZE_T,
};

use super::device::ReferenceHost;
use crate::ddi::attach::{attached, device, reporting};
use crate::ddi::table::{Entry, entries};
use crate::ddi::void_entry::VoidEntry;
use crate::hresult::Result;
use crate::{guard, pointer};

/// The entries of decoders.
pub(super) static ENTRIES: &[Entry] = entries! {
    7 c"pfnCalcPrivateVideoDecoderSize" PFND3D11_1DDI_CALCPRIVATEVIDEODECODERSIZE = calc_private_video_decoder_size,
    8 c"pfnCreateVideoDecoder" PFND3D11_1DDI_CREATEVIDEODECODER = create_video_decoder,
    9 c"pfnDestroyVideoDecoder" PFND3D11_1DDI_DESTROYVIDEODECODER = destroy_video_decoder,
    77 c"pfnVideoDecoderGetHandle" PFND3D11_1DDI_VIDEODECODERGETHANDLE = video_decoder_get_handle,
};

/// A stale or foreign decoder. Of the reference driver alone, whose reports all go to its caller.
static DESTROY: VoidEntry =
    VoidEntry { name: "DestroyVideoDecoder", reports: &[E_INVALIDARG, E_FAIL], passes_on: false, forwards: &[] };

/// `CalcPrivateVideoDecoderSize`: the private memory holds the decoder's id.
unsafe extern "system" fn calc_private_video_decoder_size(
    _h_device: D3D10DDI_HDEVICE,
    _create: *const D3D11_1DDIARG_CREATEVIDEODECODER,
) -> SIZE_T {
    size_of::<usize>()
}

/// `CreateVideoDecoder`: any profile, since nothing is decoded, and the encryptions that the engine knows.
unsafe extern "system" fn create_video_decoder(
    h_device: D3D10DDI_HDEVICE,
    create: *const D3D11_1DDIARG_CREATEVIDEODECODER,
    decoder: D3D11_1DDI_HDECODE,
    _runtime_decoder: D3D11_1DDI_HRTDECODE,
) -> HRESULT {
    guard::run("CreateVideoDecoder", || {
        // SAFETY: the runtime's duty: null or memory of the size that CalcPrivateVideoDecoderSize said.
        unsafe { pointer::write("hDecoder", decoder.pDrvPrivate.cast(), 0_usize) }?;
        // SAFETY: the runtime's duty: null or readable.
        let create = unsafe { pointer::read("pCreateData", create) }?;
        let encryption = DecoderEncryption::from_guid(&create.Config.guidConfigBitstreamEncryption)?;
        let id = device(h_device)?.register_decoder(encryption)?;
        // SAFETY: as above.
        unsafe { pointer::write("hDecoder", decoder.pDrvPrivate.cast(), id) }
    })
}

/// `DestroyVideoDecoder`: a second call, and one after a failed create, does nothing.
unsafe extern "system" fn destroy_video_decoder(h_device: D3D10DDI_HDEVICE, decoder: D3D11_1DDI_HDECODE) {
    reporting(&DESTROY, h_device, || {
        let device = attached(h_device)?;
        // SAFETY: the runtime's duty on its decoder handle.
        let id = unsafe { id(decoder) }?;
        device.unregister_decoder(id)?;
        ReferenceHost::of(&device)?.set_frame(id, None);
        // SAFETY: the runtime's duty: the private memory lives until this call returns.
        unsafe { pointer::write("hDecoder", decoder.pDrvPrivate.cast(), 0_usize) }
    });
}

/// `VideoDecoderGetHandle`: the decoder's id; zero on failure (D30).
unsafe extern "system" fn video_decoder_get_handle(
    h_device: D3D10DDI_HDEVICE,
    decoder: D3D11_1DDI_HDECODE,
    handle: *mut HANDLE,
) -> HRESULT {
    guard::run("VideoDecoderGetHandle", || {
        // SAFETY: the runtime's duty: null or writable.
        unsafe { pointer::write("pHandle", handle, std::ptr::null_mut()) }?;
        let device = device(h_device)?;
        // SAFETY: the runtime's duty on its decoder handle.
        let id = unsafe { id(decoder) }?;
        device.decoder_session(id)?;
        // SAFETY: the runtime's duty: null or writable.
        unsafe { pointer::write("pHandle", handle, std::ptr::without_provenance_mut(id)) }
    })
}

/// The id in a decoder's private memory.
///
/// # Safety
/// `decoder.pDrvPrivate` is null or the private memory of a decoder, of the size that `CalcPrivateVideoDecoderSize`
/// said.
pub(super) unsafe fn id(decoder: D3D11_1DDI_HDECODE) -> Result<usize> {
    // SAFETY: the caller's duty.
    unsafe { pointer::read("hDecoder", decoder.pDrvPrivate.cast()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_those_of_the_committed_table() {
        let csv = include_str!("../../../softcp-abi/spec/functables.csv");
        for entry in ENTRIES {
            let name = entry.name.to_str().unwrap();
            let rows: Vec<_> = csv.lines().filter(|row| row.ends_with(&format!(",{name}"))).collect();
            assert_eq!(rows.len(), 5, "{name}");
            for row in rows {
                assert_eq!(row.split(',').nth(2), Some(entry.index.to_string().as_str()), "{row}");
            }
        }
    }
}
