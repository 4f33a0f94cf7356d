//! The entries of a function table: for each the call as a value, a hook for faulty drivers, and the function that stands
//! in the table.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem::offset_of;
use std::sync::atomic::{AtomicPtr, Ordering};

use softcp::identity::IdentityOptions;
use softcp_abi::{
    BYTE, D3D10DDI_HDEVICE, D3D10DDI_HRESOURCE, D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT, D3D11_1DDI_CERTIFICATE_INFO,
    D3D11_1DDI_ENCRYPTED_BLOCK_INFO, D3D11_1DDI_HAUTHCHANNEL, D3D11_1DDI_HCRYPTOSESSION, D3D11_1DDI_HDECODE,
    D3D11_1DDI_HRTAUTHCHANNEL, D3D11_1DDI_HRTCRYPTOSESSION, D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS,
    D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL, D3D11_1DDIARG_CREATECRYPTOSESSION, D3D11_KEY_EXCHANGE_HW_PROTECTION,
    D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA as CommandData, D3D11_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA as OutputData,
    D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK, E_NOTIMPL, GUID, HANDLE, HRESULT,
    PFND3D11_1DDI_CALCPRIVATEAUTHENTICATEDCHANNELSIZE, PFND3D11_1DDI_CALCPRIVATECRYPTOSESSIONSIZE,
    PFND3D11_1DDI_CONFIGUREAUTHENTICATEDCHANNEL, PFND3D11_1DDI_CREATEAUTHENTICATEDCHANNEL,
    PFND3D11_1DDI_CREATECRYPTOSESSION, PFND3D11_1DDI_CRYPTOSESSIONGETHANDLE, PFND3D11_1DDI_DECRYPTIONBLT,
    PFND3D11_1DDI_DESTROYAUTHENTICATEDCHANNEL, PFND3D11_1DDI_DESTROYCRYPTOSESSION, PFND3D11_1DDI_ENCRYPTIONBLT,
    PFND3D11_1DDI_FINISHSESSIONKEYREFRESH, PFND3D11_1DDI_GETCERTIFICATE, PFND3D11_1DDI_GETCERTIFICATESIZE,
    PFND3D11_1DDI_GETCONTENTPROTECTIONCAPS, PFND3D11_1DDI_GETCRYPTOKEYEXCHANGETYPE, PFND3D11_1DDI_GETENCRYPTIONBLTKEY,
    PFND3D11_1DDI_NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE, PFND3D11_1DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE,
    PFND3D11_1DDI_QUERYAUTHENTICATEDCHANNEL, PFND3D11_1DDI_STARTSESSIONKEYREFRESH, PFND3D11_1DDI_VIDEODECODERGETHANDLE,
    PFND3DWDDM2_0DDI_CHECKCRYPTOSESSIONSTATUS, PFND3DWDDM2_0DDI_GETCRYPTOSESSIONPRIVATEDATASIZE,
    PFND3DWDDM2_0DDI_GETDATAFORNEWHARDWAREKEY, PFND3DWDDM2_4DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE, S_OK, SIZE_T, UINT,
    UINT64, softcp_resource_desc,
};

use crate::channel;
use crate::cipher;
use crate::decoder;
use crate::driver::{Device, Driver, device};
use crate::keys::Block;
use crate::memory::{self, Buffer};
use crate::report::watched;
use crate::session::{self, Keys};

/// What a hook gives: what the entry returns, or for one that returns nothing the first error it reported.
pub(crate) trait Outcome<Returned> {
    fn of(returned: Returned, reported: HRESULT) -> Self;
    /// Of an entry that is missing.
    fn missing() -> Self;
    fn returned(self) -> Returned;
}

impl Outcome<()> for HRESULT {
    fn of((): (), reported: HRESULT) -> Self {
        reported
    }

    fn missing() -> Self {
        E_NOTIMPL
    }

    fn returned(self) {}
}

impl Outcome<HRESULT> for HRESULT {
    fn of(returned: HRESULT, _: HRESULT) -> Self {
        returned
    }

    fn missing() -> Self {
        E_NOTIMPL
    }

    fn returned(self) -> HRESULT {
        self
    }
}

impl Outcome<usize> for usize {
    fn of(returned: usize, _: HRESULT) -> Self {
        returned
    }

    fn missing() -> Self {
        0
    }

    fn returned(self) -> usize {
        self
    }
}

/// More than the longest table has.
const SLOTS: usize = 128;

/// The reference driver's entries by their index. They are the same for every device.
static REAL: [AtomicPtr<c_void>; SLOTS] = [const { AtomicPtr::new(std::ptr::null_mut()) }; SLOTS];

