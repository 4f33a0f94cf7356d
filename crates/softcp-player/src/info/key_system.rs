//! Key systems by their UUIDs, as the DASH Industry Forum lists them.

/// The systems that are known by name.
const SYSTEMS: [(u128, &str); 16] = [
    (0xedef8ba9_79d6_4ace_a3c8_27dcd51d21ed, "Widevine"),
    (0x9a04f079_9840_4286_ab92_e65be0885f95, "PlayReady"),
    (0x94ce86fb_07ff_4f43_adb8_93d2fa968ca2, "FairPlay"),
    (0x1077efec_c0b2_4d02_ace3_3c1e52e2fb4b, "W3C Common PSSH (clear key)"),
    (0xe2719d58_a985_b3c9_781a_b030af78d30e, "clear key (DASH-IF)"),
    (0x5e629af5_38da_4063_8977_97ffbd9902d4, "Marlin"),
    (0xf239e769_efa3_4850_9c16_a903c6932efb, "Adobe Primetime"),
    (0xadb41c24_2dbf_4a6d_958b_4457c0d27b95, "Nagra"),
    (0x80a6be7e_1448_4c37_9e70_d5aebe04c8d2, "Irdeto"),
    (0x9a27dd82_fde2_4725_8cbc_4234aa06ec09, "Verimatrix"),
    (0x3d5e6d35_9b9a_41e8_b843_dd3c6e72c42c, "ChinaDRM (WisePlay)"),
    (0xb4413586_c58c_ffb0_94a5_d4896c1af6c3, "Viaccess-Orca"),
    (0x45d481cb_8fe0_49c0_ada9_ab2d2455b2f2, "CoreCrypt"),
    (0x6a99532d_869f_5922_9a91_113ab7b1e2f3, "MobiTV"),
    (0x992c46e6_c437_4899_b6a0_50fa91ad0e39, "SecureMedia"),
    (0x644fe7b5_260f_4fad_949a_0762ffb054b4, "CMLA (OMA DRM)"),
];

/// The name of a system.
pub(super) fn name(system_id: [u8; 16]) -> Option<&'static str> {
    let id = u128::from_be_bytes(system_id);
    SYSTEMS.iter().find(|(system, _)| *system == id).map(|(_, name)| *name)
}

/// A UUID with its dashes.
pub(super) fn uuid(id: [u8; 16]) -> String {
    let digits = format!("{:032x}", u128::from_be_bytes(id));
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_is_named_and_shown_as_it_is_known() {
        let id = 0xedef8ba9_79d6_4ace_a3c8_27dcd51d21ed_u128.to_be_bytes();
        assert_eq!(name(id), Some("Widevine"));
        assert_eq!(uuid(id), "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed");
        assert_eq!(name([0; 16]), None);
    }
}
