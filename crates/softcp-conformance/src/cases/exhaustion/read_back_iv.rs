//! The IVs of `EncryptionBlt`, which have 64 bits.

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK as READ_BACK,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY as READ_BACK_KEY, E_FAIL,
};
use softcp_runtime::{HResult, ResourceDesc};

use crate::case::{CaseResult, Stop, check_bytes, check_equal, check_hresult};
use crate::context::Context;
use crate::oracle::ctr;
use crate::rig::{FILL, encryption_blt, filled, read};

/// The first IV, from which there are three to the end.
const FIRST: u64 = u64::MAX - 2;

/// The end is 2^32 calls away at least, so that it takes a test hook to get there.
pub(super) fn read_back_iv(ctx: &Context<'_>) -> CaseResult {
    let option = format!("test.first_read_back_iv={FIRST:#X}");
    let driver = ctx.driver_with(&option)?;
    let device = driver.create_device()?;
    let caps = ctx.require_clear(&device, READ_BACK | READ_BACK_KEY)?;
    let mut session = ctx.keyed_session(&device)?;
    let (desc, data) = (ResourceDesc::buffer(100), ctx.random_bytes(100));
    let source = ctx.resource(&device, &desc, &data)?;
    for round in 1..=2 {
        let key = session.new_read_back_key(&caps)?;
        for number in FIRST..=u64::MAX {
            let (mut destination, mut iv) = (filled(&device, &desc)?, [FILL; 16]);
            encryption_blt(session.handle(), (&source, &destination), &mut iv)?.into_result()?;
            let given = u64::from_be_bytes(std::array::from_fn(|i| iv[i]));
            if (round, number) == (1, FIRST) && given != FIRST {
                return Err(Stop::skipped(format!("with the option {option} the first IV is {given:#x}")));
            }
            check_equal(&format!("key {round}: the IV"), &format!("{number:#x}"), &format!("{given:#x}"))?;
            let what = format!("key {round}: bytes with the IV {number:#x}");
            check_bytes(&what, &ctr::apply(&key, &iv, None, &data), &read(&mut destination)?)?;
        }
        // And it stays so.
        for call in 1..=3 {
            let (mut destination, mut iv) = (filled(&device, &desc)?, [FILL; 16]);
            let reply = encryption_blt(session.handle(), (&source, &destination), &mut iv)?;
            let what = format!("key {round}: call {call} behind the last IV");
            check_hresult(&what, HResult(E_FAIL), reply.hresult())?;
            check_bytes(&format!("{what}: the IV buffer"), &[FILL; 16], &iv)?;
            check_bytes(&format!("{what}: the destination"), &[FILL; 100], &read(&mut destination)?)?;
        }
    }
    Ok(())
}
