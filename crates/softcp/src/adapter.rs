//! The adapter: identity, capability profile, protected-memory budget, and the registry of everything alive on it.

use std::sync::{Arc, Mutex, PoisonError};

use softcp_abi::{
    D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_KEY_EXCHANGE_HW_PROTECTION, D3D11_KEY_EXCHANGE_RSAES_OAEP, DECODER_PROFILES,
    GUID, GUID_NULL,
};
use softcp_aes::Workers;
use zeroize::Zeroizing;

use crate::capability::{Capability, CapabilityProfile, ContentProtectionCaps};
use crate::channel::ChannelType;
use crate::config::{CertificateEncoding, Config};
use crate::device::Object;
use crate::error::{Error, Result};
use crate::faults::{self, Fault, Faults};
use crate::identity::Identity;
use crate::key::KEY_SIZE;
use crate::memory::ProtectedMemory;
use crate::provider::{Provider, RSA_CIPHERTEXT_SIZE};
use crate::registry::Registry;
use crate::secure::{ClearKeyEnvironment, SecureEnvironment};
use crate::session::CryptoSessionDesc;

/// The key exchange types offered for AES-128-CTR, in the order they are enumerated (D27). The last only where
/// `HARDWARE_DRM_COMMUNICATION` is reported.
const KEY_EXCHANGE_TYPES: &[GUID] = &[D3D11_KEY_EXCHANGE_RSAES_OAEP, D3D11_KEY_EXCHANGE_HW_PROTECTION];

/// One adapter. Its methods may be called from any thread.
pub struct Adapter {
    pub(crate) state: Arc<AdapterState>,
    pub(crate) objects: Arc<Registry<Object>>,
    memory: ProtectedMemory,
    outputs: Vec<u64>,
    encoding: CertificateEncoding,
    status_echo: bool,
}

/// What the adapter's sessions and channels need of it.
pub(crate) struct AdapterState {
    pub(crate) provider: Provider,
    pub(crate) profile: CapabilityProfile,
    pub(crate) caller_iv: bool,
    /// The first IV of read-backs under each key, in tests.
    pub(crate) first_read_back_iv: Option<u64>,
    pub(crate) faults: Arc<Faults>,
    /// Threads that help with large blits.
    pub(crate) workers: Workers,
    /// There if, and only if, the profile reports `HARDWARE_DRM_COMMUNICATION`.
    pub(crate) environment: Option<Arc<dyn SecureEnvironment>>,
    identity: Mutex<Option<Arc<Identity>>>,
}

impl Adapter {
    /// An adapter as configured. An identity directory is read now, so that its errors show early; an identity made
    /// in memory is made at first use. Where the profile reports `HARDWARE_DRM_COMMUNICATION`, the adapter has a
    /// [`ClearKeyEnvironment`] of its own. Errors: [`Error::Config`], [`Error::Identity`], [`Error::Fault`] for a fault
    /// of the configuration that cannot be set, [`Error::RandomFailed`].
    pub fn new(config: &Config, provider: Provider) -> Result<Arc<Self>> {
        let environment = Arc::new(ClearKeyEnvironment::new(provider.clone()));
        Self::with_environment(config, provider, environment)
    }

    /// As [`Self::new`], with another secure environment. It is used only where the profile reports
    /// `HARDWARE_DRM_COMMUNICATION`.
    pub fn with_environment(
        config: &Config,
        provider: Provider,
        environment: Arc<dyn SecureEnvironment>,
    ) -> Result<Arc<Self>> {
        let profile = config.profile()?;
        let identity = match &config.identity.directory {
            Some(directory) => Some(Arc::new(Identity::load(directory, &provider)?)),
            None => None,
        };
        let unable_to_revoke = faults::chain::unable_to_revoke(config.identity.encoding, identity.as_deref());
        let faults = Arc::new(Faults::new(&config.faults, Arc::clone(&provider.clock), unable_to_revoke)?);
        let mut serial = [0; size_of::<usize>()];
        provider.random.fill(&mut serial).map_err(|_| Error::RandomFailed)?;
        Ok(Arc::new(Self {
            state: Arc::new(AdapterState {
                environment: profile.has(Capability::HardwareDrmCommunication).then_some(environment),
                provider,
                profile,
                caller_iv: config.quirks.caller_iv,
                first_read_back_iv: config.test.first_read_back_iv.map(u64::from),
                faults: Arc::clone(&faults),
                workers: Workers::new(usize::from(config.blit.threads)),
                identity: Mutex::new(identity),
            }),
            objects: Arc::new(Registry::new(usize::from_ne_bytes(serial))),
            memory: ProtectedMemory::new(config.memory.protected, faults),
            outputs: config.outputs.identifiers.clone(),
            encoding: config.identity.encoding,
            status_echo: config.quirks.status_echo,
        }))
    }

