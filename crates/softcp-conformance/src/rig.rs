//! What cases set up again and again: devices, sessions and channels with keys that the kit knows, and blits.

use softcp_abi::{
    D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE, D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE,
    D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE, D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY, D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON,
    D3D11_1DDI_ENCRYPTED_BLOCK_INFO, D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE,
    D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT as Initialize, D3D11_CRYPTO_TYPE_AES128_CTR,
    D3D11_KEY_EXCHANGE_RSAES_OAEP, GUID, GUID_NULL,
};
use softcp_client::CertificateChain;
use softcp_runtime::{
    CertificateOf, Channel, ContentProtectionCaps, CryptoSessionDesc, Device, Driver, EncryptedBlockInfo, Input,
    Output, Reply, Resource, ResourceDesc, Session, SessionHandle,
};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};

use crate::case::{CaseResult, Stop, check, check_hresult};
use crate::context::Context;
use crate::diagnosis::{self, Origin};
use crate::dialogue::{COMMAND_HEADER, SET_PROTECTION};
use crate::message::Message;
use crate::oracle::oaep::{Padding, PublicKey};
use crate::oracle::{Block, keys};

/// What a driver's memory holds before a call that must not write it.
pub(crate) const FILL: u8 = 0xA5;

/// A session for AES-128-CTR without decoding.
pub(crate) const SESSION: CryptoSessionDesc = CryptoSessionDesc {
    crypto_type: D3D11_CRYPTO_TYPE_AES128_CTR,
    decode_profile: GUID_NULL,
    key_exchange_type: D3D11_KEY_EXCHANGE_RSAES_OAEP,
};

