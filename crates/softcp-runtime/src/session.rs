//! A crypto session in private memory of the runtime.

use std::fmt;

use softcp_abi::{
    D3D11_1DDI_ENCRYPTED_BLOCK_INFO, D3D11_1DDIARG_CREATECRYPTOSESSION, D3D11_KEY_EXCHANGE_HW_PROTECTION,
    D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST,
    D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK,
};

use crate::calls::{Input, Output, SessionHandle};
use crate::command::{CommandMessage, SecureAnswer, SecureCommand};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::memory::PrivateMemory;
use crate::resource::Resource;

/// Bytes of a session key, a random number and a wrapped key.
const KEY_SIZE: usize = 16;

/// An IV as it lies in memory: `D3D11_AES_CTR_IV`, IV then Count, both big-endian (D5).
pub type AesCtrIv = [u8; 16];

/// Which bytes of a buffer are encrypted: `D3D11_ENCRYPTED_BLOCK_INFO` (D6, D7, D8). All in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EncryptedBlockInfo {
    /// `NumEncryptedBytesAtBeginning`.
    pub at_beginning: u32,
    /// `NumBytesInSkipPattern`: then, again and again, bytes left clear.
    pub skip: u32,
    /// `NumBytesInEncryptPattern`: and after them bytes encrypted.
    pub encrypt: u32,
}

/// Whether a session still has its key and its protected content (D23).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionStatus {
    /// Nothing is lost.
    Ok,
    /// The key is lost; a new key exchange is needed.
    KeyLost,
    /// Key and protected content are lost.
    KeyAndContentLost,
    /// A value that the DDI does not define.
    Other(u32),
}

/// A crypto session. Destroyed when dropped; it keeps its device alive.
///
/// Calls on one session must not overlap, hence `&mut self`. The states that each call needs are the driver's affair:
/// the runtime passes every call on.
pub struct Session {
    device: Device,
    memory: PrivateMemory,
    /// Its key exchange type is `D3D11_KEY_EXCHANGE_HW_PROTECTION`.
    carries_commands: bool,
}

impl Session {
    pub(crate) fn create(device: &Device, desc: &D3D11_1DDIARG_CREATECRYPTOSESSION) -> Result<Self> {
        let calls = device.calls();
        let memory = PrivateMemory::new(calls.calc_private_crypto_session_size(Some(desc))?);
        // SAFETY: the memory is new and of the size asked for; `Session` destroys the session before it frees it.
        let reply = unsafe { calls.create_crypto_session(Some(desc), SessionHandle::of(&memory)) }?;
        reply.into_result()?;
        let carries_commands = desc.KeyExchangeType == D3D11_KEY_EXCHANGE_HW_PROTECTION;
        Ok(Self { device: device.clone(), memory, carries_commands })
    }