macro_rules! calls {
    ($($index:literal $name:ident $hook:ident $type:ident
        ($($field:ident: $field_type:ty),*) -> $returned:ty => $outcome:ty;)*) => {
        $(
            #[doc = concat!("A call of `", stringify!($name), "`.")]
            #[derive(Clone, Copy)]
            pub(crate) struct $name<'c> {
                device: D3D10DDI_HDEVICE,
                $($field: $field_type,)*
                lives: PhantomData<&'c ()>,
            }

            impl $name<'_> {
                /// What the reference driver does with it.
                fn real(&self) -> $outcome {
                    let entry = REAL[$index].load(Ordering::Acquire);
                    // SAFETY: null or an entry of this type: it came out of this slot of the reference driver's table.
                    let entry = unsafe { std::mem::transmute::<*mut c_void, $type>(entry) };
                    let Some(entry) = entry else { return <$outcome as Outcome<$returned>>::missing() };
                    let (returned, reported) = watched(|| {
                        // SAFETY: the caller's arguments, or ones that are as valid.
                        unsafe { entry(self.device, $(self.$field),*) }
                    });
                    Outcome::of(returned, reported)
                }

                /// The device it was made on; none for a handle of none.
                #[allow(dead_code, reason = "of some entries only")]
                pub(crate) fn device(&self) -> Option<std::sync::Arc<Device>> {
                    device(self.device)
                }

                /// Address in the handle of the device that it was made on.
                #[allow(dead_code, reason = "of some entries only")]
                pub(crate) fn device_number(&self) -> usize {
                    self.device.pDrvPrivate.addr()
                }

                /// Reports an error of this call.
                #[allow(dead_code, reason = "of some entries only")]
                pub(crate) fn report(&self, hresult: HRESULT, text: &str) -> HRESULT {
                    if let Some(device) = self.device() {
                        device.driver.sink.report(stringify!($name), hresult, text);
                    }
                    hresult
                }
            }

            unsafe extern "system" fn $hook(
                device_handle: D3D10DDI_HDEVICE,
                $($field: $field_type),*
            ) -> $returned {
                let call = $name { device: device_handle, $($field,)* lives: PhantomData };
                let outcome = match device(device_handle) {
                    Some(device) => device.driver.hooks.$hook.map_or_else(|| call.pass_on(), |hook| hook(&call)),
                    None => call.pass_on(),
                };
                Outcome::<$returned>::returned(outcome)
            }
        )*

        /// What a driver does in place of passing a call on: a hook for each entry, and the rules by which its hooks go.
        #[derive(Clone, Copy)]
        pub(crate) struct Hooks {
            $(pub(crate) $hook: Option<fn(&$name<'_>) -> $outcome>,)*
            pub(crate) create_device: Option<CreateDevice>,
            pub(crate) destroy_device: Option<DestroyDevice>,
            pub(crate) create_resource: Option<CreateResource>,
            pub(crate) created_resource: Option<CreatedResource>,
            pub(crate) map_resource: Option<MapResource>,
            pub(crate) retrieve_sub_object: Option<RetrieveSubObject>,
            pub(crate) change_table: Option<ChangeTable>,
            /// Something is written behind the second table of a device.
            pub(crate) writes_behind_tables: bool,
            /// There is one open driver at a time.
            pub(crate) opens_once: bool,
            /// Whether closing the driver ends the process.
            pub(crate) aborts_in_close: bool,
            /// The identity that is made for the driver, in place of the user's.
            pub(crate) identity: Option<fn() -> IdentityOptions>,
            /// Options without which the fault does not show, unless the user's are about the same.
            pub(crate) options: &'static str,
            /// Of messages on channels.
            pub(crate) messages: channel::Rules,
            /// Of the cipher of blits.
            pub(crate) cipher: cipher::Rules,
            /// Of decoders and their frames; none leaves the table's entries as they are.
            pub(crate) decoder: Option<decoder::Rules>,
        }

        impl Hooks {
            /// The hooks of a correct driver.
            pub(crate) const NONE: Self = Self {
                $($hook: None,)*
                create_device: None,
                destroy_device: None,
                create_resource: None,
                created_resource: None,
                map_resource: None,
                retrieve_sub_object: None,
                change_table: None,
                writes_behind_tables: false,
                opens_once: false,
                aborts_in_close: false,
                identity: None,
                options: "",
                messages: channel::RULES,
                cipher: cipher::RULES,
                decoder: None,
            };
        }

        /// Puts this wrapper's entries into a table that the reference driver has filled.
        pub(crate) fn fill(table: &mut [*const c_void]) {
            $(
                if let Some(slot) = table.get_mut($index).filter(|slot| !slot.is_null()) {
                    REAL[$index].store(slot.cast_mut(), Ordering::Release);
                                        let typed: $type = Some($hook); // does not compile if the signature is another
                    *slot = typed.map_or(std::ptr::null(), |entry| entry as *const c_void);
                }
            )*
        }
    };
}

/// Stands before `create_device`.
pub(crate) type CreateDevice = fn(&Driver, &mut dyn FnMut() -> HRESULT) -> HRESULT;
/// Stands before `destroy_device`, and says whether the device is destroyed.
pub(crate) type DestroyDevice = fn(&Device) -> bool;
/// Stands before `create_resource`, given what is to be created.
pub(crate) type CreateResource = fn(&Device, &softcp_resource_desc, &mut dyn FnMut() -> HRESULT) -> HRESULT;
/// Is told of each new resource.
pub(crate) type CreatedResource = fn(&Device, usize);
/// Stands before `map_resource`, given the resource.
pub(crate) type MapResource = fn(&Device, usize, &mut dyn FnMut() -> HRESULT) -> HRESULT;
/// Stands before `retrieve_sub_object`, given sub-device and size; the call may be made with others, but no larger size.
pub(crate) type RetrieveSubObject = fn(u32, usize, &dyn Fn(u32, usize) -> HRESULT) -> HRESULT;
/// Changes the filled table of a sub-device, by the indices of its entries.
pub(crate) type ChangeTable = fn(u32, &mut [*const c_void]);

type Caps = D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS;
type BlockInfo = D3D11_1DDI_ENCRYPTED_BLOCK_INFO;

