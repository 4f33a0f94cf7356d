//! Frames of a decoder whose session, key and encryption the kit knows, and what their output shows.

use std::mem::offset_of;
use std::ptr;

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY as CONTENT_KEY,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION as PARTIAL,
    D3D11_1DDI_VIDEO_DECODER_BUFFER_BITSTREAM as BITSTREAM, D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC,
    D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT as Bind, D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS as CBCS,
    D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CENC as CENC, D3D11_DECODER_PROFILE_H264_VLD_NOFGT as H264,
    D3D11_ENCRYPTED_BLOCK_INFO, D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1, D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC,
    E_INVALIDARG, GUID, TRUE,
};
use softcp_runtime::{
    Decoder, DecoderDesc, Device, Driver, Error, Frame, FrameKey, HResult, OutputView, Reply, ResourceDesc, SubSample,
};

use super::NV12;
use crate::case::{CaseResult, Stop, check_bytes, check_hresult};
use crate::context::Context;
use crate::dialogue::SET_CRYPTO_SESSION;
use crate::oracle::sample::{self, Mode, Part, Scheme};
use crate::oracle::{Block, keys};
use crate::rig::{FILL, KeyedChannel, KeyedSession, read};

/// The newest table, whose buffers have stripes.
pub(super) const STRIPED_TABLE: u32 = 6;

/// Bytes of an output.
const OUTPUT: usize = 8192;

/// A decoder to which a session with a key is bound.
pub(super) struct Decoding {
    pub(super) session: KeyedSession,
    pub(super) device: Device,
    decoder: Decoder,
    view: OutputView,
    /// The binding lasts as long as the channel.
    _channel: Option<KeyedChannel>,
}

/// The key of a frame.
#[derive(Clone, Copy)]
pub(super) enum Key<'k> {
    /// The session's.
    Session,
    /// This one, wrapped under the session's.
    Content(&'k Block),
    /// Whatever a decoder takes in the place of a content key.
    Raw(&'k [u8]),
    /// A structure that names the session and has this blob.
    Sealed(&'k [u8]),
    /// The same with a null blob and a size.
    NullBlob(u32),
}

impl Key<'_> {
    /// As the runtime passes it; `wrapped` holds what is made of it.
    fn frame_key<'f>(&'f self, session: &'f KeyedSession, wrapped: &'f mut Block) -> FrameKey<'f> {
        match self {
            Self::Session => FrameKey::Session,
            Self::Content(content) => {
                *wrapped = keys::wrap(&session.key, content);
                FrameKey::Content(wrapped)
            }
            Self::Raw(bytes) => FrameKey::Content(bytes),
            Self::Sealed(blob) => FrameKey::Sealed { session: &session.session, blob, key_id: None },
            Self::NullBlob(blob_size) => FrameKey::Unsealed { session: &session.session, blob_size: *blob_size },
        }
    }
}

/// One buffer as it is submitted.
#[derive(Clone, Copy)]
pub(super) struct Sent<'a> {
    pub(super) data: &'a [u8],
    /// None: a null pointer.
    pub(super) iv: Option<&'a [u8]>,
    pub(super) parts: &'a [Part],
    pub(super) stripes: (u32, u32),
    /// Beginning, skip and encrypt, in bytes: by the entry that has no subsamples.
    pub(super) pattern: Option<(u32, u32, u32)>,
    /// By the DDI's number.
    pub(super) buffer_type: u32,
}

impl<'a> Sent<'a> {
    /// A bitstream buffer that is one region.
    pub(super) fn new(data: &'a [u8], iv: &'a [u8]) -> Self {
        Self { data, iv: Some(iv), parts: &[], stripes: (0, 0), pattern: None, buffer_type: BITSTREAM }
    }
}

/// What encrypts the bitstreams of a mode.
pub(super) fn encryption(mode: Mode) -> GUID {
    match mode {
        Mode::Ctr => CENC,
        Mode::Cbc => CBCS,
    }
}

/// A decoder of an encryption; a driver that makes none skips the case.
pub(super) fn create(device: &Device, encryption: GUID) -> CaseResult<Decoder> {
    let desc = DecoderDesc::bitstream(H264, 64, 64, NV12).with_bitstream_encryption(encryption);
    device.create_decoder(&desc).map_err(|error| match error {
        Error::Driver(error) => {
            Stop::skipped(format!("the driver makes no decoder of encryption {encryption}: {error}"))
        }
        error => error.into(),
    })
}

impl Decoding {
    /// On a device with the table that has stripes; a driver without it skips the case.
    pub(super) fn new(ctx: &Context<'_>, mode: Mode) -> CaseResult<Self> {
        Self::on(ctx, ctx.driver(), STRIPED_TABLE, encryption(mode))
    }

