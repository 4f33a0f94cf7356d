//! The way between sessions and the secure environment.

use std::sync::{Arc, Weak};

use softcp_abi::{
    D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_KEY_EXCHANGE_HW_PROTECTION, E_UNEXPECTED, GUID, GUID_NULL, HRESULT,
};

use super::{
    MAX_SEALED_KEY_SIZE, MAX_SECURE_COMMAND_SIZE, PrivateSizes, SecureAnswer, SecureCommand, SecureEffect,
    SecureEnvironment,
};
use crate::adapter::Adapter;
use crate::capability::Capability;
use crate::device::{Device, Object};
use crate::error::{Error, Result};
use crate::handle::{Handle, Kind};
use crate::key::ContentKey;
use crate::session::CryptoSessionDesc;

/// The memory of one command: what it brings, and where the answer goes.
#[derive(Debug)]
pub struct CommandBuffers<'a> {
    /// `PrivateDataSize` bytes from the beginning of `pbInput`.
    pub private_input: &'a [u8],
    /// `HWProtectionDataSize` bytes behind them; none is "no command bytes" (D29).
    pub input: &'a [u8],
    /// `PrivateDataSize` bytes from the beginning of `pbOutput`.
    pub private_output: &'a mut [u8],
    /// `MaxHWProtectionDataSize` bytes behind them: the room for the answer.
    pub output: &'a mut [u8],
}

/// What a command came to. The answer itself lies in the [`CommandBuffers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct CommandReport {
    /// `Status`: how the command ended, as the environment says (D80). `E_UNEXPECTED` when the environment answered with more
    /// bytes than there was room for; then nothing of its answer is used.
    pub status: HRESULT,
    /// `HWProtectionDataSize`: bytes of the answer. Behind them the output is zero.
    pub written: u32,
    /// `TransportTime` in units of 100 ns.
    pub transport_time: u64,
    /// `ExecutionTime` in units of 100 ns.
    pub execution_time: u64,
    /// What the command did to keys. After [`SecureEffect::TornDown`] the host should tell its applications, as after
    /// [`Adapter::teardown`].
    pub effect: SecureEffect,
}

/// The sizes of the [`CommandBuffers`] of a command, as its caller claims them, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandSizes {
    /// Of [`CommandBuffers::private_input`].
    pub private_input: usize,
    /// Of [`CommandBuffers::input`].
    pub input: usize,
    /// Of [`CommandBuffers::private_output`].
    pub private_output: usize,
    /// Of [`CommandBuffers::output`].
    pub output: usize,
}

impl Device {
    /// Checks the sizes that a caller claims for a command of a session, before a byte of it is read or written (D34): the
    /// private bytes are those of [`Adapter::private_sizes`], input and output at most [`MAX_SECURE_COMMAND_SIZE`] each. Errors
    /// as for [`Self::execute_secure_command`], which makes this check too.
    pub fn check_secure_command(&self, session: Handle, sizes: &CommandSizes) -> Result<()> {
        self.crypto_session(session)?.lock_alone().losses_of_command_session()?;
        let private = self.adapter().environment()?.private_sizes();
        check_exact("the private input", private.input, sizes.private_input)?;
        check_exact("the private output", private.output, sizes.private_output)?;
        check_most("the input of a command", MAX_SECURE_COMMAND_SIZE, sizes.input)?;
        check_most("the output of a command", MAX_SECURE_COMMAND_SIZE, sizes.output)
    }

    /// Checks the size that a caller claims for the private input of [`Self::new_hardware_key`], before a byte of it is read
    /// (D34). Errors as there.
    pub fn check_new_hardware_key(&self, session: Handle, private_input: usize) -> Result<()> {
        let shared = self.crypto_session(session)?;
        self.adapter().environment()?;
        shared.lock_alone().losses_of_hardware_session()?;
        check_most("the private input", MAX_SEALED_KEY_SIZE, private_input)
    }