calls! {
    58 GetContentProtectionCaps get_content_protection_caps PFND3D11_1DDI_GETCONTENTPROTECTIONCAPS
        (crypto_type: *const GUID, profile: *const GUID, caps: *mut Caps) -> HRESULT => HRESULT;
    59 GetCryptoKeyExchangeType get_crypto_key_exchange_type PFND3D11_1DDI_GETCRYPTOKEYEXCHANGETYPE
        (crypto_type: *const GUID, profile: *const GUID, index: UINT, exchange: *mut GUID) -> HRESULT => HRESULT;
    60 CalcPrivateCryptoSessionSize calc_private_crypto_session_size PFND3D11_1DDI_CALCPRIVATECRYPTOSESSIONSIZE
        (desc: *const D3D11_1DDIARG_CREATECRYPTOSESSION) -> SIZE_T => SIZE_T;
    61 CreateCryptoSession create_crypto_session PFND3D11_1DDI_CREATECRYPTOSESSION
        (desc: *const D3D11_1DDIARG_CREATECRYPTOSESSION, session: D3D11_1DDI_HCRYPTOSESSION,
            runtime: D3D11_1DDI_HRTCRYPTOSESSION) -> HRESULT => HRESULT;
    62 DestroyCryptoSession destroy_crypto_session PFND3D11_1DDI_DESTROYCRYPTOSESSION
        (session: D3D11_1DDI_HCRYPTOSESSION) -> () => HRESULT;
    63 GetCertificateSize get_certificate_size PFND3D11_1DDI_GETCERTIFICATESIZE
        (info: *const D3D11_1DDI_CERTIFICATE_INFO, certificate_size: *mut UINT) -> () => HRESULT;
    64 GetCertificate get_certificate PFND3D11_1DDI_GETCERTIFICATE
        (info: *const D3D11_1DDI_CERTIFICATE_INFO, certificate_size: UINT, certificate: *mut BYTE) -> () => HRESULT;
    65 NegotiateCryptoSessionKeyExchange negotiate_crypto_session_key_exchange
        PFND3D11_1DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE
        (session: D3D11_1DDI_HCRYPTOSESSION, data_size: UINT, data: *mut c_void) -> HRESULT => HRESULT;
    66 EncryptionBlt encryption_blt PFND3D11_1DDI_ENCRYPTIONBLT
        (session: D3D11_1DDI_HCRYPTOSESSION, source: D3D10DDI_HRESOURCE, destination: D3D10DDI_HRESOURCE,
            iv_size: UINT, iv: *mut c_void) -> () => HRESULT;
    67 DecryptionBlt decryption_blt PFND3D11_1DDI_DECRYPTIONBLT
        (session: D3D11_1DDI_HCRYPTOSESSION, source: D3D10DDI_HRESOURCE, destination: D3D10DDI_HRESOURCE,
            info: *const BlockInfo, content_key_size: UINT, content_key: *const c_void, iv_size: UINT,
            iv: *const c_void) -> () => HRESULT;
    68 StartSessionKeyRefresh start_session_key_refresh PFND3D11_1DDI_STARTSESSIONKEYREFRESH
        (session: D3D11_1DDI_HCRYPTOSESSION, number_size: UINT, number: *mut c_void) -> () => HRESULT;
    69 FinishSessionKeyRefresh finish_session_key_refresh PFND3D11_1DDI_FINISHSESSIONKEYREFRESH
        (session: D3D11_1DDI_HCRYPTOSESSION) -> () => HRESULT;
    70 GetEncryptionBltKey get_encryption_blt_key PFND3D11_1DDI_GETENCRYPTIONBLTKEY
        (session: D3D11_1DDI_HCRYPTOSESSION, key_size: UINT, key: *mut c_void) -> () => HRESULT;
    71 CalcPrivateAuthenticatedChannelSize calc_private_authenticated_channel_size
        PFND3D11_1DDI_CALCPRIVATEAUTHENTICATEDCHANNELSIZE
        (desc: *const D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL) -> SIZE_T => SIZE_T;
    72 CreateAuthenticatedChannel create_authenticated_channel PFND3D11_1DDI_CREATEAUTHENTICATEDCHANNEL
        (desc: *mut D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL, channel: D3D11_1DDI_HAUTHCHANNEL,
            runtime: D3D11_1DDI_HRTAUTHCHANNEL) -> HRESULT => HRESULT;
    73 DestroyAuthenticatedChannel destroy_authenticated_channel PFND3D11_1DDI_DESTROYAUTHENTICATEDCHANNEL
        (channel: D3D11_1DDI_HAUTHCHANNEL) -> () => HRESULT;
    74 NegotiateAuthenticatedChannelKeyExchange negotiate_authenticated_channel_key_exchange
        PFND3D11_1DDI_NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE
        (channel: D3D11_1DDI_HAUTHCHANNEL, data_size: UINT, data: *mut c_void) -> HRESULT => HRESULT;
    75 QueryAuthenticatedChannel query_authenticated_channel PFND3D11_1DDI_QUERYAUTHENTICATEDCHANNEL
        (channel: D3D11_1DDI_HAUTHCHANNEL, input_size: UINT, input: *const c_void, output_size: UINT,
            output: *mut c_void) -> HRESULT => HRESULT;
    76 ConfigureAuthenticatedChannel configure_authenticated_channel PFND3D11_1DDI_CONFIGUREAUTHENTICATEDCHANNEL
        (channel: D3D11_1DDI_HAUTHCHANNEL, input_size: UINT, input: *const c_void,
            output: *mut D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT) -> HRESULT => HRESULT;
    77 VideoDecoderGetHandle video_decoder_get_handle PFND3D11_1DDI_VIDEODECODERGETHANDLE
        (decoder: D3D11_1DDI_HDECODE, handle: *mut HANDLE) -> HRESULT => HRESULT;
    78 CryptoSessionGetHandle crypto_session_get_handle PFND3D11_1DDI_CRYPTOSESSIONGETHANDLE
        (session: D3D11_1DDI_HCRYPTOSESSION, handle: *mut HANDLE) -> HRESULT => HRESULT;
    81 GetDataForNewHardwareKey get_data_for_new_hardware_key PFND3DWDDM2_0DDI_GETDATAFORNEWHARDWAREKEY
        (session: D3D11_1DDI_HCRYPTOSESSION, input_size: UINT, input: *const c_void, output: *mut UINT64)
            -> HRESULT => HRESULT;
    82 CheckCryptoSessionStatus check_crypto_session_status PFND3DWDDM2_0DDI_CHECKCRYPTOSESSIONSTATUS
        (session: D3D11_1DDI_HCRYPTOSESSION, status: *mut D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS) -> () => HRESULT;
    93 GetCryptoSessionPrivateDataSize get_crypto_session_private_data_size
        PFND3DWDDM2_0DDI_GETCRYPTOSESSIONPRIVATEDATASIZE
        (crypto_type: *const GUID, profile: *const GUID, exchange: *const GUID, input_size: *mut UINT,
            output_size: *mut UINT) -> () => HRESULT;
    96 NegotiateCryptoSessionKeyExchangeMT negotiate_crypto_session_key_exchange_mt
        PFND3DWDDM2_4DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE
        (session: D3D11_1DDI_HCRYPTOSESSION, flags: UINT, data_size: UINT, data: *mut c_void) -> HRESULT => HRESULT;
}