    /// On a device with a table, of a driver that shows what it is given.
    pub(super) fn on(ctx: &Context<'_>, driver: &Driver, table: u32, encryption: GUID) -> CaseResult<Self> {
        let device = driver.create_device_with_table(table).map_err(|error| match error {
            Error::NoVideoTable { .. } => Stop::skipped(format!("the driver has no table of sub-device {table}")),
            error => error.into(),
        })?;
        ctx.require_clear(&device, PARTIAL | CONTENT_KEY)?;
        let mut session = ctx.keyed_session(&device)?;
        let mut decoder = create(&device, encryption)?;
        let mut channel = ctx.open_channel(&device)?;
        let own = channel.device_handle()?;
        let message = channel
            .next_command(&SET_CRYPTO_SESSION)
            .with(offset_of!(Bind, DecoderHandle), decoder.handle_value()?)
            .with(offset_of!(Bind, CryptoSessionHandle), session.session.handle_value()?)
            .with(offset_of!(Bind, DeviceHandle), own);
        channel.obey("CONFIGURE_CRYPTO_SESSION", message)?;
        let view = view(&device)?;
        Self { session, device, decoder, view, _channel: Some(channel) }.checked(ctx, Key::Session)
    }

    /// As [`on`](Self::on) with the table that has stripes, for frames that name their session.
    pub(super) fn sealed(ctx: &Context<'_>, driver: &Driver, encryption: GUID) -> CaseResult<Self> {
        let device = driver.create_device_with_table(STRIPED_TABLE).map_err(|error| match error {
            Error::NoVideoTable { .. } => {
                Stop::skipped(format!("the driver has no table of sub-device {STRIPED_TABLE}"))
            }
            error => error.into(),
        })?;
        ctx.require_clear(&device, PARTIAL | CONTENT_KEY)?;
        let (session, decoder, view) = (ctx.keyed_session(&device)?, create(&device, encryption)?, view(&device)?);
        Self { session, device, decoder, view, _channel: None }.checked(ctx, Key::NullBlob(0))
    }

    /// Skips the case unless the output shows the clear bytes of a frame's buffers, which is all that the kit can look at.
    fn checked(mut self, ctx: &Context<'_>, key: Key<'_>) -> CaseResult<Self> {
        let clear = ctx.random_bytes(64);
        let buffer = Sent { iv: None, ..Sent::new(&clear, &[]) };
        self.frame(key, |frame| Ok(submit(ctx, frame, &[buffer])?.into_result()?))?;
        if self.shown(64)? == clear {
            Ok(self)
        } else {
            Err(Stop::skipped("the driver decodes what it is given: its output does not show clear bytes"))
        }
    }

    /// Begins a frame with an output of [`FILL`], runs `run` in it, and ends it.
    pub(super) fn frame<T>(
        &mut self,
        key: Key<'_>,
        run: impl FnOnce(&mut Frame<'_>) -> CaseResult<T>,
    ) -> CaseResult<T> {
        let Self { session, decoder, view, .. } = self;
        view.resource_mut().map_write()?.row_mut(0).fill(FILL);
        let mut wrapped = [0; 16];
        let mut frame = decoder.begin_frame(view, key.frame_key(session, &mut wrapped))?;
        let result = run(&mut frame);
        frame.end()?;
        result
    }

    /// Begins a frame, and ends it if that succeeds.
    pub(super) fn begin(&mut self, key: Key<'_>) -> Result<(), Error> {
        let Self { session, decoder, view, .. } = self;
        let mut wrapped = [0; 16];
        decoder.begin_frame(view, key.frame_key(session, &mut wrapped))?.end()
    }

    /// The first visible bytes of the output.
    pub(super) fn shown(&mut self, bytes: usize) -> CaseResult<Vec<u8>> {
        let mut shown = read(self.view.resource_mut())?;
        shown.truncate(bytes);
        Ok(shown)
    }

    /// Fails unless the output shows these bytes and [`FILL`] behind them.
    pub(super) fn check_shown(&mut self, what: &str, clear: &[u8]) -> CaseResult {
        let mut expected = clear.to_vec();
        expected.resize(OUTPUT, FILL);
        check_bytes(&format!("the output of {what}"), &expected, &self.shown(OUTPUT)?)
    }

    /// Fails unless samples of a scheme, one buffer each in one frame, come out clear. `iv` is for all of them.
    pub(super) fn check_samples(
        &mut self,
        ctx: &Context<'_>,
        what: &str,
        scheme: Scheme,
        samples: &[&[Part]],
    ) -> CaseResult {
        let key = ctx.random();
        let clear: Vec<_> = samples.iter().map(|parts| ctx.random_bytes(total(parts))).collect();
        let ivs: Vec<_> = samples.iter().map(|_| ctx.next_iv()).collect();
        let sent: Vec<_> =
            (0..samples.len()).map(|at| sample::encrypt(scheme, &key, &ivs[at], samples[at], &clear[at])).collect();
        self.frame(Key::Content(&key), |frame| {
            for at in 0..samples.len() {
                let buffer = Sent { parts: samples[at], stripes: scheme.1, ..Sent::new(&sent[at], &ivs[at]) };
                submit(ctx, frame, &[buffer])?.into_result()?;
            }
            Ok(())
        })?;
        self.check_shown(what, &clear.concat())
    }

    /// Fails unless each buffer is refused with `E_INVALIDARG` and writes nothing, and the frame takes a good one
    /// afterwards.
    pub(super) fn check_refused(&mut self, ctx: &Context<'_>, mode: Mode, refused: &[(&str, Sent<'_>)]) -> CaseResult {
        let (key, clear, iv) = (ctx.random(), ctx.random_bytes(80), ctx.next_iv());
        let sent = sample::encrypt((mode, (0, 0)), &key, &iv, &[], &clear);
        self.frame(Key::Content(&key), |frame| {
            for (what, buffer) in refused {
                let reply = submit(ctx, frame, &[*buffer])?;
                check_hresult(what, HResult(E_INVALIDARG), reply.hresult())?;
            }
            Ok(submit(ctx, frame, &[Sent::new(&sent, &iv)])?.into_result()?)
        })?;
        self.check_shown("a frame with refused buffers and a good one", &clear)
    }
}

