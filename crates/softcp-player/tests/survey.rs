//! Surveys of the reference driver. Those of drivers that answer wrongly are among the tests of the command line, which
//! has such drivers as libraries.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::collections::HashSet;

use common::Setup;
use softcp_abi::GUID;
use softcp_client::{ChannelType, Process};
use softcp_player::{AnswerValue, ChannelSurvey, Message, Outcome, SurveyOptions, survey};
use softcp_runtime::Device;

fn device(setup: &Setup, options: &str) -> Device {
    setup.driver(options).create_device().unwrap()
}

fn options(setup: &Setup) -> SurveyOptions {
    SurveyOptions::new(ChannelType::DriverSoftware, setup.trust())
}

fn queries<'s>(survey: &'s ChannelSurvey, name: &str) -> Vec<&'s Message> {
    survey.queries.iter().filter(|query| query.name == name).collect()
}

fn answers<'s>(survey: &'s ChannelSurvey, name: &str) -> Vec<&'s AnswerValue> {
    let answer = |message: &'s Message| match &message.outcome {
        Outcome::Answered { answer } => answer,
        other => panic!("{name}: {other:?}"),
    };
    queries(survey, name).into_iter().map(answer).collect()
}

#[test]
fn survey_of_each_type_has_thirteen_signed_answers_and_five_kinds_of_signed_commands() {
    let setup = Setup::new();
    for channel_type in [ChannelType::DriverSoftware, ChannelType::DriverHardware] {
        let options = SurveyOptions::new(channel_type, setup.trust());
        let survey = survey(&device(&setup, ""), &options).unwrap();
        assert!(survey.is_as_expected(), "{survey:?}");
        assert_eq!(survey.channel_type, channel_type.to_string());
        let kinds = |messages: &[Message]| messages.iter().map(|message| message.name).collect::<HashSet<_>>().len();
        assert_eq!((kinds(&survey.queries), kinds(&survey.commands)), (13, 5));
        assert!(survey.commands.iter().chain(&survey.queries).all(|message| message.signature_valid == Some(true)));
        assert!(survey.queries.iter().all(|query| matches!(query.outcome, Outcome::Answered { .. })), "{survey:?}");
        assert_eq!(survey.messages.answers_verified, survey.messages.commands + survey.messages.queries);
    }
}

#[test]
fn survey_shows_what_it_set_and_switches_protection_off() {
    let setup = Setup::new();
    let survey =
        survey(&device(&setup, ""), &SurveyOptions { process: Process::Handle(0x1f4), ..options(&setup) }).unwrap();
    let on = AnswerValue::Protection { enabled: true, overlay_or_fullscreen: false };
    assert_eq!(answers(&survey, "PROTECTION"), [&on]);
    let process = AnswerValue::Process { process: "process handle 0x1f4".to_owned() };
    assert_eq!(answers(&survey, "RESTRICTED_SHARED_RESOURCE_PROCESS"), [&process]);
    assert!(matches!(answers(&survey, "CRYPTO_SESSION")[..], [AnswerValue::CryptoSession { session: Some(_), .. }]));
    let flags = |message: &Message| message.parameters.iter().map(ToString::to_string).collect::<Vec<_>>();
    let protection: Vec<_> = survey.commands.iter().filter(|command| command.name == "PROTECTION").map(flags).collect();
    assert_eq!(protection.iter().map(|flags| flags[0].as_str()).collect::<Vec<_>>(), ["enabled: yes", "enabled: no"]);
}

#[test]
fn survey_walks_lists_from_end_to_end() {
    let setup = Setup::new();
    let other = "00000000-0000-0000-0000-000000000007";
    let lists = format!("outputs.identifiers=[5, 6, 7];accessibility.encryption=[\"aes128-ctr\", \"{other}\"]");
    let device = device(&setup, &lists);
    let found = survey(&device, &options(&setup)).unwrap();
    let identifiers = answers(&found, "OUTPUT_ID");
    let expected = [5, 6, 7].map(|identifier| AnswerValue::Output { identifier });
    assert_eq!(identifiers, expected.iter().collect::<Vec<_>>());
    assert_eq!(answers(&found, "ENCRYPTION_WHEN_ACCESSIBLE_GUID").len(), 2);
    let current = |survey: &ChannelSurvey| answers(survey, "CURRENT_ENCRYPTION_WHEN_ACCESSIBLE")[0].to_string();
    assert_eq!(current(&found), "AES128_CTR");
    let chosen = SurveyOptions { encryption: Some(GUID::from_u128(7)), ..options(&setup) };
    assert_eq!(current(&survey(&device, &chosen).unwrap()).to_lowercase(), other);
}

#[test]
fn survey_of_empty_lists_says_that_there_is_nothing_to_ask() {
    let setup = Setup::new();
    let survey =
        survey(&device(&setup, "outputs.identifiers=[];accessibility.encryption=[]"), &options(&setup)).unwrap();
    for name in ["OUTPUT_ID", "ENCRYPTION_WHEN_ACCESSIBLE_GUID"] {
        assert!(matches!(queries(&survey, name)[..], [Message { outcome: Outcome::NotSent { .. }, .. }]), "{name}");
    }
    assert_eq!(answers(&survey, "CURRENT_ENCRYPTION_WHEN_ACCESSIBLE")[0].to_string(), "none");
    assert!(survey.is_as_expected(), "{survey:?}");
}

#[test]
fn survey_with_an_encryption_that_is_not_offered_has_a_signed_refusal_and_goes_on() {
    let setup = Setup::new();
    let options = SurveyOptions { encryption: Some(GUID::from_u128(1)), ..options(&setup) };
    let survey = survey(&device(&setup, ""), &options).unwrap();
    let refused = survey.commands.iter().find(|command| command.name == "ENCRYPTION_WHEN_ACCESSIBLE").unwrap();
    assert_eq!(refused.outcome, Outcome::Refused { return_code: "E_INVALIDARG (0x80070057)".to_owned() });
    assert_eq!(refused.signature_valid, Some(true));
    assert_eq!(answers(&survey, "PROTECTION").len(), 1);
    assert!(!survey.is_as_expected());
}