/// `pass_on` of calls after which the wrapper knows no more than before.
macro_rules! plain {
    ($($name:ident -> $outcome:ty,)*) => {$(
        impl $name<'_> {
            /// What a correct driver does.
            pub(crate) fn pass_on(&self) -> $outcome {
                self.real()
            }
        }
    )*};
}

plain! {
    GetContentProtectionCaps -> HRESULT,
    GetCryptoKeyExchangeType -> HRESULT,
    CalcPrivateCryptoSessionSize -> SIZE_T,
    GetCertificateSize -> HRESULT,
    GetCertificate -> HRESULT,
    EncryptionBlt -> HRESULT,
    CalcPrivateAuthenticatedChannelSize -> SIZE_T,
    QueryAuthenticatedChannel -> HRESULT,
    ConfigureAuthenticatedChannel -> HRESULT,
    VideoDecoderGetHandle -> HRESULT,
    CryptoSessionGetHandle -> HRESULT,
    GetDataForNewHardwareKey -> HRESULT,
    CheckCryptoSessionStatus -> HRESULT,
    GetCryptoSessionPrivateDataSize -> HRESULT,
    NegotiateCryptoSessionKeyExchangeMT -> HRESULT,
}

/// Calls on a session: which one, its keys, and the same call on another device.
macro_rules! on_sessions {
    ($($name:ident,)*) => {$(
        #[allow(dead_code, reason = "of some entries only")]
        impl $name<'_> {
            /// What names the session: the address of its private memory.
            pub(crate) fn session(&self) -> usize {
                self.session.pDrvPrivate.addr()
            }

            /// What is known of the session; none if it has not been made by this driver.
            pub(crate) fn known<T>(&self, look: impl FnOnce(&mut session::Session) -> T) -> Option<T> {
                let device = self.device()?;
                let mut sessions = device.driver.sessions();
                sessions.get_mut(&self.session()).map(look)
            }

            /// The session's keys.
            pub(crate) fn keys(&self) -> Option<Keys> {
                self.known(|session| session.keys).flatten()
            }

            /// The key that the driver uses now, rather than the one that the reference driver has.
            pub(crate) fn set_key(&self, key: Block) {
                self.known(|session| session.set_key(key));
            }

            /// What `CheckCryptoSessionStatus` says of the session.
            pub(crate) fn state(&self) -> D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS {
                let mut status = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK;
                let (device, session) = (self.device, self.session);
                CheckCryptoSessionStatus { device, session, status: &raw mut status, lives: PhantomData }.pass_on();
                status
            }

            /// The same call on the device that the session was created on.
            pub(crate) fn on_its_device(&self) -> Self {
                let creator = self.known(|session| session.device);
                let device = creator.map_or(self.device, |creator| D3D10DDI_HDEVICE {
                    pDrvPrivate: std::ptr::without_provenance_mut(creator),
                });
                Self { device, ..*self }
            }
        }
    )*};
}

on_sessions! {
    DestroyCryptoSession, CreateCryptoSession, NegotiateCryptoSessionKeyExchange, EncryptionBlt, DecryptionBlt,
    StartSessionKeyRefresh, FinishSessionKeyRefresh, GetEncryptionBltKey, CryptoSessionGetHandle,
    CheckCryptoSessionStatus, GetDataForNewHardwareKey, NegotiateCryptoSessionKeyExchangeMT,
}

impl GetContentProtectionCaps<'_> {
    pub(crate) fn caps(&self) -> Option<Caps> {
        // SAFETY: the caller's duty: null or valid, and written by the driver.
        unsafe { memory::read(self.caps) }
    }

    pub(crate) fn set_caps(&self, caps: Caps) {
        // SAFETY: as above.
        unsafe { memory::write(self.caps, caps) };
    }

    pub(crate) fn crypto_type(&self) -> Option<GUID> {
        // SAFETY: the caller's duty: null or valid.
        unsafe { memory::read(self.crypto_type) }
    }

    pub(crate) fn profile(&self) -> Option<GUID> {
        // SAFETY: the caller's duty: null or valid.
        unsafe { memory::read(self.profile) }
    }

    /// The same call for another crypto type, without a profile.
    pub(crate) fn for_type<'b>(&self, crypto_type: &'b GUID) -> GetContentProtectionCaps<'b> {
        let (device, caps) = (self.device, self.caps);
        GetContentProtectionCaps { device, crypto_type, profile: std::ptr::null(), caps, lives: PhantomData }
    }

    pub(crate) fn is_null(&self) -> bool {
        self.caps.is_null()
    }
}