    /// `GetContentProtectionCaps` for a crypto type and a decode profile; the null GUID stands for none of either.
    ///
    /// AES-128-CTR and the null type are known, with the null profile and every decode profile of `dxva.h` (D27);
    /// anything else is [`Error::UnsupportedCrypto`]. Without a crypto type no key exchange is offered.
    pub fn content_protection_caps(&self, crypto_type: &GUID, decode_profile: &GUID) -> Result<ContentProtectionCaps> {
        let key_exchange_types = self.key_exchange_types(crypto_type, decode_profile)?;
        Ok(ContentProtectionCaps {
            capabilities: self.state.profile.capabilities,
            key_exchange_type_count: u32::try_from(key_exchange_types.len()).expect("a handful of types"),
            block_alignment: self.state.profile.block_alignment,
            protected_memory_size: self.memory.size(),
        })
    }

    /// `GetCryptoKeyExchangeType`: the key exchange type at `index`. Errors: [`Error::UnsupportedCrypto`],
    /// [`Error::BadIndex`].
    pub fn key_exchange_type(&self, crypto_type: &GUID, decode_profile: &GUID, index: u32) -> Result<GUID> {
        let types = self.key_exchange_types(crypto_type, decode_profile)?;
        let count = u32::try_from(types.len()).expect("a handful of types");
        let position = usize::try_from(index).unwrap_or(usize::MAX);
        types.get(position).copied().ok_or(Error::BadIndex { what: "key exchange type", index, count })
    }

    /// The certificate chain for sessions of a crypto type, as the application receives it (D13). The first call may
    /// make the identity, which takes up to half a second. Errors: [`Error::UnsupportedCrypto`], [`Error::Identity`],
    /// [`Error::RandomFailed`].
    pub fn session_certificate(&self, crypto_type: &GUID) -> Result<Vec<u8>> {
        if self.key_exchange_types(crypto_type, &GUID_NULL)?.is_empty() {
            return Err(Error::UnsupportedCrypto);
        }
        self.certificate()
    }

    /// The certificate chain for authenticated channels of a type: the same as for sessions. Errors:
    /// [`Error::BadChannelType`], [`Error::Identity`], [`Error::RandomFailed`].
    pub fn channel_certificate(&self, channel_type: u32) -> Result<Vec<u8>> {
        ChannelType::from_number(channel_type)?;
        self.certificate()
    }

    /// What goes wrong on purpose: to be listed, and, where the configuration allows it, set and cleared.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.state.faults
    }

    /// The identifiers of the configured outputs.
    #[must_use]
    pub fn outputs(&self) -> &[u64] {
        &self.outputs
    }

    /// Whether a failed `DecryptionBlt` writes its HRESULT into the block information (D21).
    #[must_use]
    pub fn status_echo(&self) -> bool {
        self.status_echo
    }

    /// The protected-memory budget (D24).
    #[must_use]
    pub fn protected_memory(&self) -> &ProtectedMemory {
        &self.memory
    }

    /// The chain that is shown now: the identity's, or a faulty one.
    fn certificate(&self) -> Result<Vec<u8>> {
        let identity = self.state.identity()?;
        faults::chain::shown(&self.state.faults, &identity, self.encoding, &self.state.provider)
    }

    /// Checks that a session can be created for `desc`; [`Error::UnsupportedCrypto`] otherwise.
    pub(crate) fn check_session_desc(&self, desc: &CryptoSessionDesc) -> Result<()> {
        let types = self.key_exchange_types(&desc.crypto_type, &desc.decode_profile)?;
        let alias = self.state.profile.key_exchange_alias && desc.key_exchange_type == desc.crypto_type;
        if !types.is_empty() && (types.contains(&desc.key_exchange_type) || alias) {
            Ok(())
        } else {
            Err(Error::UnsupportedCrypto)
        }
    }

    /// The key exchange types of a crypto type, checked together with the decode profile (D27).
    fn key_exchange_types(&self, crypto_type: &GUID, decode_profile: &GUID) -> Result<&'static [GUID]> {
        let known = *decode_profile == GUID_NULL || DECODER_PROFILES.iter().any(|(_, guid)| guid == decode_profile);
        match *crypto_type {
            _ if !known => Err(Error::UnsupportedCrypto),
            GUID_NULL => Ok(&[]),
            D3D11_CRYPTO_TYPE_AES128_CTR if self.state.environment.is_some() => Ok(KEY_EXCHANGE_TYPES),
            D3D11_CRYPTO_TYPE_AES128_CTR => Ok(&KEY_EXCHANGE_TYPES[..1]),
            _ => Err(Error::UnsupportedCrypto),
        }
    }
}

