//! The IVs of `EncryptionBlt`, which have 64 bits.
//!
//! Both ends are far away from a first IV of 32 random bits, so that it takes a test hook to get there.

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK as READ_BACK,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY as READ_BACK_KEY, E_FAIL,
};
use softcp_runtime::{ContentProtectionCaps, Device, Driver, HResult, ResourceDesc};

use crate::case::{CaseResult, Stop, check_bytes, check_hresult};
use crate::context::Context;
use crate::oracle::{Block, ctr};
use crate::rig::{FILL, KeyedSession, encryption_blt, filled, read};

/// Bytes of the buffers here.
const LEN: usize = 100;

/// A driver whose read-backs begin with an IV of the kit's choice.
struct Rig {
    /// Open as long as its device.
    _driver: Driver,
    device: Device,
    caps: ContentProtectionCaps,
    session: KeyedSession,
}

impl Rig {
    fn new(ctx: &Context<'_>, first: u64) -> CaseResult<Self> {
        let option = format!("test.first_read_back_iv={first:#X}");
        let driver = ctx.driver_with(&option)?;
        let device = ctx.device_of(&driver)?;
        let caps = ctx.require_clear(&device, READ_BACK | READ_BACK_KEY)?;
        let mut session = ctx.keyed_session(&device)?;
        session.new_read_back_key(&caps)?;
        let (iv, _) = session.encrypt(ctx, &[0; 16])?;
        if iv[..8] != first.to_be_bytes() {
            return Err(Stop::skipped(format!("with the option {option} the first IV is {:02x?}", &iv[..8])));
        }
        Ok(Self { _driver: driver, device, caps, session })
    }

    /// Fails unless a read-back is under `key` with the IV `expected`.
    fn check_read_back(&self, ctx: &Context<'_>, what: &str, key: &Block, expected: u64) -> CaseResult {
        let data = ctx.random_bytes(LEN);
        let (iv, bytes) = self.session.encrypt(ctx, &data)?;
        check_bytes(&format!("{what}: the IV"), &expected.to_be_bytes(), &iv[..8])?;
        check_bytes(&format!("{what}: encrypted bytes"), &ctr::apply(key, &iv, None, &data), &bytes)
    }
}

pub(super) fn read_back_iv(ctx: &Context<'_>) -> CaseResult {
    let first = u64::MAX - 2;
    let mut rig = Rig::new(ctx, first)?;
    let desc = ResourceDesc::buffer(LEN);
    let source = ctx.resource(&rig.device, &desc, &ctx.random_bytes(LEN))?;
    for round in 1..=2 {
        let key = rig.session.new_read_back_key(&rig.caps)?;
        for number in first..=u64::MAX {
            rig.check_read_back(ctx, &format!("key {round}, IV {number:#x}"), &key, number)?;
        }
        // And it stays so.
        for call in 1..=3 {
            let (mut destination, mut iv) = (filled(&rig.device, &desc)?, [FILL; 16]);
            let reply = encryption_blt(rig.session.handle(), (&source, &destination), &mut iv)?;
            let what = format!("key {round}: call {call} behind the last IV");
            check_hresult(&what, HResult(E_FAIL), reply.hresult())?;
            check_bytes(&format!("{what}: the IV buffer"), &[FILL; 16], &iv)?;
            check_bytes(&format!("{what}: the destination"), &[FILL; LEN], &read(&mut destination)?)?;
        }
    }
    Ok(())
}

pub(super) fn past_32_bits(ctx: &Context<'_>) -> CaseResult {
    let first = u64::from(u32::MAX) - 1;
    let mut rig = Rig::new(ctx, first)?;
    let key = rig.session.new_read_back_key(&rig.caps)?;
    for number in first..first + 4 {
        rig.check_read_back(ctx, &format!("IV {number:#x}"), &key, number)?;
    }
    Ok(())
}