impl GetCryptoKeyExchangeType<'_> {
    pub(crate) fn with_index(&self, index: u32) -> Self {
        Self { index, ..*self }
    }

    pub(crate) fn index(&self) -> u32 {
        self.index
    }

    /// The same call for another crypto type, without a profile.
    pub(crate) fn for_type<'b>(&self, crypto_type: &'b GUID) -> GetCryptoKeyExchangeType<'b>
    where
        Self: 'b,
    {
        GetCryptoKeyExchangeType { crypto_type, profile: std::ptr::null(), ..*self }
    }

    pub(crate) fn exchange(&self) -> Option<GUID> {
        // SAFETY: the caller's duty: null or valid, and written by the driver.
        unsafe { memory::read(self.exchange) }
    }

    pub(crate) fn set_exchange(&self, exchange: GUID) {
        // SAFETY: the caller's duty: null or valid.
        unsafe { memory::write(self.exchange, exchange) };
    }
}

impl CreateCryptoSession<'_> {
    /// What a correct driver does.
    pub(crate) fn pass_on(&self) -> HRESULT {
        let hresult = self.real();
        if let Some(device) = self.device().filter(|_| hresult == S_OK) {
            let mut session = session::Session::new(self.device.pDrvPrivate.addr());
            session.carries_commands =
                self.desc().is_some_and(|desc| desc.KeyExchangeType == D3D11_KEY_EXCHANGE_HW_PROTECTION);
            device.driver.sessions().insert(self.session(), session);
        }
        hresult
    }

    pub(crate) fn desc(&self) -> Option<D3D11_1DDIARG_CREATECRYPTOSESSION> {
        // SAFETY: the caller's duty: null or valid.
        unsafe { memory::read(self.desc) }
    }

    /// The first byte of the session's private memory.
    pub(crate) fn first_byte(&self) -> Option<u8> {
        // SAFETY: the caller's duty: null or memory of the size that was asked for.
        unsafe { memory::read(self.session.pDrvPrivate.cast::<u8>()) }
    }

    /// Writes the 8 bytes behind the private memory that the reference driver asks for.
    pub(crate) fn write_behind_memory(&self, bytes: u64) {
        if !self.session.pDrvPrivate.is_null() {
            // SAFETY: the reference driver asks for the size of a pointer, and the runtime's memory has 16 bytes at least.
            unsafe { self.session.pDrvPrivate.cast::<u64>().wrapping_add(1).write_unaligned(bytes) };
        }
    }

    /// The same call for another session.
    pub(crate) fn with_desc<'d>(&self, desc: &'d D3D11_1DDIARG_CREATECRYPTOSESSION) -> CreateCryptoSession<'d> {
        CreateCryptoSession {
            device: self.device,
            desc,
            session: self.session,
            runtime: self.runtime,
            lives: PhantomData,
        }
    }
}

impl DestroyCryptoSession<'_> {
    /// What a correct driver does.
    pub(crate) fn pass_on(&self) -> HRESULT {
        let hresult = self.real();
        if let Some(device) = self.device().filter(|_| hresult == S_OK) {
            device.driver.sessions().remove(&self.session());
        }
        hresult
    }
}

/// Calls about a certificate.
macro_rules! on_certificates {
    ($($name:ident,)*) => {$(
        impl $name<'_> {
            pub(crate) fn info(&self) -> Option<D3D11_1DDI_CERTIFICATE_INFO> {
                // SAFETY: the caller's duty: null or valid.
                unsafe { memory::read(self.info) }
            }

            /// The same call for another certificate.
            pub(crate) fn with_info<'b>(&self, info: &'b D3D11_1DDI_CERTIFICATE_INFO) -> $name<'b>
            where
                Self: 'b,
            {
                $name { info, ..*self }
            }
        }
    )*};
}

on_certificates! { GetCertificateSize, GetCertificate, }

impl GetCertificateSize<'_> {
    pub(crate) fn size(&self) -> Option<u32> {
        // SAFETY: the caller's duty: null or valid, and written by the driver.
        unsafe { memory::read(self.certificate_size) }
    }

    pub(crate) fn set_size(&self, size: u32) {
        // SAFETY: as above.
        unsafe { memory::write(self.certificate_size, size) };
    }
}

impl<'c> GetCertificate<'c> {
    pub(crate) fn certificate(&self) -> Buffer<'c> {
        // SAFETY: the caller's duty.
        unsafe { Buffer::new(self.certificate.cast(), self.certificate_size) }
    }

    /// The same call with another buffer.
    pub(crate) fn with_certificate<'b>(&self, buffer: Buffer<'b>) -> GetCertificate<'b> {
        GetCertificate {
            device: self.device,
            info: self.info,
            certificate_size: buffer.size,
            certificate: buffer.data.cast(),
            lives: PhantomData,
        }
    }

    /// The size that `GetCertificateSize` says.
    pub(crate) fn real_size(&self) -> u32 {
        let mut size = 0;
        let call = GetCertificateSize {
            device: self.device,
            info: self.info,
            certificate_size: &raw mut size,
            lives: PhantomData,
        };
        call.real();
        size
    }
}

impl<'c> NegotiateCryptoSessionKeyExchange<'c> {
    /// What a correct driver does.
    pub(crate) fn pass_on(&self) -> HRESULT {
        let hresult = self.real();
        if let Some(device) = self.device().filter(|_| hresult == S_OK && self.data_size == 256) {
            let key = self.data().get().and_then(|message| device.driver.key.key(&message));
            self.known(|session| session.negotiated(key));
        }
        hresult
    }