    /// The device that the session was created on.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The session's handle, for [`Calls`](crate::Calls).
    #[must_use]
    pub fn handle(&self) -> SessionHandle<'_> {
        SessionHandle::of(&self.memory)
    }

    /// `NegotiateCryptoSessionKeyExchange` with a copy of `data`; for RSAES-OAEP 256 bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Driver`] with `E_INVALIDARG` or `E_OUTOFMEMORY`; [`Error::CommandSession`] on a session that carries
    /// commands.
    pub fn negotiate(&mut self, data: &[u8]) -> Result<()> {
        if self.carries_commands {
            return Err(Error::CommandSession);
        }
        let mut data = data.to_vec();
        let calls = self.device.calls();
        // SAFETY: the key exchange type is another one, as just checked.
        let reply = unsafe { calls.negotiate_crypto_session_key_exchange(self.handle(), Output::Bytes(&mut data)) };
        Ok(reply?.into_result()?)
    }

    /// `NegotiateCryptoSessionKeyExchange` with a command to the secure environment. For sessions whose key exchange type
    /// is [`D3D11_KEY_EXCHANGE_HW_PROTECTION`]; a driver refuses it on others.
    ///
    /// A command that the environment refuses is no error here: [`SecureAnswer::status`] says so.
    ///
    /// # Errors
    ///
    /// [`Error::Driver`] with what the driver returns, as `E_INVALIDARG` for private bytes of another size than
    /// [`Device::private_data_sizes`] says; [`Error::BadAnswer`], [`Error::TooLong`].
    pub fn execute(&mut self, command: &SecureCommand<'_>) -> Result<SecureAnswer> {
        let mut message = CommandMessage::new(command)?;
        self.device.calls().execute_command(self.handle(), &mut message)?.into_result()?;
        message.answer()
    }

    /// The same by `NegotiateCryptoSessionKeyExchangeMT`, which may be called from several threads at once.
    ///
    /// # Errors
    ///
    /// As [`execute`](Self::execute); [`Error::MissingEntry`] when the table is none of WDDM 2.4.
    pub fn execute_mt(&self, command: &SecureCommand<'_>) -> Result<SecureAnswer> {
        let mut message = CommandMessage::new(command)?;
        self.device.calls().execute_command_mt(self.handle(), 0, &mut message)?.into_result()?;
        message.answer()
    }

    /// `GetDataForNewHardwareKey`: has the environment set the session's hardware key up, and gives the driver's data for
    /// the application.
    ///
    /// # Errors
    ///
    /// [`Error::MissingEntry`] when the table is older than WDDM 2.0; [`Error::Driver`] with what the driver returns.
    pub fn data_for_new_hardware_key(&mut self, private_input: &[u8]) -> Result<u64> {
        let mut data = 0;
        let input = if private_input.is_empty() { Input::Null { size: 0 } } else { Input::Bytes(private_input) };
        self.device.calls().get_data_for_new_hardware_key(self.handle(), input, Some(&mut data))?.into_result()?;
        Ok(data)
    }

    /// `DecryptionBlt`: decrypts all of `source` into `destination`. Neither may be mapped.
    ///
    /// `info` none: everything is encrypted. `content_key` none: the session key is the data key; else the wrapped key.
    ///
    /// # Errors
    ///
    /// [`Error::Driver`](crate::Error::Driver) with what the driver reports.
    pub fn decryption_blt(
        &mut self,
        source: &Resource,
        destination: &Resource,
        info: Option<EncryptedBlockInfo>,
        content_key: Option<&[u8]>,
        iv: &AesCtrIv,
    ) -> Result<()> {
        let mut info = info.map(D3D11_1DDI_ENCRYPTED_BLOCK_INFO::from);
        let content_key = content_key.map_or(Input::Null { size: 0 }, Input::Bytes);
        let reply = self.device.calls().decryption_blt(
            self.handle(),
            source.handle(),
            destination.handle(),
            info.as_mut(),
            content_key,
            Input::Bytes(iv),
        )?;
        Ok(reply.into_result()?)
    }

    /// `EncryptionBlt`: encrypts all of `source` into `destination` and returns the IV that the driver used (D11).
    ///
    /// # Errors
    ///
    /// [`Error::Driver`](crate::Error::Driver) with what the driver reports.
    pub fn encryption_blt(&mut self, source: &Resource, destination: &Resource) -> Result<AesCtrIv> {
        let mut iv = AesCtrIv::default();
        let calls = self.device.calls();
        let reply =
            calls.encryption_blt(self.handle(), source.handle(), destination.handle(), Output::Bytes(&mut iv))?;
        reply.into_result()?;
        Ok(iv)
    }

    /// `StartSessionKeyRefresh`: the driver's random number.
    ///
    /// # Errors
    ///
    /// [`Error::Driver`](crate::Error::Driver) with what the driver reports.
    pub fn start_key_refresh(&mut self) -> Result<[u8; KEY_SIZE]> {
        let mut number = [0; KEY_SIZE];
        self.device.calls().start_session_key_refresh(self.handle(), Output::Bytes(&mut number))?.into_result()?;
        Ok(number)
    }

    /// `FinishSessionKeyRefresh`: from here on the key is the old one XOR the number of the last Start.
    ///
    /// # Errors
    ///
    /// [`Error::Driver`](crate::Error::Driver) with what the driver reports, as `D3DERR_INVALIDCALL` without a Start (D3).
    pub fn finish_key_refresh(&mut self) -> Result<()> {
        Ok(self.device.calls().finish_session_key_refresh(self.handle())?.into_result()?)
    }

    /// `GetEncryptionBltKey`: a new read-back key, wrapped with the session key.
    ///
    /// # Errors
    ///
    /// [`Error::Driver`](crate::Error::Driver) with what the driver reports.
    pub fn encryption_blt_key(&mut self) -> Result<[u8; KEY_SIZE]> {
        let mut key = [0; KEY_SIZE];
        self.device.calls().get_encryption_blt_key(self.handle(), Output::Bytes(&mut key))?.into_result()?;
        Ok(key)
    }

    /// `CheckCryptoSessionStatus`.
    ///
    /// # Errors
    ///
    /// [`Error::MissingEntry`](crate::Error::MissingEntry) when the table is older than WDDM 2.0;
    /// [`Error::Driver`](crate::Error::Driver) with what the driver reports.
    pub fn status(&mut self) -> Result<SessionStatus> {
        let mut status = 0;
        self.device.calls().check_crypto_session_status(self.handle(), Some(&mut status))?.into_result()?;
        Ok(match status {
            D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK => SessionStatus::Ok,
            D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST => SessionStatus::KeyLost,
            D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST => SessionStatus::KeyAndContentLost,
            other => SessionStatus::Other(other),
        })
    }

    /// `CryptoSessionGetHandle`: the number that names the session in messages of an authenticated channel.
    ///
    /// # Errors
    ///
    /// [`Error::Driver`](crate::Error::Driver) with what the driver returns.
    pub fn handle_value(&mut self) -> Result<usize> {
        let mut handle = std::ptr::null_mut();
        self.device.calls().crypto_session_get_handle(self.handle(), Some(&mut handle))?.into_result()?;
        Ok(handle.addr())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A table without the entry, or a report, leaves nothing to be done about it.
        let _ = self.device.calls().destroy_crypto_session(self.handle());
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("device", &self.device).finish_non_exhaustive()
    }
}

impl From<EncryptedBlockInfo> for D3D11_1DDI_ENCRYPTED_BLOCK_INFO {
    fn from(info: EncryptedBlockInfo) -> Self {
        Self {
            NumEncryptedBytesAtBeginning: info.at_beginning,
            NumBytesInSkipPattern: info.skip,
            NumBytesInEncryptPattern: info.encrypt,
        }
    }
}
