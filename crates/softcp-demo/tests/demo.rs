//! The demonstration on the reference driver, under protection and without it.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

use std::fs;

use softcp_demo::{Attempt, DemoClip, DemoOptions, DemoReport, run};
use softcp_files::Destination;
use softcp_player::{Protection, Trust};
use softcp_runtime::Driver;

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../softcp-cli/assets/demo-cenc.mp4");
const KEY: &str = "5eed0000000000000000000000000001:00112233445566778899aabbccddeeff";
const PICTURES_SHA256: &str = "017ae1f32ce8b583007f6afbc336d19578628d4ec8215756e4e85f5c92663ae8";

fn demo(driver_options: &str, protection: Protection) -> DemoReport {
    let folder = tempfile::tempdir().unwrap();
    let driver = Driver::from_entry(softcp_ddi::softcp_open_reference_driver, driver_options).unwrap();
    let options = DemoOptions {
        picture: Destination::check(&folder.path().join("picture.png"), false).unwrap(),
        clear_clip: None,
        trust: Trust::Anyone,
        protection,
        restarts: 0,
    };
    let report =
        run(&driver, DemoClip { file: &fs::read(CLIP).unwrap(), key: KEY, pictures_sha256: PICTURES_SHA256 }, &options)
            .unwrap();
    assert!(options.picture.path().exists());
    report
}

fn refused() -> Attempt {
    let refused_with = Some("D3DERR_CANNOTPROTECTCONTENT (0x8876087D)".to_owned());
    Attempt { allowed: false, refused_with, shows_frame: false }
}

fn allowed() -> Attempt {
    Attempt { allowed: true, refused_with: None, shows_frame: true }
}

#[test]
fn protection_forbids_mapping_and_unprotected_blits_until_it_is_off() {
    for options in ["", "capabilities.profile=hardware-like", "capabilities.flags.encrypted_read_back_key=false"] {
        let report = demo(options, Protection::Required);
        let protection = report.protection.as_ref().unwrap();
        assert!(!protection.always_on, "{options}");
        assert_eq!([&protection.while_on.map, &protection.while_on.blit], [&refused(); 2], "{options}");
        assert_eq!([&protection.after_off.map, &protection.after_off.blit], [&allowed(); 2], "{options}");
        assert!(report.is_as_expected(), "{options}");
    }
}

#[test]
fn protection_always_on_forbids_both_after_it_was_switched_off() {
    let report = demo("capabilities.flags.protection_always_on=true", Protection::Required);
    let protection = report.protection.as_ref().unwrap();
    assert!(protection.always_on && !report.channel.as_ref().unwrap().protection_off_again);
    assert_eq!([&protection.after_off.map, &protection.after_off.blit], [&refused(); 2]);
    assert!(report.is_as_expected());
}

#[test]
fn channel_of_the_frame_is_reported() {
    let channel = demo("", Protection::Required).channel.unwrap();
    assert!(channel.protection_on && channel.protection_off_again);
    assert_eq!((channel.channel_type.as_str(), channel.sessions_bound), ("driver software", 1));
    assert_eq!((channel.commands, channel.queries, channel.answers_verified), (4, 6, 10));
}

#[test]
fn demonstration_without_a_channel_shows_the_frame_and_says_so() {
    let report = demo("", Protection::Without);
    assert!(report.channel.is_none() && report.protection.is_none() && report.is_as_expected());
    assert!(report.clip.notes.iter().any(|note| note.contains("No authenticated channel")), "{:?}", report.clip.notes);
}

#[test]
fn report_with_protection_that_lets_anything_through_is_not_as_expected() {
    let good = demo("", Protection::Required);
    let break_it = |change: fn(&mut softcp_demo::ProtectionSummary)| {
        let mut report = good.clone();
        change(report.protection.as_mut().unwrap());
        report.is_as_expected()
    };
    assert!(break_it(|_| {}));
    assert!(!break_it(|protection| protection.while_on.map = allowed()));
    assert!(!break_it(|protection| protection.while_on.blit = allowed()));
    assert!(!break_it(|protection| protection.after_off.map = refused()));
    assert!(!break_it(|protection| protection.after_off.blit.shows_frame = false));
    assert!(!break_it(|protection| protection.always_on = true));
}
