//! What cases look at again and again: which key is in force, whether a call has failed, and all entries of a session.

use std::cell::Cell;

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT as DECRYPTION_BLT,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON as ALWAYS_ON,
    D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST, GUID, GUID_NULL,
};
use softcp_runtime::{
    CertificateOf, CryptoSessionDesc, Device, Error, Input, Output, PrivateMemory, Reply, ResourceDesc, SessionHandle,
};

use crate::case::{CaseResult, Stop, check, check_bytes};
use crate::context::Context;
use crate::oracle::oaep::{Padding, PublicKey};
use crate::oracle::{Block, ctr};
use crate::rig::{Blit, FILL, KeyedSession, SESSION, filled, read, write};

/// Finds out by `DecryptionBlt` which key a session has. Its IVs go up, for drivers that want that (D10).
#[derive(Debug)]
pub(crate) struct Probe {
    next: Cell<u64>,
    salt: [u8; 8],
}

impl Probe {
    /// Skips the case when the driver does not decipher, or not to where the kit can read.
    pub(crate) fn new(ctx: &Context<'_>, device: &Device) -> CaseResult<Self> {
        let caps = ctx.require(device, DECRYPTION_BLT)?;
        if caps.contains(ALWAYS_ON) {
            return Err(Stop::skipped("the driver reports PROTECTION_ALWAYS_ON: what it deciphers cannot be read"));
        }
        Ok(Self { next: Cell::new(1), salt: ctx.random() })
    }

    /// An IV that has not been used with this probe.
    pub(crate) fn iv(&self) -> Block {
        let iv = self.next.get();
        self.next.set(iv + 1);
        let mut block = [0; 16];
        block[..8].copy_from_slice(&iv.to_be_bytes());
        block
    }

    /// 40 bytes that differ from call to call.
    fn data(&self) -> Vec<u8> {
        let number = self.next.get().to_be_bytes();
        (0..40).map(|i| self.salt[i % 8] ^ number[i / 8].wrapping_mul(31).wrapping_add(number[i % 8])).collect()
    }

    /// Fails unless the driver deciphers with the key that the kit thinks the session has.
    pub(crate) fn key(&self, what: &str, session: &KeyedSession) -> CaseResult {
        self.key_at(what, session.session.device(), session.handle(), &session.key)
    }

    /// As [`key`](Self::key), for a session in memory of the case's own.
    pub(crate) fn key_at(&self, what: &str, device: &Device, session: SessionHandle<'_>, key: &Block) -> CaseResult {
        let (blit, data) = (Blit { iv: self.iv(), ..Blit::default() }, self.data());
        let (reply, seen) = decipher(device, session, &blit, &data)?;
        reply.into_result()?;
        check_bytes(&format!("clear bytes under {what}"), &ctr::apply(key, &blit.iv, None, &data), &seen)
    }

    /// Fails unless a `DecryptionBlt` is refused and the destination keeps its bytes.
    pub(crate) fn no_key(&self, what: &str, device: &Device, session: SessionHandle<'_>) -> CaseResult<Reply> {
        let (reply, seen) = decipher(device, session, &Blit { iv: self.iv(), ..Blit::default() }, &self.data())?;
        check_fails(&format!("DecryptionBlt {what}"), &reply)?;
        check_bytes("the destination keeps its bytes", &[FILL; 40], &seen)?;
        Ok(reply)
    }
}

/// Deciphers from one new buffer to another one of [`FILL`], and returns what is in the second one then.
pub(crate) fn decipher(
    device: &Device,
    session: SessionHandle<'_>,
    blit: &Blit<'_>,
    data: &[u8],
) -> CaseResult<(Reply, Vec<u8>)> {
    let desc = ResourceDesc::buffer(data.len());
    let mut source = device.create_resource(&desc)?;
    write(&mut source, data)?;
    let mut destination = filled(device, &desc)?;
    let reply = blit.call(device, session, &source, &destination)?;
    Ok((reply, read(&mut destination)?))
}

/// As [`Probe::new`], and none when that skips: for cases that have more to look at than keys.
pub(crate) fn probe_if_possible(ctx: &Context<'_>, device: &Device) -> CaseResult<Option<Probe>> {
    match Probe::new(ctx, device) {
        Ok(probe) => Ok(Some(probe)),
        Err(Stop::Skipped { reason }) => {
            ctx.note(format!("keys are not looked at: {reason}"));
            Ok(None)
        }
        Err(failed @ Stop::Failed { .. }) => Err(failed),
    }
}

/// Fails unless a new session on a device works.
pub(crate) fn check_works(ctx: &Context<'_>, device: &Device) -> CaseResult {
    let session = ctx.keyed_session(device)?;
    probe_if_possible(ctx, device)?.map_or(Ok(()), |probe| probe.key("the key of a new session", &session))
}

/// Whether a call failed: by its return value if it has one, else by a report.
pub(crate) fn failed(reply: &Reply) -> bool {
    reply.returned.map_or(!reply.reports.is_empty(), |hresult| hresult.0 < 0)
}

/// Fails unless a call has failed, with whatever code.
pub(crate) fn check_fails(call: &str, reply: &Reply) -> CaseResult {
    check(failed(reply), format!("{call} fails"), || match reply.returned {
        Some(hresult) => hresult.to_string(),
        None => "no report".to_owned(),
    })
}

/// What an entry did that was called with a session that it must refuse.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) reply: Reply,
    /// What it has done to its outputs that a failed call must not do (D30).
    pub(crate) defect: Option<String>,
}