    pub(crate) fn data(&self) -> Buffer<'c> {
        // SAFETY: the caller's duty.
        unsafe { Buffer::new(self.data, self.data_size) }
    }

    /// The same call with another message.
    pub(crate) fn with_data<'b>(&self, data: Buffer<'b>) -> NegotiateCryptoSessionKeyExchange<'b> {
        NegotiateCryptoSessionKeyExchange {
            device: self.device,
            session: self.session,
            data_size: data.size,
            data: data.data,
            lives: PhantomData,
        }
    }
}

/// Calls with a source and a destination.
macro_rules! blits {
    ($($name:ident,)*) => {$(
        #[allow(dead_code, reason = "of one blit only")]
        impl<'c> $name<'c> {
            pub(crate) fn source(&self) -> usize {
                self.source.pDrvPrivate.addr()
            }

            pub(crate) fn destination(&self) -> usize {
                self.destination.pDrvPrivate.addr()
            }

            pub(crate) fn iv(&self) -> Buffer<'c> {
                let iv: *const c_void = self.iv;
                // SAFETY: the caller's duty.
                unsafe { Buffer::new(iv.cast_mut(), self.iv_size) }
            }
        }
    )*};
}

blits! { EncryptionBlt, DecryptionBlt, }

impl EncryptionBlt<'_> {
    /// The same call with another IV buffer.
    pub(crate) fn with_iv<'b>(&self, iv: Buffer<'b>) -> EncryptionBlt<'b> {
        EncryptionBlt {
            device: self.device,
            session: self.session,
            source: self.source,
            destination: self.destination,
            iv_size: iv.size,
            iv: iv.data,
            lives: PhantomData,
        }
    }

    /// `GetEncryptionBltKey` on the same session: a new read-back key.
    pub(crate) fn new_key(&self, key: &mut Block) -> HRESULT {
        let call = GetEncryptionBltKey {
            device: self.device,
            session: self.session,
            key_size: 16,
            key: key.as_mut_ptr().cast(),
            lives: PhantomData,
        };
        call.pass_on()
    }
}

impl<'c> DecryptionBlt<'c> {
    /// What a correct driver does, with the key that this driver uses.
    pub(crate) fn pass_on(&self) -> HRESULT {
        let Some(keys) = self.keys().filter(|keys| keys.own != keys.real) else { return self.real() };
        let data_key = if self.content_key.is_null() {
            keys.own
        } else {
            let Some(wrapped) = self.content_key().block() else { return self.real() };
            crate::keys::unwrap(&keys.own, &wrapped)
        };
        let mut wrapped = crate::keys::wrap(&keys.real, &data_key);
        self.with_content_key(Buffer::of(&mut wrapped)).real()
    }

    pub(crate) fn info(&self) -> Option<BlockInfo> {
        // SAFETY: the caller's duty: null or valid.
        unsafe { memory::read(self.info) }
    }

    /// Writes the caller's block information, which a driver must not do.
    pub(crate) fn set_info(&self, info: BlockInfo) {
        // SAFETY: the callers of faulty drivers pass memory that can be written.
        unsafe { memory::write(self.info.cast_mut(), info) };
    }

    pub(crate) fn content_key(&self) -> Buffer<'c> {
        // SAFETY: the caller's duty.
        unsafe { Buffer::new(self.content_key.cast_mut(), self.content_key_size) }
    }

    /// The same call with another content key.
    pub(crate) fn with_content_key<'b>(&self, key: Buffer<'b>) -> DecryptionBlt<'b>
    where
        'c: 'b,
    {
        DecryptionBlt { content_key: key.data, content_key_size: key.size, ..*self }
    }

    /// The same call with another IV.
    pub(crate) fn with_iv<'b>(&self, iv: Buffer<'b>) -> DecryptionBlt<'b>
    where
        'c: 'b,
    {
        DecryptionBlt { iv: iv.data, iv_size: iv.size, ..*self }
    }

    /// The key that the data is under.
    pub(crate) fn data_key(&self) -> Option<Block> {
        let own = self.keys()?.own;
        if self.content_key.is_null() {
            return Some(own);
        }
        Some(crate::keys::unwrap(&own, &self.content_key().block()?))
    }
}

impl<'c> StartSessionKeyRefresh<'c> {
    /// What a correct driver does.
    pub(crate) fn pass_on(&self) -> HRESULT {
        let hresult = self.real();
        if hresult == S_OK {
            let number = self.number().block();
            self.known(|session| session.started(number));
        }
        hresult
    }

    pub(crate) fn number(&self) -> Buffer<'c> {
        // SAFETY: the caller's duty.
        unsafe { Buffer::new(self.number, self.number_size) }
    }

    /// The same call with another buffer.
    pub(crate) fn with_number<'b>(&self, number: Buffer<'b>) -> StartSessionKeyRefresh<'b> {
        StartSessionKeyRefresh {
            device: self.device,
            session: self.session,
            number_size: number.size,
            number: number.data,
            lives: PhantomData,
        }
    }
}

impl FinishSessionKeyRefresh<'_> {
    /// What a correct driver does.
    pub(crate) fn pass_on(&self) -> HRESULT {
        let hresult = self.real();
        if hresult == S_OK {
            self.known(session::Session::finished);
        }
        hresult
    }
}

impl<'c> GetEncryptionBltKey<'c> {
    /// What a correct driver does, with the key that this driver uses.
    pub(crate) fn pass_on(&self) -> HRESULT {
        let hresult = self.real();
        if let (S_OK, Some(wrapped), Some(keys)) = (hresult, self.key().block(), self.keys()) {
            let read_back = crate::keys::unwrap(&keys.real, &wrapped);
            self.known(|session| session.read_back = Some(read_back));
            self.key().set(&crate::keys::wrap(&keys.own, &read_back));
        }
        hresult
    }

