//! `softcp caps`: what a driver offers for each crypto type and decode profile.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use softcp_abi::{
    D3D11_1DDI_VIDEO_FUNCTIONS, D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_KEY_EXCHANGE_HW_PROTECTION,
    D3D11_KEY_EXCHANGE_RSAES_OAEP, D3DERR_UNSUPPORTEDCRYPTO, D3DWDDM2_0DDI_VIDEO_FUNCTIONS,
    D3DWDDM2_1DDI_VIDEO_FUNCTIONS, D3DWDDM2_4DDI_VIDEO_FUNCTIONS, D3DWDDM2_4DDI_VIDEO_FUNCTIONS_RS4_0,
    DECODER_PROFILES, GUID, GUID_NULL,
};
use softcp_runtime::{Device, Error};

use crate::args::CapsArgs;
use crate::driver::{self, DriverInfo};
use crate::failure::{Exit, Failure};
use crate::output::{self, Report};
use crate::table;

/// The crypto types that are asked for.
const CRYPTO_TYPES: [(&str, GUID); 2] = [("AES128_CTR", D3D11_CRYPTO_TYPE_AES128_CTR), (NONE, GUID_NULL)];

/// How the null GUID is shown.
const NONE: &str = "none";

/// `softcp caps`.
pub(crate) fn run(args: &CapsArgs, json: bool) -> Result<Exit, Failure> {
    let opened = driver::open(&args.driver)?;
    let device = opened.driver.create_device().map_err(|error| driver::call_failed(&error))?;
    let report = CapsReport {
        driver: opened.info,
        function_table: table_name(device.sub_device_id()),
        sub_device_id: device.sub_device_id(),
        answers: answers(&device),
        each_profile: args.all,
    };
    output::print(&report, json)?;
    let failed = report.answers.iter().any(|answer| matches!(answer.answer, Answer::Failed { .. }));
    Ok(if failed { Exit::CheckFailed } else { Exit::Ok })
}

/// What `softcp caps` reports.
#[derive(Serialize)]
struct CapsReport {
    driver: DriverInfo,
    /// The newest video function table that the driver fills.
    function_table: &'static str,
    sub_device_id: u32,
    answers: Vec<PairAnswer>,
    /// Whether the text lists each decode profile.
    #[serde(skip)]
    each_profile: bool,
}

/// The answer for one crypto type and decode profile.
#[derive(Serialize)]
struct PairAnswer {
    crypto_type: NamedGuid,
    decode_profile: NamedGuid,
    #[serde(flatten)]
    answer: Answer,
}

/// What the driver says.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
enum Answer {
    /// It can be used.
    Offered(Offer),
    /// `D3DERR_UNSUPPORTEDCRYPTO`.
    Unsupported,
    /// Any other failure.
    Failed { error: String },
}

/// What is offered. Sizes are in bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Offer {
    /// Bits of the DDI (`D3D11_1DDI_CONTENT_PROTECTION_CAPS`).
    capability_bits: u32,
    capabilities: Vec<&'static str>,
    key_exchange_types: Vec<NamedGuid>,
    block_alignment: u32,
    /// None: unlimited (D24).
    protected_memory: Option<u64>,
}

/// A GUID with its name, if it has one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct NamedGuid {
    name: Option<&'static str>,
    guid: String,
}

fn answers(device: &Device) -> Vec<PairAnswer> {
    let profiles = || std::iter::once((NONE, GUID_NULL)).chain(DECODER_PROFILES.iter().copied());
    let mut answers = Vec::new();
    for (crypto_name, crypto_type) in CRYPTO_TYPES {
        for (profile_name, decode_profile) in profiles() {
            answers.push(PairAnswer {
                crypto_type: NamedGuid::new(Some(crypto_name), crypto_type),
                decode_profile: NamedGuid::new(Some(profile_name), decode_profile),
                answer: Answer::of(device, &crypto_type, &decode_profile),
            });
        }
    }
    answers
}

impl Answer {
    fn of(device: &Device, crypto_type: &GUID, decode_profile: &GUID) -> Self {
        match Offer::of(device, crypto_type, decode_profile) {
            Ok(offer) => Self::Offered(offer),
            Err(Error::Driver(error)) if error.hresult.0 == D3DERR_UNSUPPORTEDCRYPTO => Self::Unsupported,
            Err(error) => Self::Failed { error: output::printable(&error.to_string()) },
        }
    }
}

