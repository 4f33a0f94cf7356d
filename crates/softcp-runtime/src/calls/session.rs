//! The entries of crypto sessions.

use softcp_abi::{
    D3D11_1DDI_ENCRYPTED_BLOCK_INFO, D3D11_1DDI_HRTCRYPTOSESSION, D3D11_1DDIARG_CREATECRYPTOSESSION,
    D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS, HANDLE,
};

use super::{Calls, Input, Output, Reply, ResourceHandle, SessionHandle, call, const_ptr, mut_ptr};
use crate::error::{Error, Result};

impl Calls<'_> {
    /// `CalcPrivateCryptoSessionSize`: bytes of private memory.
    pub fn calc_private_crypto_session_size(&self, desc: Option<&D3D11_1DDIARG_CREATECRYPTOSESSION>) -> Result<usize> {
        let function = "CalcPrivateCryptoSessionSize";
        let entry = self.device.table.calc_private_crypto_session_size.ok_or(Error::MissingEntry { function })?;
        // SAFETY: the device lives, and the description is valid or null.
        Ok(unsafe { entry(self.device.handle, const_ptr(desc)) })
    }

    /// `CreateCryptoSession`.
    ///
    /// # Safety
    ///
    /// The memory of `session` is at least as large as `CalcPrivateCryptoSessionSize` said, holds no live session, and
    /// stays until `DestroyCryptoSession` was called on it or the device is destroyed.
    pub unsafe fn create_crypto_session(
        &self,
        desc: Option<&D3D11_1DDIARG_CREATECRYPTOSESSION>,
        session: SessionHandle<'_>,
    ) -> Result<Reply> {
        let desc = const_ptr(desc);
        // The runtime has no callbacks that take its own handle; the driver's serves as one that differs per session.
        let runtime_handle = D3D11_1DDI_HRTCRYPTOSESSION { handle: session.raw.pDrvPrivate };
        call!(self, create_crypto_session, "CreateCryptoSession", HRESULT, (desc, session.raw, runtime_handle))
    }

    /// `DestroyCryptoSession`.
    pub fn destroy_crypto_session(&self, session: SessionHandle<'_>) -> Result<Reply> {
        call!(self, destroy_crypto_session, "DestroyCryptoSession", void, (session.raw))
    }

    /// `NegotiateCryptoSessionKeyExchange`. The driver may write to `data`. For commands there is
    /// [`execute_command`](Self::execute_command).
    ///
    /// # Safety
    ///
    /// The session's key exchange type is not `D3D11_KEY_EXCHANGE_HW_PROTECTION`: there the driver follows pointers in
    /// `data`.
    pub unsafe fn negotiate_crypto_session_key_exchange(
        &self,
        session: SessionHandle<'_>,
        data: Output<'_>,
    ) -> Result<Reply> {
        let function = "NegotiateCryptoSessionKeyExchange";
        let data = self.output(function, "the message", data)?;
        let reply = call!(
            self,
            negotiate_crypto_session_key_exchange,
            "NegotiateCryptoSessionKeyExchange",
            HRESULT,
            (session.raw, data.size, data.data)
        )?;
        data.end()?;
        Ok(reply)
    }

    /// `EncryptionBlt`.
    pub fn encryption_blt(
        &self,
        session: SessionHandle<'_>,
        source: ResourceHandle<'_>,
        destination: ResourceHandle<'_>,
        iv: Output<'_>,
    ) -> Result<Reply> {
        let iv = self.output("EncryptionBlt", "the IV", iv)?;
        let reply = call!(
            self,
            encryption_blt,
            "EncryptionBlt",
            void,
            (session.raw, source.raw, destination.raw, iv.size, iv.data)
        )?;
        iv.end()?;
        Ok(reply)
    }

    /// `DecryptionBlt`. `info` is mutable because drivers exist that write a status there (D21).
    pub fn decryption_blt(
        &self,
        session: SessionHandle<'_>,
        source: ResourceHandle<'_>,
        destination: ResourceHandle<'_>,
        info: Option<&mut D3D11_1DDI_ENCRYPTED_BLOCK_INFO>,
        content_key: Input<'_>,
        iv: Input<'_>,
    ) -> Result<Reply> {
        let info = mut_ptr(info).cast_const();
        let content_key = self.input("DecryptionBlt", "the content key", content_key)?;
        let iv = self.input("DecryptionBlt", "the IV", iv)?;
        let [key_data, iv_data] = [content_key.data, iv.data].map(<*mut std::ffi::c_void>::cast_const);
        let reply = call!(
            self,
            decryption_blt,
            "DecryptionBlt",
            void,
            (session.raw, source.raw, destination.raw, info, content_key.size, key_data, iv.size, iv_data)
        )?;
        content_key.end()?;
        iv.end()?;
        Ok(reply)
    }

    /// `StartSessionKeyRefresh`.
    pub fn start_session_key_refresh(&self, session: SessionHandle<'_>, number: Output<'_>) -> Result<Reply> {
        let number = self.output("StartSessionKeyRefresh", "the number", number)?;
        let reply = call!(
            self,
            start_session_key_refresh,
            "StartSessionKeyRefresh",
            void,
            (session.raw, number.size, number.data)
        )?;
        number.end()?;
        Ok(reply)
    }

    /// `FinishSessionKeyRefresh`.
    pub fn finish_session_key_refresh(&self, session: SessionHandle<'_>) -> Result<Reply> {
        call!(self, finish_session_key_refresh, "FinishSessionKeyRefresh", void, (session.raw))
    }

    /// `GetEncryptionBltKey`.
    pub fn get_encryption_blt_key(&self, session: SessionHandle<'_>, key: Output<'_>) -> Result<Reply> {
        let key = self.output("GetEncryptionBltKey", "the key", key)?;
        let reply =
            call!(self, get_encryption_blt_key, "GetEncryptionBltKey", void, (session.raw, key.size, key.data))?;
        key.end()?;
        Ok(reply)
    }

    /// `CryptoSessionGetHandle`.
    pub fn crypto_session_get_handle(&self, session: SessionHandle<'_>, handle: Option<&mut HANDLE>) -> Result<Reply> {
        let handle = mut_ptr(handle);
        call!(self, crypto_session_get_handle, "CryptoSessionGetHandle", HRESULT, (session.raw, handle))
    }

    /// `CheckCryptoSessionStatus`, in tables from WDDM 2.0 on.
    pub fn check_crypto_session_status(
        &self,
        session: SessionHandle<'_>,
        status: Option<&mut D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS>,
    ) -> Result<Reply> {
        let status = mut_ptr(status);
        call!(self, check_crypto_session_status, "CheckCryptoSessionStatus", void, (session.raw, status))
    }
}