    pub(crate) fn key(&self) -> Buffer<'c> {
        // SAFETY: the caller's duty.
        unsafe { Buffer::new(self.key, self.key_size) }
    }

    /// The same call with another buffer.
    pub(crate) fn with_key<'b>(&self, key: Buffer<'b>) -> GetEncryptionBltKey<'b> {
        GetEncryptionBltKey {
            device: self.device,
            session: self.session,
            key_size: key.size,
            key: key.data,
            lives: PhantomData,
        }
    }
}

impl CryptoSessionGetHandle<'_> {
    pub(crate) fn is_null(&self) -> bool {
        self.handle.is_null()
    }

    pub(crate) fn handle(&self) -> Option<usize> {
        // SAFETY: the caller's duty: null or valid.
        unsafe { memory::read(self.handle) }.map(<*mut c_void>::addr)
    }

    pub(crate) fn set_handle(&self, handle: usize) {
        // SAFETY: the caller's duty: null or valid.
        unsafe { memory::write(self.handle, std::ptr::without_provenance_mut(handle)) };
    }
}

impl CheckCryptoSessionStatus<'_> {
    pub(crate) fn set_status(&self, status: D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS) {
        // SAFETY: the caller's duty: null or valid.
        unsafe { memory::write(self.status, status) };
    }

    pub(crate) fn is_null(&self) -> bool {
        self.status.is_null()
    }

    pub(crate) fn status(&self) -> Option<D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS> {
        // SAFETY: as above.
        unsafe { memory::read(self.status) }
    }
}

impl VideoDecoderGetHandle<'_> {
    pub(crate) fn is_null(&self) -> bool {
        self.handle.is_null()
    }

    pub(crate) fn set_handle(&self, handle: usize) {
        // SAFETY: the caller's duty: null or valid.
        unsafe { memory::write(self.handle, std::ptr::without_provenance_mut(handle)) };
    }
}

impl GetDataForNewHardwareKey<'_> {
    pub(crate) fn set_data(&self, data: u64) {
        // SAFETY: the caller's duty: null or valid.
        unsafe { memory::write(self.output, data) };
    }
}

/// A command to a secure environment.
#[derive(Clone, Copy)]
pub(crate) struct SecureCommand<'c> {
    data: *mut CommandData,
    lives: PhantomData<&'c ()>,
}

impl SecureCommand<'_> {
    fn data(&self) -> CommandData {
        // SAFETY: the duty of who passed it: a structure, and not null.
        unsafe { self.data.read_unaligned() }
    }

    /// Bytes of the private input, and of the command itself.
    pub(crate) fn input_sizes(&self) -> Option<[u32; 2]> {
        // SAFETY: as above, and what it points to.
        let input = unsafe { memory::read(self.data().pInputData) }?;
        Some([input.PrivateDataSize, input.HWProtectionDataSize])
    }

    /// Bytes of the private output, room for the answer, and bytes of the answer.
    pub(crate) fn output_sizes(&self) -> Option<[u32; 3]> {
        // SAFETY: as above.
        let output = unsafe { memory::read(self.data().pOutputData) }?;
        Some([output.PrivateDataSize, output.MaxHWProtectionDataSize, output.HWProtectionDataSize])
    }

    /// Private output and room for the answer, or the 4 bytes that there are at least.
    pub(crate) fn output(&self) -> Buffer<'_> {
        let Some([private, room, _]) = self.output_sizes() else { return Buffer::null() };
        let bytes = self.data().pOutputData.cast::<u8>().wrapping_add(offset_of!(OutputData, pbOutput));
        // SAFETY: as above: the bytes begin in the structure, which has 4 of them, and go on past it.
        unsafe { Buffer::new(bytes.cast(), private.saturating_add(room).max(4)) }
    }

    pub(crate) fn set_status(&self, status: HRESULT) {
        // SAFETY: as above; the driver writes it.
        unsafe { (*self.data).Status = status };
    }
}

/// The entries that carry commands.
macro_rules! commands {
    ($($name:ident,)*) => {$(
        impl<'c> $name<'c> {
            /// The command, on a session that carries commands.
            pub(crate) fn command(&self) -> Option<SecureCommand<'c>> {
                let carries = self.known(|session| session.carries_commands) == Some(true);
                let is_it = carries && !self.data.is_null() && self.data_size as usize == size_of::<CommandData>();
                is_it.then_some(SecureCommand { data: self.data.cast(), lives: PhantomData })
            }
        }
    )*};
}

impl NegotiateCryptoSessionKeyExchangeMT<'_> {
    /// Bytes of the message.
    pub(crate) fn size(&self) -> usize {
        self.data_size as usize
    }
}

commands! { NegotiateCryptoSessionKeyExchange, NegotiateCryptoSessionKeyExchangeMT, }

impl GetCryptoSessionPrivateDataSize<'_> {
    pub(crate) fn set_sizes(&self, input: u32, output: u32) {
        // SAFETY: the caller's duty: null or valid.
        unsafe { memory::write(self.input_size, input) };
        // SAFETY: as above.
        unsafe { memory::write(self.output_size, output) };
    }
}

/// Calls on a channel.
macro_rules! on_channels {
    ($($name:ident,)*) => {$(
        #[allow(dead_code, reason = "of some entries only")]
        impl $name<'_> {
            /// What names the channel: the address of its private memory.
            pub(crate) fn channel(&self) -> usize {
                self.channel.pDrvPrivate.addr()
            }

            /// What is known of the channel; none if it has not been made by this driver.
            pub(crate) fn known<T>(&self, look: impl FnOnce(&mut channel::Channel) -> T) -> Option<T> {
                let device = self.device()?;
                let mut channels = device.driver.channels();
                channels.get_mut(&self.channel()).map(look)
            }

            /// The same call on the device that the channel was created on.
            pub(crate) fn on_its_device(&self) -> Self {
                let creator = self.known(|channel| channel.device);
                let device = creator.map_or(self.device, |creator| D3D10DDI_HDEVICE {
                    pDrvPrivate: std::ptr::without_provenance_mut(creator),
                });
                Self { device, ..*self }
            }
        }
    )*};
}

