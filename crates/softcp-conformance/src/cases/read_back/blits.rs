//! What `EncryptionBlt` reads and writes.

use softcp_abi::D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY as READ_BACK_KEY;
use softcp_runtime::ResourceDesc;

use super::{Rig, check_read_back};
use crate::case::{CaseResult, check_bytes};
use crate::context::Context;
use crate::oracle::{ctr, keys};
use crate::rig::{FILL, encryption_blt, filled, read, write};

/// Whether the key is wrapped as it must be is the matter of another case: a key as it comes will do here.
pub(super) fn deciphers(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, 0)?;
    let mut candidates = vec![rig.session.key];
    if rig.caps.contains(READ_BACK_KEY) {
        let given = rig.session.session.encryption_blt_key()?;
        candidates = vec![keys::unwrap(&rig.session.key, &given), given];
    }
    for len in [16, 100] {
        let data = ctx.random_bytes(len);
        let (iv, bytes) = rig.session.encrypt(ctx, &data)?;
        let deciphered = |key| ctr::apply(key, &iv, None, &bytes);
        let key = candidates.iter().find(|key| deciphered(key) == data).unwrap_or(&candidates[0]);
        check_bytes(&format!("{len} bytes, deciphered"), &data, &deciphered(key))?;
    }
    Ok(())
}

pub(super) fn any_length(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, 0)?;
    let key = rig.new_key()?;
    for len in (1..=50).chain([4095, 4096, 4097, (1 << 20) + 16 * 300 + 7]) {
        check_read_back(ctx, &format!("{len} bytes, deciphered"), &rig.session, &key, len)?;
    }
    Ok(())
}

pub(super) fn source_untouched(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, 0)?;
    rig.new_key()?;
    let (desc, data) = (ResourceDesc::buffer(100), ctx.random_bytes(100));
    let mut source = ctx.resource(&rig.device, &desc, &data)?;
    let destination = filled(&rig.device, &desc)?;
    encryption_blt(rig.session.handle(), (&source, &destination), &mut [FILL; 16])?.into_result()?;
    check_bytes("the source", &data, &read(&mut source)?)
}

pub(super) fn protected_source(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, 0)?;
    let key = rig.new_key()?;
    let (desc, data) = (ResourceDesc::buffer(100), ctx.random_bytes(100));
    // Protection is not enforced: a protected resource is written like any other (D19).
    let mut source = rig.device.create_resource(&desc.protected())?;
    write(&mut source, &data)?;
    let (mut destination, mut iv) = (filled(&rig.device, &desc)?, [FILL; 16]);
    encryption_blt(rig.session.handle(), (&source, &destination), &mut iv)?.into_result()?;
    check_bytes("encrypted bytes", &ctr::apply(&key, &iv, None, &data), &read(&mut destination)?)
}
