//! Drivers and devices as a whole: opening and closing, many at once, and what a device leaves when it goes.

use softcp_abi::{
    D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE, D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL as CreateChannel,
};
use softcp_runtime::{ChannelHandle, Device, Driver, Error, PrivateMemory, ResourceDesc, SessionHandle};

use crate::case::{Case, CaseResult, Group, Requirement, Stop, check, check_bytes};
use crate::context::Context;
use crate::oracle::oaep::Padding;
use crate::probe::{check_works, create_in, negotiate, probe_if_possible, session_key, session_memory};
use crate::rig::{SESSION, filled, read};
use crate::variation::Mix;

/// How often something is done again.
const ROUNDS: usize = 8;

pub(super) const GROUP: Group = Group {
    name: "process",
    title: "Opening, closing, and what is left",
    mix: Mix::Plain,
    cases: &[
        Case {
            name: "process/open-and-close",
            rule: "The driver can be opened and closed again and again, also while it is open.",
            source: "OpenAdapter",
            requirement: Requirement::Quality,
            run: open_and_close,
        },
        Case {
            name: "process/many-devices",
            rule: "Many devices live at the same time, each with its own sessions, and go in any order.",
            source: "CreateDevice",
            requirement: Requirement::Quality,
            run: many_devices,
        },
        Case {
            name: "process/destroys-what-is-left",
            rule: "Destroying a device ends the sessions, channels and resources that are left on it.",
            source: "DestroyDevice",
            requirement: Requirement::Quality,
            run: destroys_what_is_left,
        },
        Case {
            name: "process/protected-memory-comes-back",
            rule: "Protected memory of resources that are left on a device is free again when the device is destroyed.",
            source: "D24",
            requirement: Requirement::Decision,
            run: protected_memory_comes_back,
        },
        Case {
            name: "process/new-resource-is-zero",
            rule: "A new resource is filled with zeros, also where another one with content has been.",
            source: "CreateResource",
            requirement: Requirement::Quality,
            run: new_resource_is_zero,
        },
        Case {
            name: "process/unload",
            rule: "Closing the driver and unloading its library ends neither in a crash nor in a wait without end.",
            source: "softcp_driver",
            requirement: Requirement::Quality,
            run: unload,
        },
    ],
};

/// The driver opened once more with the same options.
fn open(ctx: &Context<'_>) -> CaseResult<Driver> {
    ctx.driver_with("").map_err(|stop| match stop {
        Stop::Skipped { reason } => Stop::failed("a driver that can be opened once more", reason),
        failed @ Stop::Failed { .. } => failed,
    })
}

/// The runner lets this case have a process of its own, and how that ends is the result.
fn unload(ctx: &Context<'_>) -> CaseResult {
    let (device, behind) = (ctx.device()?, ctx.device()?);
    let session = ctx.keyed_session(&device)?;
    drop((device, behind));
    drop(session);
    Ok(())
}

fn open_and_close(ctx: &Context<'_>) -> CaseResult {
    for _ in 0..ROUNDS {
        let driver = open(ctx)?;
        check(!driver.name().is_empty(), "a driver with a name", || "none".to_owned())?;
        check_works(ctx, &driver.create_device()?)?;
    }
    let before = ctx.device()?;
    let (first, second) = (open(ctx)?, open(ctx)?);
    let devices = [first.create_device()?, second.create_device()?];
    drop(first);
    devices.iter().try_for_each(|device| check_works(ctx, device))?;
    drop((devices, second));
    check_works(ctx, &before)
}

fn many_devices(ctx: &Context<'_>) -> CaseResult {
    let mut devices = Vec::new();
    for _ in 0..32 {
        let device = ctx.device()?;
        let (probe, session) = (probe_if_possible(ctx, &device)?, ctx.keyed_session(&device)?);
        devices.push((probe, session));
    }
    // Every third goes first, then the rest from the front.
    for step in [3, 1] {
        let mut kept = Vec::new();
        for (at, one) in devices.into_iter().enumerate() {
            if at % step == step - 1 { drop(one) } else { kept.push(one) }
        }
        for (probe, session) in kept.iter().filter_map(|(probe, session)| Some((probe.as_ref()?, session))) {
            probe.key("the key of a session on its own device", session)?;
        }
        devices = kept;
    }
    check_works(ctx, &ctx.device()?)
}

/// A channel in memory that outlives it; none from a driver that makes none.
fn leave_channel(device: &Device) -> CaseResult<Option<PrivateMemory>> {
    let mut create =
        CreateChannel { ChannelType: D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE, ..CreateChannel::default() };
    let calls = device.calls();
    let memory = match calls.calc_private_authenticated_channel_size(Some(&create)) {
        Ok(size) => PrivateMemory::new(size),
        Err(Error::MissingEntry { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // SAFETY: the memory has the size that the driver asks for, and the caller keeps it until the device is gone.
    let made = unsafe { calls.create_authenticated_channel(Some(&mut create), ChannelHandle::of(&memory)) };
    match made {
        // Memory of a channel that was not made serves for nothing.
        Ok(reply) => Ok(reply.into_result().is_ok().then_some(memory)),
        Err(Error::MissingEntry { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn destroys_what_is_left(ctx: &Context<'_>) -> CaseResult {
    let witness = ctx.device()?;
    let (probe, session) = (probe_if_possible(ctx, &witness)?, ctx.keyed_session(&witness)?);
    let mut left = Vec::new();
    for _ in 0..ROUNDS {
        let device = ctx.device()?;
        for has_key in [false, true] {
            let memory = session_memory(&device, 0)?;
            create_in(&device, &SESSION, &memory)?.into_result()?;
            if has_key {
                let message = session_key(ctx, &device)?.encrypt(&ctx.random::<16>(), Padding::Oaep512);
                negotiate(&device, SessionHandle::of(&memory), &message)?.0.into_result()?;
            }
            left.push(memory);
        }
        left.extend(leave_channel(&device)?);
        filled(&device, &ResourceDesc::buffer(1000))?.abandon();
        filled(&device, &ResourceDesc::surface(64, 16))?.abandon();
        // The device is destroyed here, and what is on it is not.
        drop(device);
    }
    if let Some(probe) = probe {
        probe.key("the key of a session on another device", &session)?;
    }
    check_works(ctx, &ctx.device()?)?;
    drop(left);
    check_works(ctx, &ctx.device()?)
}

fn protected_memory_comes_back(ctx: &Context<'_>) -> CaseResult {
    // A budget that is used up soon.
    let driver = ctx.driver_with("memory.protected=4096")?;
    check_comes_back(&driver, 2048)
}

fn check_comes_back(driver: &Driver, bytes: usize) -> CaseResult {
    for round in 1..=12 {
        let device = driver.create_device()?;
        match device.create_resource(&ResourceDesc::buffer(bytes).protected()) {
            Ok(resource) => resource.abandon(),
            Err(error) if round == 1 => {
                return Err(Stop::skipped(format!("the driver makes no protected buffer of {bytes} bytes: {error}")));
            }
            Err(error) => {
                let expected = format!("a protected buffer of {bytes} bytes once more, in round {round}");
                return Err(Stop::failed(expected, error.to_string()));
            }
        }
    }
    Ok(())
}

fn new_resource_is_zero(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    for desc in [ResourceDesc::buffer(4096), ResourceDesc::surface(100, 40)] {
        for _ in 0..4 {
            drop(filled(&device, &desc)?);
            let mut resource = device.create_resource(&desc)?;
            let seen = read(&mut resource)?;
            check_bytes("a new resource", &vec![0; seen.len()], &seen)?;
        }
    }
    Ok(())
}
