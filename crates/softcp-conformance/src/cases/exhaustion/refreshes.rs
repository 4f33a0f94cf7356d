//! Session key refreshes, of which there is no last one.

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT as DECRYPTION,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY as FRESHEN,
};
use softcp_runtime::ResourceDesc;

use crate::case::{CaseResult, check_bytes};
use crate::context::Context;
use crate::oracle::ctr;
use crate::rig::{Blit, filled, read};

/// More than 16 bits count.
const KEYS: u32 = (1 << 16) + 100;
/// The bytes are looked at behind so many keys.
const LOOK: u32 = 1024;

pub(super) fn refreshes(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require_clear(&device, DECRYPTION | FRESHEN)?;
    let mut session = ctx.keyed_session(&device)?;
    let (desc, data) = (ResourceDesc::buffer(16), ctx.random_bytes(16));
    let (source, mut destination) = (ctx.resource(&device, &desc, &data)?, filled(&device, &desc)?);
    for key in 1..=KEYS {
        // Each key is new, so each takes the same IV.
        let blit = Blit { iv: [1; 16], ..Blit::default() };
        blit.call(&device, session.handle(), &source, &destination)?.into_result()?;
        if key % LOOK == 0 || key == KEYS {
            let expected = ctr::apply(&session.key, &blit.iv, None, &data);
            check_bytes(&format!("clear bytes under key {key}"), &expected, &read(&mut destination)?)?;
        }
        session.refresh()?;
    }
    Ok(())
}
