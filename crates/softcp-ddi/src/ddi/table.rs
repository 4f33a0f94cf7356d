//! Filling video function tables.
//!
//! In every table the content-protection entries have the same indices: 58 to 78, and 81, 82, 93 from WDDM 2.0 and 96
//! in WDDM 2.4. One list in header order serves them all.

use std::ffi::{CStr, c_char, c_void};

use softcp_abi::video_table_size;

use super::{caps, certificate, channel, hardware, session};
use crate::core::types::softcp_hresult;
use crate::guard;
use crate::hresult::{Failure, Result};

/// An entry: its index in every table long enough to have it, its name in the table, and the function.
pub(crate) struct Entry {
    pub(crate) index: usize,
    pub(crate) name: &'static CStr,
    pub(crate) function: *const c_void,
}

// SAFETY: the pointer is a function's address, the same for every thread.
unsafe impl Sync for Entry {}

/// The entries of a list, each with the type of its function checked.
macro_rules! entries {
    ($($index:literal $name:literal $type:ident = $function:path,)*) => {
        &[$($crate::ddi::table::Entry {
            index: $index,
            name: $name,
            function: {
                const TYPED: softcp_abi::$type = Some($function); // does not compile if the signature is another
                match TYPED {
                    Some(function) => function as *const std::ffi::c_void,
                    None => std::ptr::null(),
                }
            },
        },)*]
    };
}

pub(crate) use entries;

/// Every entry this library provides, in header order. Entries of the tables that are not here stay the host's, 77
/// (`VideoDecoderGetHandle`) among them: the decoder is the host's, its handle that of `softcp_decoder_register`.
static ENTRIES: &[Entry] = entries! {
    58 c"pfnGetContentProtectionCaps" PFND3D11_1DDI_GETCONTENTPROTECTIONCAPS = caps::get_content_protection_caps,
    59 c"pfnGetCryptoKeyExchangeType" PFND3D11_1DDI_GETCRYPTOKEYEXCHANGETYPE = caps::get_crypto_key_exchange_type,
    60 c"pfnCalcPrivateCryptoSessionSize" PFND3D11_1DDI_CALCPRIVATECRYPTOSESSIONSIZE = session::calc_private_crypto_session_size,
    61 c"pfnCreateCryptoSession" PFND3D11_1DDI_CREATECRYPTOSESSION = session::create_crypto_session,
    62 c"pfnDestroyCryptoSession" PFND3D11_1DDI_DESTROYCRYPTOSESSION = session::destroy_crypto_session,
    63 c"pfnGetCertificateSize" PFND3D11_1DDI_GETCERTIFICATESIZE = certificate::get_certificate_size,
    64 c"pfnGetCertificate" PFND3D11_1DDI_GETCERTIFICATE = certificate::get_certificate,
    65 c"pfnNegotiateCryptoSessionKeyExchange" PFND3D11_1DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE = session::negotiate_crypto_session_key_exchange,
    66 c"pfnEncryptionBlt" PFND3D11_1DDI_ENCRYPTIONBLT = session::encryption_blt,
    67 c"pfnDecryptionBlt" PFND3D11_1DDI_DECRYPTIONBLT = session::decryption_blt,
    68 c"pfnStartSessionKeyRefresh" PFND3D11_1DDI_STARTSESSIONKEYREFRESH = session::start_session_key_refresh,
    69 c"pfnFinishSessionKeyRefresh" PFND3D11_1DDI_FINISHSESSIONKEYREFRESH = session::finish_session_key_refresh,
    70 c"pfnGetEncryptionBltKey" PFND3D11_1DDI_GETENCRYPTIONBLTKEY = session::get_encryption_blt_key,
    71 c"pfnCalcPrivateAuthenticatedChannelSize" PFND3D11_1DDI_CALCPRIVATEAUTHENTICATEDCHANNELSIZE = channel::calc_private_authenticated_channel_size,
    72 c"pfnCreateAuthenticatedChannel" PFND3D11_1DDI_CREATEAUTHENTICATEDCHANNEL = channel::create_authenticated_channel,
    73 c"pfnDestroyAuthenticatedChannel" PFND3D11_1DDI_DESTROYAUTHENTICATEDCHANNEL = channel::destroy_authenticated_channel,
    74 c"pfnNegotiateAuthenticatedChannelKeyExchange" PFND3D11_1DDI_NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE = channel::negotiate_authenticated_channel_key_exchange,
    75 c"pfnQueryAuthenticatedChannel" PFND3D11_1DDI_QUERYAUTHENTICATEDCHANNEL = channel::query_authenticated_channel,
    76 c"pfnConfigureAuthenticatedChannel" PFND3D11_1DDI_CONFIGUREAUTHENTICATEDCHANNEL = channel::configure_authenticated_channel,
    78 c"pfnCryptoSessionGetHandle" PFND3D11_1DDI_CRYPTOSESSIONGETHANDLE = session::crypto_session_get_handle,
    81 c"pfnGetDataForNewHardwareKey" PFND3DWDDM2_0DDI_GETDATAFORNEWHARDWAREKEY = hardware::get_data_for_new_hardware_key,
    82 c"pfnCheckCryptoSessionStatus" PFND3DWDDM2_0DDI_CHECKCRYPTOSESSIONSTATUS = session::check_crypto_session_status,
    93 c"pfnGetCryptoSessionPrivateDataSize" PFND3DWDDM2_0DDI_GETCRYPTOSESSIONPRIVATEDATASIZE = hardware::get_crypto_session_private_data_size,
    96 c"pfnNegotiateCryptoSessionKeyExchangeMT" PFND3DWDDM2_4DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE = hardware::negotiate_crypto_session_key_exchange_mt,
};