    /// `NegotiateCryptoSessionKeyExchange` on a command session: carries one command to the secure environment. All of
    /// both outputs is written: the answer, then zeros (D29).
    ///
    /// Any state; a lost session carries commands too. Calls are not serialised: the environment takes several at once,
    /// also of one session (`NegotiateCryptoSessionKeyExchangeMT`).
    ///
    /// A command that the environment refuses is no error here: [`CommandReport::status`] says so. Errors, none of which
    /// writes a byte: [`Error::BadHandle`]; [`Error::NoCommandSession`] for a session of another key exchange;
    /// [`Error::WrongSize`] for private bytes of another size than [`Adapter::private_sizes`]; [`Error::TooLarge`] (D34).
    pub fn execute_secure_command(
        &self,
        session: Handle,
        function: u32,
        buffers: CommandBuffers<'_>,
    ) -> Result<CommandReport> {
        let CommandBuffers { private_input, input, private_output, output } = buffers;
        let sizes = CommandSizes {
            private_input: private_input.len(),
            input: input.len(),
            private_output: private_output.len(),
            output: output.len(),
        };
        self.check_secure_command(session, &sizes)?;
        let shared = self.crypto_session(session)?;
        let losses = shared.lock_alone().losses_of_command_session()?;
        let environment = self.adapter().environment()?;
        let room = output.len();
        let answer = environment.execute(SecureCommand { session, function, private_input, input, room });
        let answer = if answer.output.len() > room || answer.private_output.len() > private_output.len() {
            SecureAnswer { effect: answer.effect, ..SecureAnswer::failed(E_UNEXPECTED) }
        } else {
            answer
        };
        match answer.effect {
            SecureEffect::None => {}
            SecureEffect::Provisioned => shared.lock_alone().hardware_key_made(losses),
            SecureEffect::TornDown => self.adapter().lose_keys(false, None),
        }
        fill(private_output, &answer.private_output);
        fill(output, &answer.output);
        Ok(CommandReport {
            status: answer.status,
            written: u32::try_from(answer.output.len()).expect("the room is a 32-bit number"),
            transport_time: answer.transport_time,
            execution_time: answer.execution_time,
            effect: answer.effect,
        })
    }

    /// `GetDataForNewHardwareKey`: has the secure environment set the session's hardware key up, and returns its 64 bits of
    /// data for the application.
    ///
    /// Any state of a session whose keys come from the environment; a lost one is `Ok` afterwards. Errors:
    /// [`Error::BadHandle`]; [`Error::NotOffered`] without `HARDWARE_DRM_COMMUNICATION`; [`Error::NoHardwareKey`] for a
    /// session of the RSA key exchange; [`Error::TooLarge`] (D34); [`Error::Environment`].
    pub fn new_hardware_key(&self, session: Handle, private_input: &[u8]) -> Result<u64> {
        self.check_new_hardware_key(session, private_input.len())?;
        let shared = self.crypto_session(session)?;
        let environment = self.adapter().environment()?;
        let losses = shared.lock_alone().losses_of_hardware_session()?;
        let data = environment.new_hardware_key(session, private_input)?;
        shared.lock_alone().hardware_key_made(losses);
        Ok(data)
    }
}

impl Device {
    /// A call on this device has met a fault that tears down, [`Error::TornDown`]: everything else goes the way of the
    /// session that met it, as in [`Adapter::teardown`]. This device's observer is called in any case.
    pub fn torn_down(&self, content: bool) {
        if let Some(environment) = self.adapter().secure_environment() {
            environment.teardown();
        }
        self.adapter().lose_keys(content, Some(self.handle()));
    }
}

impl Adapter {
    /// The secure environment; none unless the profile reports `HARDWARE_DRM_COMMUNICATION`.
    #[must_use]
    pub fn secure_environment(&self) -> Option<&Arc<dyn SecureEnvironment>> {
        self.state.environment.as_ref()
    }

    /// `GetCryptoSessionPrivateDataSize`: the environment's sizes for the `HW_PROTECTION` key exchange, none for others.
    /// The null profile stands for none. Error, for what no session can be created for: [`Error::UnsupportedCrypto`].
    pub fn private_sizes(&self, desc: &CryptoSessionDesc) -> Result<PrivateSizes> {
        self.check_session_desc(desc)?;
        match self.secure_environment() {
            Some(environment) if desc.key_exchange_type == D3D11_KEY_EXCHANGE_HW_PROTECTION => {
                Ok(environment.private_sizes())
            }
            _ => Ok(PrivateSizes::default()),
        }
    }