/// Calls every entry of sessions but Destroy, with right parameters otherwise; blits are of resources of the device
/// `owner`. Entries that the driver's table does not have are left out.
pub(crate) fn call_all(
    ctx: &Context<'_>,
    device: &Device,
    session: SessionHandle<'_>,
    owner: &Device,
) -> CaseResult<Vec<Refusal>> {
    let calls = device.calls();
    let mut refusals = Vec::new();
    let mut note = |reply: Result<Reply, Error>, defect: &mut dyn FnMut() -> Option<String>| match reply {
        Ok(reply) => {
            refusals.push(Refusal { reply, defect: defect() });
            Ok(())
        }
        Err(Error::MissingEntry { .. }) => Ok(()),
        Err(error) => Err(Stop::from(error)),
    };
    let changed = |what: &str, bytes: &[u8]| {
        bytes.iter().any(|&byte| byte != FILL).then(|| format!("{what} has not kept its bytes"))
    };
    let not_zero = |what: &str, number: u64| (number != 0).then(|| format!("{what} is {number:#x}, not zero"));

    let message = session_key(ctx, device)?.encrypt(&ctx.random::<16>(), Padding::Oaep512);
    // SAFETY: sessions of cases take keys, not commands.
    let reply = unsafe { calls.negotiate_crypto_session_key_exchange(session, Output::Bytes(&mut message.clone())) };
    note(reply, &mut || None)?;
    // SAFETY: as above.
    let reply =
        unsafe { calls.negotiate_crypto_session_key_exchange_mt(session, 0, Output::Bytes(&mut message.clone())) };
    note(reply, &mut || None)?;

    let desc = ResourceDesc::buffer(32);
    let (source, mut destination) = (ctx.resource(owner, &desc, &ctx.random::<32>())?, filled(owner, &desc)?);
    let (from, iv) = (source.handle(), ctx.random::<16>());
    let reply =
        calls.decryption_blt(session, from, destination.handle(), None, Input::Null { size: 0 }, Input::Bytes(&iv));
    let seen = read(&mut destination)?;
    note(reply, &mut || changed("the destination", &seen))?;
    let mut iv = [FILL; 16];
    let reply = calls.encryption_blt(session, from, destination.handle(), Output::Bytes(&mut iv));
    let seen = read(&mut destination)?;
    note(reply, &mut || changed("the destination", &seen).or_else(|| changed("the IV", &iv)))?;

    let mut number = [FILL; 16];
    let reply = calls.start_session_key_refresh(session, Output::Bytes(&mut number));
    note(reply, &mut || changed("the random number", &number))?;
    note(calls.finish_session_key_refresh(session), &mut || None)?;
    let mut key = [FILL; 16];
    let reply = calls.get_encryption_blt_key(session, Output::Bytes(&mut key));
    note(reply, &mut || changed("the read-back key", &key))?;

    let mut handle = std::ptr::without_provenance_mut(usize::MAX);
    let reply = calls.crypto_session_get_handle(session, Some(&mut handle));
    note(reply, &mut || not_zero("the handle", handle.addr() as u64))?;
    let mut status = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST;
    let reply = calls.check_crypto_session_status(session, Some(&mut status));
    note(reply, &mut || not_zero("the status", status.into()))?;
    let mut data = u64::MAX;
    let reply = calls.get_data_for_new_hardware_key(session, Input::Null { size: 0 }, Some(&mut data));
    // D30 does not say whether this number is a value or a buffer: zero or as it was.
    note(reply, &mut || not_zero("the private output", if data == u64::MAX { 0 } else { data }))?;
    Ok(refusals)
}

/// The public key that sessions take their keys under.
pub(crate) fn session_key(ctx: &Context<'_>, device: &Device) -> CaseResult<PublicKey> {
    ctx.public_key(device, CertificateOf::CryptoSession(SESSION.crypto_type))
}

/// Memory for a session, as large as the driver asks for and `more` bytes.
pub(crate) fn session_memory(device: &Device, more: usize) -> CaseResult<PrivateMemory> {
    let size = device.calls().calc_private_crypto_session_size(Some(&SESSION.into()))?;
    Ok(PrivateMemory::new(size + more))
}

/// `CreateCryptoSession` in memory of [`session_memory`], which holds no live session and stays as long as the device.
pub(crate) fn create_in(device: &Device, desc: &CryptoSessionDesc, memory: &PrivateMemory) -> CaseResult<Reply> {
    let create = (*desc).into();
    // SAFETY: the memory has the size that the driver asks for; cases keep it until the session or the device is gone.
    Ok(unsafe { device.calls().create_crypto_session(Some(&create), SessionHandle::of(memory)) }?)
}

/// `NegotiateCryptoSessionKeyExchange` on a session that takes a key; what is then in the message, too.
pub(crate) fn negotiate(device: &Device, session: SessionHandle<'_>, message: &[u8]) -> CaseResult<(Reply, Vec<u8>)> {
    let mut data = message.to_vec();
    // SAFETY: sessions of cases take keys, not commands.
    let reply = unsafe { device.calls().negotiate_crypto_session_key_exchange(session, Output::Bytes(&mut data)) }?;
    Ok((reply, data))
}

/// The key exchange types of AES-128-CTR as the enumeration gives them, whatever count the capabilities say.
pub(crate) fn key_exchange_types(device: &Device) -> CaseResult<Vec<GUID>> {
    let mut types = Vec::new();
    for index in 0..16 {
        let (mut guid, calls) = (GUID_NULL, device.calls());
        let (crypto_type, profile) = (Some(&SESSION.crypto_type), Some(&SESSION.decode_profile));
        if failed(&calls.get_crypto_key_exchange_type(crypto_type, profile, index, Some(&mut guid))?) {
            break;
        }
        types.push(guid);
    }
    Ok(types)
}