fn view(device: &Device) -> CaseResult<OutputView> {
    Ok(device.create_output_view(device.create_resource(&ResourceDesc::buffer(OUTPUT))?, H264)?)
}

/// The bytes of a sample.
pub(super) fn total(parts: &[Part]) -> usize {
    parts.iter().map(|(clear, encrypted)| (clear + encrypted) as usize).sum()
}

/// Submits buffers in one call: by `VideoDecoderSubmitBuffers` if one has a pattern, or the table has no other entry, else
/// by the entry with subsamples.
#[allow(non_snake_case, reason = "members of the structures")]
pub(super) fn submit(ctx: &Context<'_>, frame: &Frame<'_>, buffers: &[Sent<'_>]) -> CaseResult<Reply> {
    let (device, decoder) = (frame.decoder().device(), frame.decoder().handle());
    let mut resources = Vec::new();
    for buffer in buffers {
        resources.push(ctx.resource(device, &ResourceDesc::buffer(buffer.data.len().max(1)), buffer.data)?);
    }
    let mut ivs: Vec<_> = buffers.iter().map(|buffer| buffer.iv.map(<[u8]>::to_vec)).collect();
    let mut maps: Vec<Vec<_>> =
        buffers.iter().map(|buffer| buffer.parts.iter().copied().map(sub_sample).collect()).collect();
    let calls = device.calls();
    let has_pattern = buffers.iter().any(|buffer| buffer.pattern.is_some());
    let (mut by_blocks, mut by_map, mut by_stripes) = (Vec::new(), Vec::new(), Vec::new());
    for (((buffer, resource), iv), map) in buffers.iter().zip(&resources).zip(&mut ivs).zip(&mut maps) {
        let hResource = resource.handle().raw();
        let (BufferType, DataSize) = (buffer.buffer_type, size(buffer.data.len()));
        let IVSize = iv.as_ref().map_or(0, |iv| size(iv.len()));
        let pIV = iv.as_mut().map_or(ptr::null_mut(), |iv| iv.as_mut_ptr().cast());
        let SubSampleMappingCount = size(map.len());
        let pSubSampleMappingBlock = if map.is_empty() { ptr::null_mut() } else { map.as_mut_ptr() };
        let mut blocks =
            D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC { hResource, BufferType, DataSize, pIV, IVSize, ..Default::default() };
        if let Some((beginning, skip, encrypt)) = buffer.pattern {
            blocks.PartialEncryption = TRUE;
            blocks.EncryptedBlockInfo = D3D11_ENCRYPTED_BLOCK_INFO {
                NumEncryptedBytesAtBeginning: beginning,
                NumBytesInSkipPattern: skip,
                NumBytesInEncryptPattern: encrypt,
            };
        }
        by_blocks.push(blocks);
        by_map.push(D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1 {
            hResource,
            BufferType,
            DataSize,
            pIV,
            IVSize,
            pSubSampleMappingBlock,
            SubSampleMappingCount,
            ..Default::default()
        });
        by_stripes.push(D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC {
            hResource,
            BufferType,
            DataSize,
            pIV,
            IVSize,
            pSubSampleMappingBlock,
            SubSampleMappingCount,
            cBlocksStripeEncrypted: buffer.stripes.0,
            cBlocksStripeClear: buffer.stripes.1,
            ..Default::default()
        });
    }
    let table = calls.table();
    let reply = if !has_pattern && table.video_decoder_submit_buffers_2.is_some() {
        // SAFETY: the resources live, and IVs and subsamples have the sizes that go with them.
        unsafe { calls.video_decoder_submit_buffers_2(decoder, &by_stripes) }
    } else if !has_pattern && table.video_decoder_submit_buffers_1.is_some() {
        // SAFETY: as above.
        unsafe { calls.video_decoder_submit_buffers_1(decoder, &by_map) }
    } else {
        // SAFETY: as above.
        unsafe { calls.video_decoder_submit_buffers(decoder, &by_blocks) }
    };
    Ok(reply?)
}

fn sub_sample((clear, encrypted): Part) -> SubSample {
    SubSample { ClearSize: clear, EncryptedSize: encrypted }
}

fn size(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