impl Offer {
    fn of(device: &Device, crypto_type: &GUID, decode_profile: &GUID) -> Result<Self, Error> {
        let caps = device.caps(crypto_type, decode_profile)?;
        let key_exchange_types = device.key_exchange_types(crypto_type, decode_profile)?;
        Ok(Self {
            capability_bits: caps.bits,
            capabilities: caps.names().collect(),
            key_exchange_types: key_exchange_types.into_iter().map(NamedGuid::key_exchange).collect(),
            block_alignment: caps.block_alignment_size,
            protected_memory: Some(caps.protected_memory_size).filter(|&bytes| bytes != u64::MAX),
        })
    }
}

impl NamedGuid {
    fn new(name: Option<&'static str>, guid: GUID) -> Self {
        Self { name, guid: guid.to_string() }
    }

    fn key_exchange(guid: GUID) -> Self {
        let name = match guid {
            D3D11_KEY_EXCHANGE_RSAES_OAEP => Some("RSAES_OAEP"),
            D3D11_KEY_EXCHANGE_HW_PROTECTION => Some("HW_PROTECTION"),
            _ => None,
        };
        Self::new(name, guid)
    }

    /// The name, or the GUID without one.
    fn text(&self) -> &str {
        self.name.unwrap_or(&self.guid)
    }

    /// The name of a decode profile without the words that all of them have.
    fn profile_text(&self) -> &str {
        let name = self.text();
        name.strip_prefix("D3D11_DECODER_PROFILE_").unwrap_or(name)
    }
}

impl Report for CapsReport {
    const NAME: &'static str = "caps";

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.driver)?;
        writeln!(out, "Function table: {} (sub-device {})\n", self.function_table, self.sub_device_id)?;
        if self.each_profile { self.write_each(out) } else { self.write_groups(out) }
    }
}

impl CapsReport {
    /// One row per different answer.
    fn write_groups(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = table::with_header([
            "Crypto type",
            "Decode profiles",
            "Key exchange",
            "Capabilities",
            "Alignment",
            "Protected memory",
        ]);
        for (crypto_type, _) in CRYPTO_TYPES {
            let of_type = || self.answers.iter().filter(|answer| answer.crypto_type.text() == crypto_type);
            let mut groups = BTreeMap::<&Answer, Vec<&NamedGuid>>::new();
            for pair in of_type() {
                groups.entry(&pair.answer).or_default().push(&pair.decode_profile);
            }
            let mut groups: Vec<_> = groups.into_iter().collect();
            // The order of the first profile of each group.
            groups.sort_by_key(|(answer, _)| of_type().position(|pair| pair.answer == **answer));
            for (answer, profiles) in groups {
                let [key_exchange, capabilities, alignment, memory] = answer.cells("\n");
                let profiles = profile_summary(&profiles);
                table.add_row([crypto_type.to_owned(), profiles, key_exchange, capabilities, alignment, memory]);
            }
        }
        writeln!(out, "{}", table::text(&table))
    }

    /// One row per crypto type and decode profile, with the capabilities as a number, and what the numbers mean.
    fn write_each(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = table::with_header([
            "Crypto type",
            "Decode profile",
            "Key exchange",
            "Capabilities",
            "Alignment",
            "Protected memory",
        ]);
        let mut meanings = BTreeMap::new();
        for pair in &self.answers {
            let [key_exchange, mut capabilities, alignment, memory] = pair.answer.cells(", ");
            if let Answer::Offered(offer) = &pair.answer {
                meanings.insert(offer.capability_bits, capabilities);
                capabilities = format!("0x{:x}", offer.capability_bits);
            }
            let profile = pair.decode_profile.profile_text();
            let crypto_type = pair.crypto_type.text();
            table.add_row([crypto_type, profile, &key_exchange, &capabilities, &alignment, &memory]);
        }
        writeln!(out, "{}\n", table::text(&table))?;
        meanings.into_iter().try_for_each(|(bits, names)| writeln!(out, "0x{bits:x}: {names}"))
    }
}

impl Answer {
    /// Key exchange, capabilities, alignment and protected memory.
    fn cells(&self, separator: &str) -> [String; 4] {
        let dash = || "-".to_owned();
        match self {
            Self::Offered(offer) => [
                join_or_dash(offer.key_exchange_types.iter().map(NamedGuid::text), separator),
                join_or_dash(offer.capabilities.iter().copied(), separator),
                match offer.block_alignment {
                    1 => "1 byte".to_owned(),
                    bytes => format!("{bytes} bytes"),
                },
                offer.protected_memory.map_or("unlimited".to_owned(), binary_size),
            ],
            Self::Unsupported => [dash(), "not supported".to_owned(), dash(), dash()],
            Self::Failed { error } => [dash(), format!("failed: {error}"), dash(), dash()],
        }
    }
}

