//! The function tables: which entries they have, and that those of each version work.

use softcp_abi::video_table_size;
use softcp_runtime::{Device, Error, FunctionTable, SUB_DEVICES};

use crate::case::{Case, CaseResult, Group, Requirement, Stop, check};
use crate::context::Context;
use crate::probe::{check_fails, check_works};
use crate::variation::Mix;

pub(super) const GROUP: Group = Group {
    name: "table",
    title: "Function tables",
    mix: Mix::Plain,
    cases: &[
        Case {
            name: "table/entries-present",
            rule: "Every video function table has all the content-protection entries of its version.",
            source: "RetrieveSubObject",
            requirement: Requirement::Reference,
            run: entries_present,
        },
        Case {
            name: "table/every-version",
            rule: "The entries of every video function table that the driver fills work.",
            source: "RetrieveSubObject",
            requirement: Requirement::Reference,
            run: every_version,
        },
        Case {
            name: "table/unknown-sub-device",
            rule: "A number that names no video sub-device is refused, and the table is left alone.",
            source: "RetrieveSubObject",
            requirement: Requirement::Quality,
            run: unknown_sub_device,
        },
        Case {
            name: "table/wrong-size",
            rule: "A size that is not that of the sub-device's table is refused, and the table is left alone.",
            source: "RetrieveSubObject",
            requirement: Requirement::Quality,
            run: wrong_size,
        },
        Case {
            name: "table/size-is-kept",
            rule: "Nothing is written behind the end of the table.",
            source: "RetrieveSubObject",
            requirement: Requirement::Reference,
            run: size_is_kept,
        },
    ],
};

