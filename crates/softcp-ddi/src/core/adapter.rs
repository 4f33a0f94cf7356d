//! Adapters: configuration, identity, capability profile.

use std::ffi::{CStr, c_char};
use std::mem::offset_of;
use std::path::Path;
use std::sync::Arc;

use softcp::Adapter;
use softcp::config::{self, Config};
use softcp::provider::Provider;
use softcp::secure::SecureEnvironment;

use super::types::softcp_hresult;
use crate::environment::{HostEnvironment, softcp_secure_environment};
use crate::hresult::{Failure, Result};
use crate::random::ThreadRandom;
use crate::{guard, log, pin, pointer};

/// Flag of `softcp_adapter_desc`: take nothing from SOFTCP_CONF and SOFTCP_OPTIONS.
pub const SOFTCP_ADAPTER_IGNORE_ENVIRONMENT: u32 = 1;

/// Describes an adapter. Zero members are defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
#[allow(non_camel_case_types, reason = "named as in the C header")]
pub struct softcp_adapter_desc {
    /// Size of this structure in bytes as the caller knows it.
    pub size: u32,
    /// SOFTCP_ADAPTER_ flags.
    pub flags: u32,
    /// Configuration file, UTF-8 path of at most 65,536 bytes; null: the one that SOFTCP_CONF names, if any.
    pub configuration_file: *const c_char,
    /// Options laid over the file, "key=value;key=value" with the file's dotted keys, as
    /// "identity.directory=/etc/softcp;capabilities.profile=hardware-like"; may be null. SOFTCP_OPTIONS is laid over
    /// these in turn, so that who runs a program has the last word. At most 65,536 bytes (D34).
    ///
    /// The keys: identity.directory (holds root.pem, chain.pem, key.pem and, for certificate-revoked of
    /// softcp_inject_fault, crl.pem; left out: made in memory),
    /// identity.encoding (pkcs7 or der, D13), capabilities.profile (software, hardware-like or permissive),
    /// capabilities.block_alignment (bytes, D7), capabilities.flags.NAME (true or false; NAME as content_key),
    /// memory.protected (bytes, D24), blit.threads (that may help with large surfaces; 0, the default: none is ever started),
    /// outputs.identifiers (a list of numbers of 64 bits), accessibility.bus (other, pci, pcix, pci-express or
    /// agp), accessibility.implementation (as daughter-board-connector), accessibility.non_standard, .contiguous_blocks and
    /// .non_contiguous_blocks (true or false), accessibility.encryption (a list of "aes128-ctr" and
    /// GUIDs in quotes), true or false for quirks.status_echo (D21), quirks.caller_iv (D26) and
    /// quirks.key_exchange_alias (D29), faults.opt_in (true allows softcp_inject_fault), faults.list (what goes wrong
    /// from the start, as softcp_inject_fault takes it, with commas between several) and faults.control (a directory by
    /// which the command softcp faults can set and clear them).
    pub options: *const c_char,
    /// The secure environment, which is copied; null: the built-in one for clear keys, one for each adapter.
    pub environment: *const softcp_secure_environment,
}

/// An adapter. Opaque; made by `softcp_adapter_create`.
#[allow(non_camel_case_types, reason = "named as in the C header")]
#[derive(Debug)]
pub struct softcp_adapter(Arc<Adapter>);

impl softcp_adapter {
    pub(crate) fn engine(&self) -> &Arc<Adapter> {
        &self.0
    }
}