impl std::fmt::Debug for Adapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Adapter").field("profile", &self.state.profile).finish_non_exhaustive()
    }
}

impl AdapterState {
    /// The identity, made now if it does not exist yet.
    pub(crate) fn identity(&self) -> Result<Arc<Identity>> {
        let mut identity = self.identity.lock().unwrap_or_else(PoisonError::into_inner);
        match &*identity {
            Some(identity) => Ok(Arc::clone(identity)),
            None => Ok(Arc::clone(identity.insert(Arc::new(Identity::generate(&self.provider)?)))),
        }
    }

    /// The same adapter with another provider.
    #[cfg(test)]
    pub(crate) fn for_test(provider: Provider, like: &Self) -> Self {
        let identity = like.identity().expect("the identity exists");
        Self {
            provider,
            profile: like.profile.clone(),
            caller_iv: like.caller_iv,
            first_read_back_iv: like.first_read_back_iv,
            faults: Arc::clone(&like.faults),
            workers: Workers::new(like.workers.limit()),
            environment: like.environment.clone(),
            identity: Mutex::new(Some(identity)),
        }
    }

    /// Whether the keys of sessions for `desc` come from the secure environment: those of command sessions, and of media
    /// sessions that have no key exchange of their own.
    pub(crate) fn has_hardware_keys(&self, desc: &CryptoSessionDesc) -> bool {
        self.environment.is_some() && desc.key_exchange_type != D3D11_KEY_EXCHANGE_RSAES_OAEP
    }

    /// [`Error::NotOffered`] unless the profile reports the capability.
    pub(crate) fn require(&self, capability: Capability) -> Result<()> {
        if self.profile.capabilities.contains(capability) { Ok(()) } else { Err(Error::NotOffered(capability)) }
    }

    /// [`Error::OutOfMemory`] where that fault is met.
    pub(crate) fn check_memory(&self) -> Result<()> {
        if self.faults.meets(Fault::OutOfMemory) { Err(Error::OutOfMemory) } else { Ok(()) }
    }

    /// The 16-byte key in a key exchange message, encrypted with RSAES-OAEP to the leaf's key. Errors:
    /// [`Error::WrongSize`]; [`Error::KeyExchangeFailed`] for everything else that is wrong with the message (D22);
    /// [`Error::OutOfMemory`] by a fault.
    pub(crate) fn exchanged_key(&self, message: &[u8]) -> Result<Zeroizing<[u8; KEY_SIZE]>> {
        let message: &[u8; RSA_CIPHERTEXT_SIZE] = message.try_into().map_err(|_| Error::WrongSize {
            what: "the key exchange message",
            expected: RSA_CIPHERTEXT_SIZE,
            given: message.len(),
        })?;
        self.faults.slow_down();
        self.check_memory()?;
        let plain = self.identity()?.key().decrypt(message).unwrap_or_default();
        let key: &[u8; KEY_SIZE] = plain.as_slice().try_into().map_err(|_| Error::KeyExchangeFailed)?;
        Ok(Zeroizing::new(*key))
    }
}