on_channels! {
    CreateAuthenticatedChannel, DestroyAuthenticatedChannel, NegotiateAuthenticatedChannelKeyExchange,
    QueryAuthenticatedChannel, ConfigureAuthenticatedChannel,
}

impl CreateAuthenticatedChannel<'_> {
    /// The handle of the channel that is made.
    pub(crate) fn memory(&self) -> D3D11_1DDI_HAUTHCHANNEL {
        self.channel
    }

    /// What a correct driver does.
    pub(crate) fn pass_on(&self) -> HRESULT {
        let hresult = self.real();
        if let (S_OK, Some(device), Some(desc)) = (hresult, self.device(), self.desc()) {
            let channel = channel::Channel::new(
                self.device.pDrvPrivate.addr(),
                desc.hChannel.addr(),
                channel::Memory(self.channel),
            );
            device.driver.channels().insert(self.channel(), channel);
        }
        hresult
    }

    pub(crate) fn desc(&self) -> Option<D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL> {
        // SAFETY: the caller's duty: null or valid.
        unsafe { memory::read(self.desc) }
    }

    pub(crate) fn set_desc(&self, desc: D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL) {
        // SAFETY: as above.
        unsafe { memory::write(self.desc, desc) };
    }
}

impl DestroyAuthenticatedChannel<'_> {
    /// What a correct driver does.
    pub(crate) fn pass_on(&self) -> HRESULT {
        let hresult = self.real();
        if let Some(device) = self.device().filter(|_| hresult == S_OK) {
            device.driver.channels().remove(&self.channel());
        }
        hresult
    }
}

impl<'c> NegotiateAuthenticatedChannelKeyExchange<'c> {
    /// A key exchange with a channel of this device.
    pub(crate) fn to(device: &Device, channel: D3D11_1DDI_HAUTHCHANNEL, data: Buffer<'c>) -> Self {
        Self { device: device.handle(), channel, data_size: data.size, data: data.data, lives: PhantomData }
    }

    /// What a correct driver does.
    pub(crate) fn pass_on(&self) -> HRESULT {
        let hresult = self.real();
        if let Some(device) = self.device().filter(|_| hresult == S_OK) {
            let key = self.data().get().and_then(|message| device.driver.key.key(&message));
            self.known(|channel| channel.key = key);
        }
        hresult
    }

    pub(crate) fn data(&self) -> Buffer<'c> {
        // SAFETY: the caller's duty.
        unsafe { Buffer::new(self.data, self.data_size) }
    }

    /// The same call with another message.
    pub(crate) fn with_data<'b>(&self, data: Buffer<'b>) -> NegotiateAuthenticatedChannelKeyExchange<'b> {
        NegotiateAuthenticatedChannelKeyExchange {
            device: self.device,
            channel: self.channel,
            data_size: data.size,
            data: data.data,
            lives: PhantomData,
        }
    }
}

impl<'c> QueryAuthenticatedChannel<'c> {
    pub(crate) fn input(&self) -> Buffer<'c> {
        // SAFETY: the caller's duty; nothing writes it.
        unsafe { Buffer::new(self.input.cast_mut(), self.input_size) }
    }

    pub(crate) fn output(&self) -> Buffer<'c> {
        // SAFETY: the caller's duty.
        unsafe { Buffer::new(self.output, self.output_size) }
    }

    /// The same call with other messages.
    pub(crate) fn with<'b>(&self, input: Buffer<'b>, output: Buffer<'b>) -> QueryAuthenticatedChannel<'b> {
        QueryAuthenticatedChannel {
            device: self.device,
            channel: self.channel,
            input_size: input.size,
            input: input.data,
            output_size: output.size,
            output: output.data,
            lives: PhantomData,
        }
    }
}

impl<'c> ConfigureAuthenticatedChannel<'c> {
    /// A command to a channel of this device.
    pub(crate) fn to(
        device: &Device,
        channel: D3D11_1DDI_HAUTHCHANNEL,
        input: Buffer<'c>,
        output: &'c mut D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT,
    ) -> Self {
        Self { device: device.handle(), channel, input_size: input.size, input: input.data, output, lives: PhantomData }
    }

    pub(crate) fn input(&self) -> Buffer<'c> {
        // SAFETY: the caller's duty; nothing writes it.
        unsafe { Buffer::new(self.input.cast_mut(), self.input_size) }
    }

    pub(crate) fn output(&self) -> Buffer<'c> {
        // SAFETY: the caller's duty: null or a structure of this size.
        unsafe { Buffer::new(self.output.cast(), channel::HEADER_SIZE) }
    }

    /// The same call with another message.
    pub(crate) fn with_input<'b>(&self, input: Buffer<'b>) -> ConfigureAuthenticatedChannel<'b>
    where
        'c: 'b,
    {
        ConfigureAuthenticatedChannel { input_size: input.size, input: input.data, ..*self }
    }

    /// The same call with other messages; `output` has room for an answer.
    pub(crate) fn with<'b>(
        &self,
        input: Buffer<'b>,
        output: &'b mut D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT,
    ) -> ConfigureAuthenticatedChannel<'b> {
        ConfigureAuthenticatedChannel {
            device: self.device,
            channel: self.channel,
            input_size: input.size,
            input: input.data,
            output,
            lives: PhantomData,
        }
    }
}