/// A device for each table that the driver fills.
fn devices(ctx: &Context<'_>) -> CaseResult<Vec<Device>> {
    let mut devices = Vec::new();
    for id in SUB_DEVICES {
        match ctx.driver().create_device_with_table(id) {
            Ok(device) => devices.push(device),
            Err(Error::NoVideoTable { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let ids: Vec<_> = devices.iter().map(Device::sub_device_id).collect();
    ctx.note(format!("the driver fills the tables of sub-devices {ids:?}"));
    Ok(devices)
}

/// The entries that a table of its version must have and has not.
fn missing(table: &FunctionTable) -> Vec<&'static str> {
    let has_decoders = table.create_video_decoder.is_some();
    let is_2_0 = table.sub_device_id != softcp_abi::D3D11_1DDI_VIDEO_FUNCTIONS;
    let is_2_4 = table.sub_device_id == softcp_abi::D3DWDDM2_4DDI_VIDEO_FUNCTIONS;
    macro_rules! entries {
        ($($demanded:expr => $name:literal $field:ident,)+) => {
            [$(($demanded && table.$field.is_none()).then_some($name)),+]
        };
    }
    let entries = entries! {
        true => "GetContentProtectionCaps" get_content_protection_caps,
        true => "GetCryptoKeyExchangeType" get_crypto_key_exchange_type,
        true => "CalcPrivateCryptoSessionSize" calc_private_crypto_session_size,
        true => "CreateCryptoSession" create_crypto_session,
        true => "DestroyCryptoSession" destroy_crypto_session,
        true => "GetCertificateSize" get_certificate_size,
        true => "GetCertificate" get_certificate,
        true => "NegotiateCryptoSessionKeyExchange" negotiate_crypto_session_key_exchange,
        true => "EncryptionBlt" encryption_blt,
        true => "DecryptionBlt" decryption_blt,
        true => "StartSessionKeyRefresh" start_session_key_refresh,
        true => "FinishSessionKeyRefresh" finish_session_key_refresh,
        true => "GetEncryptionBltKey" get_encryption_blt_key,
        true => "CalcPrivateAuthenticatedChannelSize" calc_private_authenticated_channel_size,
        true => "CreateAuthenticatedChannel" create_authenticated_channel,
        true => "DestroyAuthenticatedChannel" destroy_authenticated_channel,
        true => "NegotiateAuthenticatedChannelKeyExchange" negotiate_authenticated_channel_key_exchange,
        true => "QueryAuthenticatedChannel" query_authenticated_channel,
        true => "ConfigureAuthenticatedChannel" configure_authenticated_channel,
        has_decoders => "VideoDecoderGetHandle" video_decoder_get_handle,
        true => "CryptoSessionGetHandle" crypto_session_get_handle,
        is_2_0 => "GetDataForNewHardwareKey" get_data_for_new_hardware_key,
        is_2_0 => "CheckCryptoSessionStatus" check_crypto_session_status,
        is_2_0 => "GetCryptoSessionPrivateDataSize" get_crypto_session_private_data_size,
        is_2_4 => "NegotiateCryptoSessionKeyExchangeMT" negotiate_crypto_session_key_exchange_mt,
    };
    entries.into_iter().flatten().collect()
}

fn entries_present(ctx: &Context<'_>) -> CaseResult {
    for device in devices(ctx)? {
        let missing = missing(device.calls().table());
        let table = device.sub_device_id();
        check(missing.is_empty(), format!("a table of sub-device {table} with all entries"), || {
            format!("without {}", missing.join(", "))
        })?;
    }
    Ok(())
}

fn every_version(ctx: &Context<'_>) -> CaseResult {
    for device in devices(ctx)? {
        let table = device.sub_device_id();
        let in_table = |stop| match stop {
            Stop::Failed { expected, seen } => {
                Stop::Failed { expected: format!("with the table of sub-device {table}: {expected}"), seen }
            }
            Stop::Skipped { reason } if !missing(device.calls().table()).is_empty() => {
                Stop::failed(format!("a table of sub-device {table} that works"), reason)
            }
            skipped @ Stop::Skipped { .. } => skipped,
        };
        check_works(ctx, &device).map_err(in_table)?;
        match ctx.open_channel(&device) {
            Ok(_) | Err(Stop::Skipped { .. }) => {}
            Err(stop) => return Err(in_table(stop)),
        }
    }
    Ok(())
}

/// Fails unless the call is refused and the table keeps its bytes.
fn check_refused(device: &Device, id: u32, size: usize) -> CaseResult {
    let (reply, table) = device.retrieve_sub_object(id, size)?;
    check_fails(&format!("retrieve_sub_object of sub-device {id} with a table of {size} bytes"), &reply)?;
    let written = table.iter().filter(|&&entry| entry != usize::MAX).count();
    check(written == 0, "a table that keeps its bytes", || format!("{written} entries have changed"))
}

fn unknown_sub_device(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    // 1 and 4 are other sub-devices of the DDI.
    for id in [0, 1, 4, 0x7fff_ffff, u32::MAX] {
        for size in SUB_DEVICES.into_iter().filter_map(video_table_size) {
            check_refused(&device, id, size)?;
        }
    }
    Ok(())
}

fn wrong_size(ctx: &Context<'_>) -> CaseResult {
    for device in devices(ctx)? {
        let id = device.sub_device_id();
        let right = video_table_size(id).unwrap_or_default();
        for size in [0, size_of::<usize>(), right - size_of::<usize>(), right - 1, right + size_of::<usize>()] {
            check_refused(&device, id, size)?;
        }
    }
    Ok(())
}

fn size_is_kept(ctx: &Context<'_>) -> CaseResult {
    for device in devices(ctx)? {
        let id = device.sub_device_id();
        let size = video_table_size(id).unwrap_or_default();
        let (reply, table) = device.retrieve_sub_object(id, size)?;
        reply.into_result()?;
        let behind = table.iter().skip(size / size_of::<usize>()).filter(|&&entry| entry != usize::MAX).count();
        check(behind == 0, format!("nothing behind the {size} bytes of sub-device {id}"), || {
            format!("{behind} entries have changed")
        })?;
    }
    Ok(())
}
