//! Licences that are none.

use proptest::prelude::*;
use softcp::secure::clear_key::{MAX_KEYS, MAX_LICENCE_SIZE, function, status};

use crate::common::Block;
use crate::rig::{KEY, KID, OTHER_KID, Rig, base64url, licence};

fn rig() -> Rig {
    let rig = Rig::new();
    rig.ok(function::PROVISION, &[]);
    rig
}

/// A licence with one key of these members.
fn one(key: &str) -> String {
    format!(r#"{{"keys":[{{{key}}}],"type":"temporary"}}"#)
}

fn good_key() -> String {
    format!(r#""kty":"oct","kid":"{}","k":"{}""#, base64url(&KID), base64url(&KEY))
}

fn assert_refused(rig: &Rig, licences: &[String]) {
    for json in licences {
        assert_eq!(rig.status(function::LOAD_LICENCE, json.as_bytes()), status::BAD_LICENCE, "{json:.100}");
        assert_eq!(rig.status(function::MAKE_KEY_BLOB, &KID), status::UNKNOWN_KID, "{json:.100}");
    }
}

#[test]
fn licence_with_members_nobody_knows_is_taken() {
    let rig = rig();
    let json = format!(
        r#" {{"version":[1,{{"a":null}}],"keys":[{{"alg":"A128KW","use":"enc",{}}}],"type":"temporary","e":1e5}} "#,
        good_key()
    );
    rig.ok(function::LOAD_LICENCE, json.as_bytes());
    rig.blob(KID);
}

#[test]
fn what_is_no_licence_is_refused() {
    let text = |text: &str| text.to_owned();
    let good = licence(&[(KID, KEY)]);
    let licences = [
        text(""),
        text(" "),
        text("null"),
        text("[]"),
        text("{}"),
        text("\"keys\""),
        text(r#"{"keys":[]}"#),
        text(r#"{"keys":null}"#),
        text(r#"{"keys":{}}"#),
        text(r#"{"keys":[{}]}"#),
        text(r#"{"keys":[null]}"#),
        text(r#"{"keys":["oct"]}"#),
        good.replace("temporary", "forever"),
        good.replace("\"temporary\"", "null"),
        good.replace("\"temporary\"", "7"),
        good.replace("\"temporary\"", "[\"temporary\"]"),
        format!("{good}x"),
        format!("{good}{good}"),
        format!("\u{feff}{good}"),
        good.replace('{', "["),
        format!(r#"[[{{{}}}],"temporary"]"#, good_key()),
        format!(r#"{{"keys":[["oct","{}","{}"]]}}"#, base64url(&KID), base64url(&KEY)),
        good.replace(r#""kty":"oct","#, ""),
        good.replace("oct", "RSA"),
        good.replace("oct", "Oct"),
        good.replace(r#""kty":"oct""#, r#""kty":null"#),
        good.replace("\"k\"", "\"K\""),
    ];
    assert_refused(&rig(), &licences);
}

#[test]
fn licence_cut_anywhere_is_refused() {
    let good = licence(&[(KID, KEY)]);
    let cut: Vec<_> = (0..good.len()).map(|length| good[..length].to_owned()).collect();
    assert_refused(&rig(), &cut);
}

#[test]
fn base64_that_is_not_url_safe_unpadded_and_of_16_bytes_is_refused() {
    let (kid, key) = (base64url(&KID), base64url(&KEY));
    // 22 characters hold 132 bits; the last 4 must be zero, which only A, Q, g and w are.
    assert!(key.ends_with(['A', 'Q', 'g', 'w']));
    let with_bits = |text: &str| text[..21].to_owned() + "B";
    let bad = [
        String::new(),
        base64url(&KEY[..15]),
        base64url(&[KEY.as_slice(), &[0]].concat()),
        format!("{key}=="),
        format!(" {key}"),
        format!("{}+", &key[..21]),
        format!("{}/{}", &key[..10], &key[11..]),
        format!("{}+{}", &key[..10], &key[11..]),
        format!("{} {}", &key[..10], &key[11..]),
        format!("{}é{}", &key[..10], &key[12..]),
        with_bits(&key),
        // An escape: the string cannot be borrowed.
        format!("\\u0041{}", &key[1..]),
        format!("\\n{}", &key[1..]),
    ];
    for bad in bad {
        let licences = [
            one(&format!(r#""kty":"oct","kid":"{kid}","k":"{bad}""#)),
            one(&format!(r#""kty":"oct","kid":"{bad}","k":"{key}""#)),
        ];
        assert_refused(&rig(), &licences);
    }
}

#[test]
fn members_and_kids_that_come_twice_are_refused() {
    let good = good_key();
    let key = one(&good);
    let licences = [
        one(&format!(r#"{good},"k":"{}""#, base64url(&[1; 16]))),
        one(&format!(r#"{good},"kid":"{}""#, base64url(&OTHER_KID))),
        one(&format!(r#"{good},"kty":"oct""#)),
        key.replace(r#""type""#, r#""type":"temporary","type""#),
        format!(r#"{{"keys":[{{{good}}}],"keys":[{{{good}}}]}}"#),
        format!(r#"{{"keys":[{{{good}}},{{{good}}}]}}"#),
        licence(&[(KID, KEY), (OTHER_KID, KEY), (KID, [1; 16])]),
    ];
    assert_refused(&rig(), &licences);
}

#[test]
fn one_bad_key_among_good_ones_spoils_the_licence() {
    let good = licence(&[(KID, KEY), (OTHER_KID, [0x77; 16])]);
    assert_refused(&rig(), &[good.replace(&base64url(&[0x77; 16]), "short")]);
}

/// The depth costs no stack: in a member nobody knows it is passed over, everywhere else it is refused.
#[test]
fn licence_nested_ten_thousand_levels_deep_overflows_nothing() {
    let rig = rig();
    let good = licence(&[(KID, KEY)]);
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let levels = 10_000;
        let nested = format!("{}0{}", open.repeat(levels), close.repeat(levels));
        let unclosed = open.repeat(levels);
        let unknown = |value: &str| good.replace(r#""keys""#, &format!(r#""x":{value},"keys""#));
        let known = ["\"temporary\"", "\"oct\""].map(|text| good.replace(text, &nested));
        assert_refused(&rig, &[&known[..], &[unknown(&unclosed), nested.clone(), unclosed]].concat());
        rig.ok(function::LOAD_LICENCE, unknown(&nested).as_bytes());
        rig.ok(function::TEARDOWN, &[]);
        rig.ok(function::PROVISION, &[]);
    }
}

#[test]
fn licence_larger_than_the_limit_is_refused_and_one_of_the_limit_taken() {
    let rig = rig();
    let good = licence(&[(KID, KEY)]);
    let padded = |size: usize| format!("{good}{}", " ".repeat(size - good.len()));
    assert_refused(&rig, &[padded(MAX_LICENCE_SIZE + 1)]);
    rig.ok(function::LOAD_LICENCE, padded(MAX_LICENCE_SIZE).as_bytes());
    rig.blob(KID);
}

#[test]
fn keys_past_the_limit_are_refused_and_the_ones_before_stay() {
    let rig = rig();
    // A licence of the greatest size holds fewer keys than the environment.
    let keys = |range: std::ops::Range<usize>| -> Vec<(Block, Block)> {
        range.map(|number| ((number as u128).to_be_bytes(), KEY)).collect()
    };
    let half = MAX_KEYS / 2;
    rig.load(&keys(0..half));
    assert_eq!(
        rig.status(function::LOAD_LICENCE, licence(&keys(half - 1..MAX_KEYS + 1)).as_bytes()),
        status::TOO_MANY_KEYS
    );
    assert_eq!(rig.status(function::MAKE_KEY_BLOB, &keys(half..half + 1)[0].0), status::UNKNOWN_KID);
    rig.load(&keys(half..MAX_KEYS));
    assert_eq!(rig.status(function::LOAD_LICENCE, licence(&[(KID, KEY)]).as_bytes()), status::TOO_MANY_KEYS);
    for (kid, _) in keys(0..MAX_KEYS) {
        rig.blob(kid);
    }
}

#[test]
fn licence_that_is_no_utf8_is_refused() {
    let rig = rig();
    let mut json = one(&format!(r#"{},"alg":"A128KW""#, good_key())).into_bytes();
    for position in 0..json.len() {
        let good = std::mem::replace(&mut json[position], 0xFF);
        assert_eq!(rig.status(function::LOAD_LICENCE, &json), status::BAD_LICENCE, "byte {position}");
        json[position] = good;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_get_an_answer(input in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(rig().status(function::LOAD_LICENCE, &input), status::BAD_LICENCE);
    }

    #[test]
    fn any_keys_are_loaded_as_they_are(keys in prop::collection::hash_map(any::<Block>(), any::<Block>(), 1..20)) {
        let rig = rig();
        let keys: Vec<_> = keys.into_iter().collect();
        rig.load(&keys);
        for (kid, key) in keys {
            let blob = rig.blob(kid);
            prop_assert_eq!(crate::blobs::decrypt(&rig, &blob, &[0; 32]), crate::common::ctr(key, [7; 16], &[0; 32]));
        }
    }
}