/// Makes an adapter and writes it to `adapter`. `desc` may be null for all defaults.
///
/// SOFTCP_E_INVALIDARG: null `adapter`, or a configuration that cannot be read or holds an unknown key or bad value
/// (softcp_last_error says which, and where it stands), a directory of faults.control that cannot be used, or an environment without `execute`.
/// SOFTCP_E_FAIL: the identity directory cannot be used. SOFTCP_E_NOTIMPL: faults.list asks for certificate-revoked, for
/// which there is no revocation list, as softcp_inject_fault says.
///
/// # Safety
/// `desc` is null or points to a structure of its `size` whose strings end in a zero byte and whose environment is null or
/// a structure of its `size`; `adapter` is null or valid for a write. Until the adapter and all its devices are destroyed
/// and no call is under way on them, the environment's callbacks may be called with their context from any thread that
/// calls this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_adapter_create(
    desc: *const softcp_adapter_desc,
    adapter: *mut *mut softcp_adapter,
) -> softcp_hresult {
    guard::run("softcp_adapter_create", || {
        log::init_logging().map_err(Failure::Log)?;
        // SAFETY: the caller's duty on `adapter`.
        unsafe { pointer::write("adapter", adapter, std::ptr::null_mut()) }?;
        let desc = if desc.is_null() {
            softcp_adapter_desc::default()
        } else {
            // SAFETY: the caller's duty on `desc`; all members are valid when zero.
            unsafe { pointer::versioned("softcp_adapter_desc", desc, 8) }?
        };
        if desc.flags & !SOFTCP_ADAPTER_IGNORE_ENVIRONMENT != 0 {
            return Err(Failure::Invalid("softcp_adapter_desc.flags holds an unknown flag"));
        }
        // SAFETY: the caller's duty on the description's strings.
        let file = unsafe { pointer::string("configuration_file", desc.configuration_file) }?;
        // SAFETY: as above.
        let options = unsafe { pointer::string("options", desc.options) }?;
        // SAFETY: the caller's duty on the description's environment.
        let secure = unsafe { secure_environment(desc.environment) }?;
        let options = options.map(|options| ("softcp_adapter_desc.options", options));
        let made = open(file, options, desc.flags & SOFTCP_ADAPTER_IGNORE_ENVIRONMENT == 0, secure)?;
        let made = Box::into_raw(Box::new(softcp_adapter(made)));
        // SAFETY: the caller's duty on `adapter`.
        unsafe { pointer::write("adapter", adapter, made) }
    })
}

/// Destroys an adapter; null does nothing. Its devices live on until they are destroyed themselves.
///
/// # Safety
/// `adapter` is null or came from `softcp_adapter_create` and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_adapter_destroy(adapter: *mut softcp_adapter) -> softcp_hresult {
    guard::run("softcp_adapter_destroy", || {
        if !adapter.is_null() {
            // SAFETY: the caller's duty: it came from `Box::into_raw` and is given back once.
            drop(unsafe { Box::from_raw(adapter) });
        }
        Ok(())
    })
}

/// The library's version as "major.minor.patch", valid for the life of the program.
#[unsafe(no_mangle)]
pub extern "C" fn softcp_version() -> *const c_char {
    VERSION.as_ptr()
}

/// The library's version.
pub(crate) const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => panic!("a version holds no zero byte"),
};

/// The host's secure environment; none where the pointer is null.
///
/// # Safety
/// `environment` is null or points to a structure of its `size`, whose callbacks may be called until it is dropped.
unsafe fn secure_environment(
    environment: *const softcp_secure_environment,
) -> Result<Option<Arc<dyn SecureEnvironment>>> {
    if environment.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's duty; all members are valid when zero.
    let given = unsafe { pointer::versioned("softcp_secure_environment", environment, SMALLEST_ENVIRONMENT) }?;
    // SAFETY: the caller's duty on the callbacks.
    Ok(Some(Arc::new(unsafe { HostEnvironment::new(given) }?)))
}

/// Bytes of a `softcp_secure_environment` up to what every host must give.
const SMALLEST_ENVIRONMENT: usize = offset_of!(softcp_secure_environment, open_key);

/// An adapter from a file, options over it with the name of what they come from, and the process environment's options over those. Without a secure environment
/// it gets the built-in one.
pub(crate) fn open(
    file: Option<&str>,
    options: Option<(&str, &str)>,
    environment: bool,
    secure: Option<Arc<dyn SecureEnvironment>>,
) -> Result<Arc<Adapter>> {
    pin::stay_mapped();
    let (conf, env_options) =
        if environment { config::environment().map_err(softcp::Error::from)? } else { (None, None) };
    let file = file.map(Path::new).or(conf.as_deref());
    let env_options = env_options.as_deref().map(|options| (config::OPTIONS_VARIABLE, options));
    let options: Vec<_> = [options, env_options].into_iter().flatten().collect();
    let config = Config::from_layers(file, &options).map_err(softcp::Error::from)?;
    let provider = Provider::aws_lc();
    let random = Arc::new(ThreadRandom::new(Arc::clone(&provider.random)));
    let provider = provider.with_random(random);
    let adapter = match secure {
        Some(secure) => Adapter::with_environment(&config, provider, secure)?,
        None => Adapter::new(&config, provider)?,
    };
    adapter.faults().warn_with(|text| tracing::warn!("{text}"));
    adapter.faults().notify_with(|fault, schedule| {
        tracing::warn!(target: "softcp_ddi::fault", fault = fault.name(), %schedule, "injected fault");
    });
    Ok(adapter)
}
