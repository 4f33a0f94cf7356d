//! The entries of hardware protection, in tables from WDDM 2.0 on.

use softcp_abi::{D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA, GUID};

use super::{Calls, Input, Output, Reply, SessionHandle, call, const_ptr, mut_ptr};
use crate::command::CommandMessage;
use crate::error::Result;

impl Calls<'_> {
    /// `GetCryptoSessionPrivateDataSize`.
    pub fn get_crypto_session_private_data_size(
        &self,
        crypto_type: Option<&GUID>,
        decode_profile: Option<&GUID>,
        key_exchange_type: Option<&GUID>,
        input_size: Option<&mut u32>,
        output_size: Option<&mut u32>,
    ) -> Result<Reply> {
        let (crypto_type, decode_profile) = (const_ptr(crypto_type), const_ptr(decode_profile));
        let key_exchange_type = const_ptr(key_exchange_type);
        let (input_size, output_size) = (mut_ptr(input_size), mut_ptr(output_size));
        call!(
            self,
            get_crypto_session_private_data_size,
            "GetCryptoSessionPrivateDataSize",
            void,
            (crypto_type, decode_profile, key_exchange_type, input_size, output_size)
        )
    }

    /// `GetDataForNewHardwareKey`.
    pub fn get_data_for_new_hardware_key(
        &self,
        session: SessionHandle<'_>,
        private_input: Input<'_>,
        private_output: Option<&mut u64>,
    ) -> Result<Reply> {
        let private_input = self.input("GetDataForNewHardwareKey", "the private input", private_input)?;
        let private_output = mut_ptr(private_output);
        let reply = call!(
            self,
            get_data_for_new_hardware_key,
            "GetDataForNewHardwareKey",
            HRESULT,
            (session.raw, private_input.size, private_input.data.cast_const(), private_output)
        )?;
        private_input.end()?;
        Ok(reply)
    }

    /// `NegotiateCryptoSessionKeyExchangeMT`, in the table of WDDM 2.4, with a key. The driver may write to `data`.
    ///
    /// # Safety
    ///
    /// As for [`negotiate_crypto_session_key_exchange`](Self::negotiate_crypto_session_key_exchange).
    pub unsafe fn negotiate_crypto_session_key_exchange_mt(
        &self,
        session: SessionHandle<'_>,
        flags: u32,
        data: Output<'_>,
    ) -> Result<Reply> {
        let function = "NegotiateCryptoSessionKeyExchangeMT";
        let data = self.output(function, "the message", data)?;
        let reply = call!(
            self,
            negotiate_crypto_session_key_exchange_mt,
            "NegotiateCryptoSessionKeyExchangeMT",
            HRESULT,
            (session.raw, flags, data.size, data.data)
        )?;
        data.end()?;
        Ok(reply)
    }

    /// `NegotiateCryptoSessionKeyExchange` with a command. The driver writes the answer to `message`.
    pub fn execute_command(&self, session: SessionHandle<'_>, message: &mut CommandMessage) -> Result<Reply> {
        with_data(message, |data, size| {
            call!(
                self,
                negotiate_crypto_session_key_exchange,
                "NegotiateCryptoSessionKeyExchange",
                HRESULT,
                (session.raw, size, data.cast())
            )
        })
    }

    /// `NegotiateCryptoSessionKeyExchangeMT`, in the table of WDDM 2.4, with a command. `flags` are 0 so far.
    pub fn execute_command_mt(
        &self,
        session: SessionHandle<'_>,
        flags: u32,
        message: &mut CommandMessage,
    ) -> Result<Reply> {
        with_data(message, |data, size| {
            call!(
                self,
                negotiate_crypto_session_key_exchange_mt,
                "NegotiateCryptoSessionKeyExchangeMT",
                HRESULT,
                (session.raw, flags, size, data.cast())
            )
        })
    }
}

/// Lends the structure of a message, and its size, to a call.
fn with_data(
    message: &mut CommandMessage,
    call: impl FnOnce(*mut D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA, u32) -> Result<Reply>,
) -> Result<Reply> {
    let mut data = message.data();
    let size = u32::try_from(size_of_val(&data)).expect("a small structure");
    let reply = call(&raw mut data, size);
    message.carried(&data);
    reply
}