#[allow(clippy::unused_self, reason = "cases read the same whatever a step needs")]
impl Context<'_> {
    /// A new device, with the table of the variation. Behind the first one of a case there is what the variation has open
    /// beside it.
    pub(crate) fn device(&self) -> CaseResult<Device> {
        self.open_beside();
        self.device_of(self.driver())
    }

    /// A new device of another opening of the driver, with the table of the variation.
    pub(crate) fn device_of(&self, driver: &Driver) -> CaseResult<Device> {
        Ok(match self.variation().table {
            Some(table) => driver.create_device_with_table(table)?,
            None => driver.create_device()?,
        })
    }

    /// A device with a session in use, and a device behind it; less where the driver makes less.
    pub(crate) fn companions(&self, driver: &Driver) -> Vec<Companion> {
        let Ok(device) = driver.create_device() else { return Vec::new() };
        let mut session = self.keyed_session(&device).ok();
        let caps = self.caps(&device).map(|caps| caps.bits).unwrap_or_default();
        if let Some(KeyedSession { session, .. }) = &mut session {
            // It has what a session can have: a read-back key, a number of a refresh. That some drivers have none is no matter.
            if caps & D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY != 0 {
                let _ = session.encryption_blt_key();
            }
            if caps & D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY != 0 {
                let _ = session.start_key_refresh();
            }
        }
        let behind = driver.create_device().ok().map(|device| Companion { session: None, device });
        [Some(Companion { session, device }), behind].into_iter().flatten().collect()
    }

    /// The capabilities for AES-128-CTR without a decode profile; a driver without any skips the case.
    pub(crate) fn caps(&self, device: &Device) -> CaseResult<ContentProtectionCaps> {
        let skip = |error| Stop::skipped(format!("the driver does not offer AES-128-CTR: {error}"));
        device.caps(&D3D11_CRYPTO_TYPE_AES128_CTR, &GUID_NULL).map_err(skip)
    }

    /// Skips the case unless the driver reports all of `bits`.
    pub(crate) fn require(&self, device: &Device, bits: u32) -> CaseResult<ContentProtectionCaps> {
        let caps = self.caps(device)?;
        if caps.contains(bits) {
            return Ok(caps);
        }
        let missing = ContentProtectionCaps { bits: bits & !caps.bits, ..caps };
        let names = missing.names().collect::<Vec<_>>().join(", ");
        Err(Stop::skipped(format!("the driver does not report {names}")))
    }

    /// The public key of a certificate's leaf.
    pub(crate) fn public_key(&self, device: &Device, of: CertificateOf) -> CaseResult<PublicKey> {
        let expected = "a certificate chain, leaf first, whose leaf holds an RSA key of 2048 bits";
        let failed = |seen: String| Stop::failed(expected, seen);
        let chain = CertificateChain::parse(&device.certificate(of)?).map_err(|error| failed(error.to_string()))?;
        let leaf = Certificate::from_der(chain.leaf().der()).map_err(|error| failed(error.to_string()))?;
        let spki = leaf.tbs_certificate().subject_public_key_info().to_der();
        let key = PublicKey::from_spki(&spki.map_err(|error| failed(error.to_string()))?);
        key.filter(|key| key.bits() == 2048).ok_or_else(|| failed("another key".to_owned()))
    }

    /// A new session without a key.
    pub(crate) fn session(&self, device: &Device) -> CaseResult<Session> {
        self.caps(device)?;
        Ok(device.create_session(&SESSION)?)
    }

    /// A new session, and a key that the driver has accepted.
    pub(crate) fn keyed_session(&self, device: &Device) -> CaseResult<KeyedSession> {
        let mut keyed = KeyedSession { session: self.session(device)?, key: [0; 16] };
        self.renegotiate(&mut keyed)?;
        Ok(keyed)
    }

    /// A new key for a session.
    pub(crate) fn renegotiate(&self, keyed: &mut KeyedSession) -> CaseResult {
        self.exchange(keyed, self.random())
    }

    /// This key for a session.
    pub(crate) fn exchange(&self, keyed: &mut KeyedSession, key: Block) -> CaseResult {
        let of = CertificateOf::CryptoSession(SESSION.crypto_type);
        let message = self.public_key(keyed.session.device(), of)?.encrypt(&key, Padding::Oaep512);
        keyed.session.negotiate(&message)?;
        keyed.key = key;
        diagnosis::note_key(key, Origin::Exchanged);
        Ok(())
    }

    /// A resource that holds `data` in its visible bytes.
    pub(crate) fn resource(&self, device: &Device, desc: &ResourceDesc, data: &[u8]) -> CaseResult<Resource> {
        let mut resource = device.create_resource(desc)?;
        write(&mut resource, data)?;
        Ok(resource)
    }

    /// The first channel type that the driver makes, and its certificate.
    pub(crate) fn channel(&self, device: &Device) -> CaseResult<Channel> {
        let types =
            [D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE, D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE];
        let mut made = types.into_iter().map(|channel_type| device.create_channel(channel_type));
        match made.find(|made| matches!(made, Ok(_) | Err(softcp_runtime::Error::MissingEntry { .. }))) {
            Some(channel) => Ok(channel?),
            None => Err(Stop::skipped("the driver makes neither a software nor a hardware channel")),
        }
    }

    /// A channel whose key the driver has accepted, not yet initialised. `channel_type` is the one it was made with.
    pub(crate) fn keyed_channel_of(
        &self,
        device: &Device,
        channel_type: D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE,
        mut channel: Channel,
    ) -> CaseResult<KeyedChannel> {
        let key = self.random();
        let of = CertificateOf::AuthenticatedChannel(channel_type);
        channel.negotiate(&self.public_key(device, of)?.encrypt(&key, Padding::Oaep512))?;
        Ok(KeyedChannel { channel, key, query: 0, command: 0 })
    }

    /// As [`channel`](Self::channel), with a key; not yet initialised.
    pub(crate) fn keyed_channel(&self, device: &Device) -> CaseResult<KeyedChannel> {
        let types =
            [D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE, D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE];
        for channel_type in types {
            match device.create_channel(channel_type) {
                Ok(channel) => return self.keyed_channel_of(device, channel_type, channel),
                Err(error @ softcp_runtime::Error::MissingEntry { .. }) => return Err(error.into()),
                Err(_) => {}
            }
        }
        Err(Stop::skipped("the driver makes neither a software nor a hardware channel"))
    }

    /// As [`keyed_channel`](Self::keyed_channel), initialised with start numbers of 1000 and 2000.
    pub(crate) fn open_channel(&self, device: &Device) -> CaseResult<KeyedChannel> {
        let mut channel = self.keyed_channel(device)?;
        channel.initialize(1000, 2000)?;
        // The first numbers go by without a check, for drivers that are wrong only about them.
        channel.use_first_numbers()?;
        Ok(channel)
    }

    /// As [`require`](Self::require), of a driver that lets clear content be looked at: with `PROTECTION_ALWAYS_ON` it lies
    /// in resources that cannot be mapped (D19).
    pub(crate) fn require_clear(&self, device: &Device, bits: u32) -> CaseResult<ContentProtectionCaps> {
        let caps = self.require(device, bits)?;
        if caps.contains(D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON) {
            return Err(Stop::skipped("protection is always on, and clear content cannot be looked at"));
        }
        Ok(caps)
    }
}