/// The entries of the core device table, which the host fills itself from [`softcp_ddi_entry`]; the index does not count.
static CORE_ENTRIES: &[Entry] = entries! {
    0 c"pfnSetHardwareProtection" PFND3DWDDM2_0DDI_SETHARDWAREPROTECTION = session::set_hardware_protection,
};

/// Writes this library's entries into a video function table of `table_size` bytes: sub-device 2 (Direct3D 11.1),
/// 3 (WDDM 2.0), 5 (2.1), 7 (2.4 RS4) or 6 (2.4). Every other entry stays as it is. The entries are the same functions
/// for every device, before and after it is attached. SOFTCP_E_INVALIDARG: another sub-device, a size that is not its
/// table's, or a null table.
///
/// pfnVideoDecoderGetHandle (77) is not among them: decoders are the host's. It must answer the number that
/// `softcp_decoder_register` gave for the decoder, or else applications cannot bind a session to it.
///
/// # Safety
/// `table` is null or valid for writes of `table_size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_ddi_fill(sub_device_id: u32, table_size: usize, table: *mut c_void) -> softcp_hresult {
    // SAFETY: the caller's duty is the same.
    guard::run("softcp_ddi_fill", || unsafe { fill(sub_device_id, table_size, table) })
}

/// As [`softcp_ddi_fill`].
///
/// # Safety
/// `table` is null or valid for writes of `table_size` bytes.
pub(crate) unsafe fn fill(sub_device_id: u32, table_size: usize, table: *mut c_void) -> Result<()> {
    let expected =
        video_table_size(sub_device_id).ok_or(Failure::Invalid("there is no video sub-device of this id"))?;
    if table_size != expected {
        return Err(Failure::Invalid("the table size is not that of the sub-device's table"));
    }
    if table.is_null() {
        return Err(Failure::Null("table"));
    }
    for entry in ENTRIES.iter().filter(|entry| entry.index < table_size / size_of::<usize>()) {
        // SAFETY: the index lies inside the table, which the caller says is writable.
        unsafe { entry.set(table) };
    }
    Ok(())
}