fn join_or_dash<'a>(texts: impl Iterator<Item = &'a str>, separator: &str) -> String {
    let texts: Vec<_> = texts.collect();
    if texts.is_empty() { "-".to_owned() } else { texts.join(separator) }
}

/// Decode profiles by codec, as "H264 (10)", one codec per line; "all" where a codec has all of its profiles there.
fn profile_summary(profiles: &[&NamedGuid]) -> String {
    let with_none = profiles.iter().any(|profile| profile.text() == NONE);
    let count = profiles.len() - usize::from(with_none);
    if count == DECODER_PROFILES.len() {
        let none = if with_none { "none, and " } else { "" };
        return format!("{none}all {count}");
    }
    let mut counts = Vec::<(&str, usize)>::new();
    for profile in profiles.iter().filter(|profile| profile.text() != NONE) {
        let codec = codec(profile.profile_text());
        match counts.iter_mut().find(|(counted, _)| *counted == codec) {
            Some((_, count)) => *count += 1,
            None => counts.push((codec, 1)),
        }
    }
    let all = |wanted| {
        let names = DECODER_PROFILES.iter().map(|&(name, guid)| NamedGuid::new(Some(name), guid));
        names.filter(|name| codec(name.profile_text()) == wanted).count()
    };
    let lines = counts.into_iter().map(|(codec, count)| format!("{codec} ({count} of {})", all(codec)));
    with_none.then(|| NONE.to_owned()).into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

/// The codec of a decode profile, as "H264" of `H264_VLD_NOFGT` and `DXVA_ModeH264_E`.
fn codec(profile: &str) -> &str {
    let name = profile.strip_prefix("DXVA_Mode").unwrap_or(profile);
    name.split_once('_').map_or(name, |(codec, _)| codec)
}

/// A size in bytes in the largest unit that shows it exactly.
fn binary_size(bytes: u64) -> String {
    const UNITS: [(u32, &str); 4] = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    let exact = UNITS.into_iter().find(|&(shift, _)| bytes != 0 && bytes.trailing_zeros() >= shift);
    exact.map_or_else(|| format!("{bytes} bytes"), |(shift, unit)| format!("{} {unit}", bytes >> shift))
}

/// The name of a video function table, by its sub-device.
pub(super) fn table_name(sub_device_id: u32) -> &'static str {
    match sub_device_id {
        D3D11_1DDI_VIDEO_FUNCTIONS => "Direct3D 11.1",
        D3DWDDM2_0DDI_VIDEO_FUNCTIONS => "WDDM 2.0",
        D3DWDDM2_1DDI_VIDEO_FUNCTIONS => "WDDM 2.1",
        D3DWDDM2_4DDI_VIDEO_FUNCTIONS_RS4_0 => "WDDM 2.4 (RS4)",
        D3DWDDM2_4DDI_VIDEO_FUNCTIONS => "WDDM 2.4",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profiles(wanted: impl Fn(&str) -> bool) -> Vec<NamedGuid> {
        let all = std::iter::once((NONE, GUID_NULL)).chain(DECODER_PROFILES.iter().copied());
        all.filter(|(name, _)| wanted(name)).map(|(name, guid)| NamedGuid::new(Some(name), guid)).collect()
    }

    fn summary(wanted: impl Fn(&str) -> bool) -> String {
        profile_summary(&profiles(wanted).iter().collect::<Vec<_>>())
    }

    #[test]
    fn summary_of_every_profile_is_short() {
        assert_eq!(summary(|_| true), "none, and all 68");
        assert_eq!(summary(|name| name != NONE), "all 68");
    }

    #[test]
    fn summary_of_some_profiles_counts_codecs() {
        assert_eq!(summary(|name| name == NONE || name.contains("VP9")), "none\nVP9 (2 of 2)");
        assert_eq!(summary(|name| name.contains("MPEG1_VLD")), "MPEG1 (1 of 2)");
    }

    #[test]
    fn sizes_are_exact() {
        assert_eq!(binary_size(256 << 20), "256 MiB");
        assert_eq!(binary_size((256 << 20) + 1), "268435457 bytes");
        assert_eq!(binary_size(0), "0 bytes");
    }
}