/// What a variation has open beside the devices of a case.
#[derive(Debug)]
#[allow(dead_code, reason = "held, not used")]
pub(crate) struct Companion {
    session: Option<KeyedSession>,
    device: Device,
}

/// A session and the key that it has.
#[derive(Debug)]
pub(crate) struct KeyedSession {
    pub(crate) session: Session,
    pub(crate) key: Block,
}

impl KeyedSession {
    pub(crate) fn handle(&self) -> SessionHandle<'_> {
        self.session.handle()
    }

    /// Start and Finish, here and in the driver.
    pub(crate) fn refresh(&mut self) -> CaseResult {
        let number = self.session.start_key_refresh()?;
        self.session.finish_key_refresh()?;
        self.key = keys::refreshed(&self.key, &number);
        Ok(())
    }

    /// Deciphers `data` from one buffer to another, both as long as it is, and returns what is in the second one then.
    pub(crate) fn decrypt(&self, ctx: &Context<'_>, blit: &Blit<'_>, data: &[u8]) -> CaseResult<Vec<u8>> {
        let desc = ResourceDesc::buffer(data.len());
        let (reply, bytes) = self.blit(ctx, blit, (&desc, data), &desc)?;
        reply.into_result()?;
        Ok(bytes)
    }

    /// Deciphers from a new resource to another one that holds [`FILL`], and returns its visible bytes beside the reply.
    pub(crate) fn blit(
        &self,
        ctx: &Context<'_>,
        blit: &Blit<'_>,
        (from, data): (&ResourceDesc, &[u8]),
        to: &ResourceDesc,
    ) -> CaseResult<(Reply, Vec<u8>)> {
        let device = self.session.device();
        let source = ctx.resource(device, from, data)?;
        let mut destination = filled(device, to)?;
        let reply = blit.call(device, self.handle(), &source, &destination)?;
        Ok((reply, read(&mut destination)?))
    }

    /// What `EncryptionBlt` enciphers with: a new read-back key where the driver has such keys, else the session key.
    pub(crate) fn new_read_back_key(&mut self, caps: &ContentProtectionCaps) -> CaseResult<Block> {
        if !caps.contains(D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY) {
            return Ok(self.key);
        }
        Ok(keys::unwrap(&self.key, &self.session.encryption_blt_key()?))
    }

    /// `EncryptionBlt` of `data` from one buffer to another, both as long as it is: the driver's IV, and what is in the
    /// second one then.
    pub(crate) fn encrypt(&self, ctx: &Context<'_>, data: &[u8]) -> CaseResult<(Block, Vec<u8>)> {
        let (device, desc) = (self.session.device(), ResourceDesc::buffer(data.len()));
        let (source, mut destination) = (ctx.resource(device, &desc, data)?, filled(device, &desc)?);
        let mut iv = [FILL; 16];
        encryption_blt(self.handle(), (&source, &destination), &mut iv)?.into_result()?;
        Ok((iv, read(&mut destination)?))
    }
}

/// The parameters of a `DecryptionBlt`; by default of a whole buffer under the session key.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Blit<'b> {
    pub(crate) iv: Block,
    pub(crate) info: Option<EncryptedBlockInfo>,
    /// As the application passes it: wrapped.
    pub(crate) content_key: Option<&'b [u8]>,
}

impl Blit<'_> {
    /// The call itself.
    pub(crate) fn call(
        &self,
        device: &Device,
        session: SessionHandle<'_>,
        source: &Resource,
        destination: &Resource,
    ) -> CaseResult<Reply> {
        let mut info = self.info.map(|info| D3D11_1DDI_ENCRYPTED_BLOCK_INFO {
            NumEncryptedBytesAtBeginning: info.at_beginning,
            NumBytesInSkipPattern: info.skip,
            NumBytesInEncryptPattern: info.encrypt,
        });
        Ok(device.calls().decryption_blt(
            session,
            source.handle(),
            destination.handle(),
            info.as_mut(),
            self.content_key.map_or(Input::Null { size: 0 }, Input::Bytes),
            Input::Bytes(&self.iv),
        )?)
    }
}