impl Entry {
    /// Writes the entry into a table.
    ///
    /// # Safety
    /// `table` is writable and long enough to have an entry of this index.
    pub(crate) unsafe fn set(&self, table: *mut c_void) {
        let slot = table.cast::<*const c_void>().wrapping_add(self.index);
        // SAFETY: the caller's duty.
        unsafe { slot.write_unaligned(self.function) };
    }
}

/// The function of an entry by its name in the table, as "pfnDecryptionBlt", to be cast to its type; null when this
/// library does not provide it. "pfnSetHardwareProtection" belongs to the core device table, which `softcp_ddi_fill` does not
/// fill.
///
/// # Safety
/// `name` is null or a string ending in a zero byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_ddi_entry(name: *const c_char) -> *const c_void {
    if name.is_null() {
        return std::ptr::null();
    }
    // SAFETY: not null, so by the caller's duty a string.
    let name = unsafe { CStr::from_ptr(name) };
    ENTRIES.iter().chain(CORE_ENTRIES).find(|entry| entry.name == name).map_or(std::ptr::null(), |entry| entry.function)
}

#[cfg(test)]
mod tests {
    use softcp_abi::{D3D11_1DDI_VIDEODEVICEFUNCS, D3DWDDM2_4DDI_VIDEODEVICEFUNCS};

    use super::*;

    #[test]
    fn indices_are_those_of_the_committed_table() {
        let csv = include_str!("../../../softcp-abi/spec/functables.csv");
        for entry in ENTRIES {
            let name = entry.name.to_str().unwrap();
            let rows: Vec<_> = csv.lines().filter(|row| row.ends_with(&format!(",{name}"))).collect();
            assert!(!rows.is_empty(), "{name}");
            for row in rows {
                assert_eq!(row.split(',').nth(2), Some(entry.index.to_string().as_str()), "{row}");
            }
        }
    }

    #[test]
    fn fill_writes_its_entries_and_nothing_else() {
        for (id, size) in [2, 3, 5, 7, 6].map(|id| (id, video_table_size(id).unwrap())) {
            let mut table = vec![0x5A5A_usize; size / size_of::<usize>()];
            // SAFETY: the table has this size.
            assert_eq!(unsafe { softcp_ddi_fill(id, size, table.as_mut_ptr().cast()) }, 0);
            for (index, slot) in table.iter().enumerate() {
                let expected = ENTRIES.iter().find(|entry| entry.index == index);
                assert_eq!(*slot, expected.map_or(0x5A5A, |entry| entry.function.addr()), "table {id}, index {index}");
            }
        }
    }

    #[test]
    fn fill_refuses_other_sizes_and_sub_devices() {
        let mut table = D3D11_1DDI_VIDEODEVICEFUNCS::default();
        let size = size_of_val(&table);
        for (id, size) in [(2, size - 1), (2, size + 8), (3, size), (0, size), (4, size)] {
            // SAFETY: nothing is written for a wrong size or id.
            assert_ne!(unsafe { softcp_ddi_fill(id, size, (&raw mut table).cast()) }, 0);
        }
        assert!(table.pfnDecryptionBlt.is_none());
        // SAFETY: null is refused.
        assert_ne!(unsafe { softcp_ddi_fill(2, size, std::ptr::null_mut()) }, 0);
    }

    #[test]
    fn entry_by_name_is_the_one_in_the_table() {
        let mut table = D3DWDDM2_4DDI_VIDEODEVICEFUNCS::default();
        // SAFETY: the table has this size.
        assert_eq!(unsafe { softcp_ddi_fill(6, size_of_val(&table), (&raw mut table).cast()) }, 0);
        // SAFETY: a string.
        let entry = unsafe { softcp_ddi_entry(c"pfnDecryptionBlt".as_ptr()) };
        assert_eq!(entry.addr(), table.pfnDecryptionBlt.unwrap() as usize);
        // SAFETY: a string.
        assert!(unsafe { softcp_ddi_entry(c"pfnDecryptionBl".as_ptr()) }.is_null());
        // SAFETY: a string.
        assert!(!unsafe { softcp_ddi_entry(c"pfnSetHardwareProtection".as_ptr()) }.is_null());
    }
}
