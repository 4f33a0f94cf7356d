//! Commands to a secure environment: how they are laid out, and what is believed of the answer.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod fake;

use fake::{Behaviour, CommandAnswer, behave, device, log};
use softcp_abi::{D3D11_KEY_EXCHANGE_HW_PROTECTION, E_INVALIDARG, E_NOTIMPL, GUID, GUID_NULL};
use softcp_runtime::{CryptoSessionDesc, Error, HResult, PrivateDataSizes, SecureAnswer, SecureCommand, Session};

const DESC: CryptoSessionDesc = CryptoSessionDesc {
    crypto_type: GUID::from_u128(5 << 96),
    decode_profile: GUID_NULL,
    key_exchange_type: D3D11_KEY_EXCHANGE_HW_PROTECTION,
};

const COMMAND: SecureCommand<'_> =
    SecureCommand { function: 9, private_input: &[1, 2, 3], input: &[0xaa, 0xbb], private_room: 2, room: 10 };

fn session(written: u32) -> Session {
    let command = Some(CommandAnswer { status: -7, fill: 0x44, written });
    let session = device(Behaviour { command, ..Behaviour::default() }).create_session(&DESC).unwrap();
    log();
    session
}

fn answer(written: usize) -> SecureAnswer {
    SecureAnswer {
        status: HResult(-7),
        private_output: vec![0x44; 2],
        output: vec![0x44; written],
        transport_time: 5,
        execution_time: 0x1_0000_0006,
    }
}

#[test]
fn command_is_laid_out_with_private_bytes_first() {
    let mut session = session(4);
    assert_eq!(session.execute(&COMMAND).unwrap(), answer(4));
    assert_eq!(session.execute_mt(&COMMAND).unwrap(), answer(4));
    assert_eq!(
        log(),
        [
            "NegotiateCryptoSessionKeyExchange 300 9 3+2 010203aabb 2+10",
            "NegotiateCryptoSessionKeyExchangeMT 300 0 9 3+2 010203aabb 2+10"
        ]
    );
}

#[test]
fn command_without_bytes_and_room_is_a_command() {
    let mut session = session(0);
    let empty = session.execute(&SecureCommand { function: 6, ..SecureCommand::default() }).unwrap();
    assert_eq!((empty.private_output, empty.output), (vec![], vec![]));
    assert_eq!(log(), ["NegotiateCryptoSessionKeyExchange 300 6 0+0  0+0"]);
}

#[test]
fn answer_may_fill_its_room_and_no_more() {
    assert_eq!(session(10).execute(&COMMAND).unwrap(), answer(10));
    for written in [11, u32::MAX] {
        let error = session(written).execute(&COMMAND).unwrap_err();
        assert!(matches!(error, Error::BadAnswer { function: "NegotiateCryptoSessionKeyExchange", .. }), "{error}");
    }
}

#[test]
fn refused_call_is_the_drivers_error() {
    for (function, by_mt) in
        [("NegotiateCryptoSessionKeyExchange", false), ("NegotiateCryptoSessionKeyExchangeMT", true)]
    {
        let mut session = session(0);
        behave(|behaviour| behaviour.returns = vec![(function, E_INVALIDARG)]);
        let result = if by_mt { session.execute_mt(&COMMAND) } else { session.execute(&COMMAND) };
        let Err(Error::Driver(error)) = result else { panic!("{result:?}") };
        assert_eq!((error.function, error.hresult), (function, HResult(E_INVALIDARG)));
    }
}

#[test]
fn mt_entry_is_missing_before_wddm_2_4() {
    let command = Some(CommandAnswer { status: 0, fill: 0, written: 0 });
    let device = device(Behaviour { command, sub_devices: vec![7], ..Behaviour::default() });
    let mut session = device.create_session(&DESC).unwrap();
    let error = session.execute_mt(&COMMAND).unwrap_err();
    assert!(matches!(error, Error::MissingEntry { function: "NegotiateCryptoSessionKeyExchangeMT" }), "{error}");
    session.execute(&COMMAND).unwrap();
}

#[test]
fn bytes_for_a_key_exchange_do_not_reach_a_session_that_carries_commands() {
    let mut session = session(0);
    for size in [0, 16, 32, 256] {
        assert!(matches!(session.negotiate(&vec![0xff; size]), Err(Error::CommandSession)));
    }
    assert_eq!(log(), [""; 0]);
}

#[test]
fn private_data_sizes_are_the_drivers() {
    let device = device(Behaviour::default());
    assert_eq!(device.private_data_sizes(&DESC).unwrap(), PrivateDataSizes { input: 3, output: 2 });
    let exchange = D3D11_KEY_EXCHANGE_HW_PROTECTION.Data1;
    assert_eq!(log(), [format!("GetCryptoSessionPrivateDataSize [Some(5), Some(0), Some({exchange})]")]);
    behave(|behaviour| behaviour.reports = vec![("GetCryptoSessionPrivateDataSize", None, E_NOTIMPL, None)]);
    assert!(matches!(device.private_data_sizes(&DESC), Err(Error::Driver(_))));
}

#[test]
fn hardware_key_data_is_the_drivers() {
    let mut session = session(0);
    assert_eq!(session.data_for_new_hardware_key(&[]).unwrap(), 0x1122_3344_5566_7788);
    assert_eq!(session.data_for_new_hardware_key(&[0xcc]).unwrap(), 0x1122_3344_5566_7788);
    assert_eq!(log(), ["GetDataForNewHardwareKey 300 null/0", "GetDataForNewHardwareKey 300 cc"]);
    behave(|behaviour| behaviour.returns = vec![("GetDataForNewHardwareKey", E_INVALIDARG)]);
    assert!(matches!(session.data_for_new_hardware_key(&[]), Err(Error::Driver(_))));
}

#[test]
fn entries_of_wddm_2_0_are_missing_in_the_first_table() {
    let device = device(Behaviour { sub_devices: vec![2], ..Behaviour::default() });
    assert!(matches!(device.private_data_sizes(&DESC), Err(Error::MissingEntry { .. })));
    let mut session = device.create_session(&DESC).unwrap();
    assert!(matches!(session.data_for_new_hardware_key(&[]), Err(Error::MissingEntry { .. })));
}