/// A new resource whose visible bytes are [`FILL`].
pub(crate) fn filled(device: &Device, desc: &ResourceDesc) -> CaseResult<Resource> {
    let mut resource = device.create_resource(desc)?;
    let mut mapping = resource.map_write()?;
    for row in 0..mapping.rows() {
        mapping.row_mut(row).fill(FILL);
    }
    drop(mapping);
    Ok(resource)
}

/// Writes the visible bytes of a resource, row after row and plane after plane.
pub(crate) fn write(resource: &mut Resource, mut data: &[u8]) -> CaseResult {
    let mut mapping = resource.map_write()?;
    for row in 0..mapping.rows() {
        let row = mapping.row_mut(row);
        let (now, rest) = data.split_at(row.len().min(data.len()));
        row[..now.len()].copy_from_slice(now);
        data = rest;
    }
    Ok(())
}

/// The visible bytes of a resource.
pub(crate) fn read(resource: &mut Resource) -> CaseResult<Vec<u8>> {
    let mapping = resource.map_read()?;
    Ok((0..mapping.rows()).flat_map(|row| mapping.row(row)).copied().collect())
}

/// The raw call of `StartSessionKeyRefresh` with a buffer of any size.
pub(crate) fn start_refresh(device: &Device, session: SessionHandle<'_>, number: &mut [u8]) -> CaseResult<Reply> {
    Ok(device.calls().start_session_key_refresh(session, Output::Bytes(number))?)
}

/// The raw call of `EncryptionBlt` with an IV buffer of any size.
pub(crate) fn encryption_blt(
    session: SessionHandle<'_>,
    (source, destination): (&Resource, &Resource),
    iv: &mut [u8],
) -> CaseResult<Reply> {
    let calls = source.device().calls();
    Ok(calls.encryption_blt(session, source.handle(), destination.handle(), Output::Bytes(iv))?)
}

/// Fails unless an entry that returns nothing has reported a failure, whichever.
pub(crate) fn check_reported(call: &str, reply: &Reply) -> CaseResult {
    let is_failure = reply.reports.first().is_some_and(|report| report.hresult.0 < 0);
    check(is_failure, format!("{call}: a failure that the error callback hears of"), || match reply.reports.first() {
        None => "no report".to_owned(),
        Some(report) => format!("a report of {}", report.hresult),
    })
}

/// A channel, the key that it has, and the numbers last used.
#[derive(Debug)]
pub(crate) struct KeyedChannel {
    pub(crate) channel: Channel,
    pub(crate) key: Block,
    /// Number of the last query.
    pub(crate) query: u32,
    /// Number of the last command.
    pub(crate) command: u32,
}

impl KeyedChannel {
    /// `CONFIGURE_INITIALIZE`. The first query and the first command may have these numbers.
    pub(crate) fn initialize(&mut self, query: u32, command: u32) -> CaseResult {
        let message = self
            .unsigned_command(D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE, command, size_of::<Initialize>())
            .with(std::mem::offset_of!(Initialize, StartSequenceQuery), query)
            .with(std::mem::offset_of!(Initialize, StartSequenceConfigure), command)
            .signed(&self.key);
        let (reply, _) = self.channel.configure(&message.0)?;
        check_hresult("CONFIGURE_INITIALIZE", softcp_runtime::HResult::OK, reply.hresult())?;
        (self.query, self.command) = (query - 1, command - 1);
        Ok(())
    }

    /// A command of `size` bytes with the channel's handle, without a signature.
    pub(crate) fn unsigned_command(&self, guid: GUID, sequence: u32, size: usize) -> Message {
        Message::command(guid, self.channel.handle_value(), sequence, size)
    }

    /// `CONFIGURE_PROTECTION` with the next number; it must succeed.
    pub(crate) fn protect(&mut self, flags: u32) -> CaseResult {
        let message = self.next_command(&SET_PROTECTION).with(COMMAND_HEADER, flags);
        self.obey(&format!("CONFIGURE_PROTECTION with flags 0x{flags:x}"), message).map(drop)
    }
}