    /// Opens a sealed key blob through the secure environment, for [`DataKey::Unwrapped`](crate::DataKey::Unwrapped).
    ///
    /// `key_id` is the KID that the blob is expected to hold, as the GUID of the same written form. The null GUID and the
    /// crypto type's, which a public browser sends in its place, say nothing about the KID. Errors:
    /// [`Error::TooLarge`] for more than [`MAX_SEALED_KEY_SIZE`] bytes (D34), [`Error::UnsupportedContentKey`] without
    /// `HARDWARE_DRM_COMMUNICATION` (D28), [`Error::SealedKey`].
    pub fn open_sealed_key(&self, blob: &[u8], key_id: Option<&GUID>) -> Result<ContentKey> {
        check_sealed_key_size(blob.len())?;
        let environment = self.secure_environment().ok_or(Error::UnsupportedContentKey(blob.len()))?;
        let key_id = key_id.filter(|id| ![GUID_NULL, D3D11_CRYPTO_TYPE_AES128_CTR].contains(id));
        environment.open_key(blob, key_id).map_err(Error::SealedKey)
    }

    /// A hardware teardown, as after a power event (D23): the secure environment forgets everything, then every session
    /// of every device loses its key, and with `content` the protected content is lost too. Each device that lost something
    /// has its [`TeardownObserver`](crate::TeardownObserver) called. Calls under way end first or fail afterwards.
    pub fn teardown(&self, content: bool) {
        if let Some(environment) = self.secure_environment() {
            environment.teardown();
        }
        self.lose_keys(content, None);
    }

    /// Tells all sessions, after the environment has forgotten everything, and then the observers of the devices that lost
    /// something, and of one that has lost something already.
    fn lose_keys(&self, content: bool, loser: Option<Handle>) {
        let mut losers = Vec::from_iter(loser);
        for (session, device) in self.objects.all(Kind::CryptoSession) {
            // One that has been destroyed meanwhile has nothing to lose.
            let Some(held) = self.objects.hold(Kind::CryptoSession, session, device) else { continue };
            let is_lost = match &mut *held.lock() {
                Some(Object::CryptoSession(session)) => session.invalidate(content),
                _ => false,
            };
            losers.extend(device.filter(|device| is_lost && !losers.contains(device)));
        }
        for device in losers {
            let observer = self.objects.with(Kind::Device, device, None, |object| match object {
                Object::Device(observer) => observer.get().and_then(Weak::upgrade),
                _ => None,
            });
            if let Some(observer) = observer.flatten() {
                observer.torn_down(content);
            }
        }
    }

    fn environment(&self) -> Result<&Arc<dyn SecureEnvironment>> {
        self.secure_environment().ok_or(Error::NotOffered(Capability::HardwareDrmCommunication))
    }
}

/// Checks the size that a caller claims for a sealed key, before a byte of it is read (D34): at most
/// [`MAX_SEALED_KEY_SIZE`]. Error: [`Error::TooLarge`].
pub fn check_sealed_key_size(size: usize) -> Result<()> {
    check_most("a sealed key", MAX_SEALED_KEY_SIZE, size)
}

fn check_exact(what: &'static str, expected: u32, given: usize) -> Result<()> {
    let expected = expected as usize;
    if given == expected { Ok(()) } else { Err(Error::WrongSize { what, expected, given }) }
}

fn check_most(what: &'static str, limit: usize, given: usize) -> Result<()> {
    if given <= limit { Ok(()) } else { Err(Error::TooLarge { what, limit, given }) }
}

/// Writes all of `out`: `bytes`, then zeros.
fn fill(out: &mut [u8], bytes: &[u8]) {
    let (answer, rest) = out.split_at_mut(bytes.len());
    answer.copy_from_slice(bytes);
    rest.fill(0);
}
