//! The entries that return nothing: which HRESULTs each reports, and which of them a host may hand on to the runtime's
//! `pfnSetErrorCb` (D42).
//!
//! A code that the runtime does not allow for the function that runs is critical to it: it logs the error and loses the
//! device on purpose ("Handling Errors", Windows driver documentation). The reference pages of content protection name no
//! code for any of these entries, so that what is allowed is what every category of that page but "`NoErrors`" allows,
//! `D3DDDIERR_DEVICEREMOVED`; and not even that for a check-type function. Everything else that is reported here is the
//! mistake of an application, or a state that it can leave, and no reason to lose a device.

use softcp_abi::{
    D3DDDIERR_DEVICEREMOVED, D3DERR_CANNOTPROTECTCONTENT, D3DERR_INVALIDCALL, D3DERR_UNSUPPORTEDCRYPTO, E_FAIL,
    E_INVALIDARG, E_NOTIMPL, E_OUTOFMEMORY, HRESULT,
};

use crate::hresult::Failure;

/// An entry that returns nothing.
#[derive(Debug)]
pub(crate) struct VoidEntry {
    /// Its name in the table, without `pfn`.
    pub(crate) name: &'static str,
    /// What this library reports.
    pub(crate) reports: &'static [HRESULT],
    /// Whether it also reports what a callback of the host, or its secure environment, fails with, whatever that is.
    pub(crate) passes_on: bool,
    /// What of all that may go to `pfnSetErrorCb`.
    pub(crate) forwards: &'static [HRESULT],
}

impl VoidEntry {
    /// Whether the runtime allows the code for this entry.
    pub(crate) fn may_forward(&self, hresult: HRESULT) -> bool {
        self.forwards.contains(&hresult)
    }

    /// Whether the list of what the entry reports has this failure.
    pub(crate) fn is_listed(&self, failure: &Failure) -> bool {
        self.reports.contains(&failure.hresult()) || self.passes_on && failure.is_foreign()
    }
}

/// What every entry may hand on that is not of check type.
const REMOVAL: &[HRESULT] = &[D3DDDIERR_DEVICEREMOVED];
/// What a check-type function may hand on: "the driver cannot return `D3DDDIERR_DEVICEREMOVED`".
const NOTHING: &[HRESULT] = &[];

/// The entries, each with its codes.
macro_rules! void_entries {
    ($($(#[$doc:meta])* $name:ident = $entry:literal: $reports:expr, $passes_on:literal, $forwards:expr;)*) => {
        $($(#[$doc])* pub(crate) static $name: VoidEntry =
            VoidEntry { name: $entry, reports: $reports, passes_on: $passes_on, forwards: $forwards };)*

        /// All entries of this library that return nothing, in the order of the table.
        #[cfg(test)]
        pub(crate) static VOID_ENTRIES: &[&VoidEntry] = &[$(&$name),*];
    };
}

// E_FAIL of every entry is also what a defect of this library comes to.
void_entries! {
    /// A stale or foreign session.
    DESTROY_CRYPTO_SESSION = "DestroyCryptoSession": &[E_INVALIDARG, E_FAIL], false, REMOVAL;
    /// A bad certificate type, a crypto type without a certificate, an identity that cannot be used.
    GET_CERTIFICATE_SIZE = "GetCertificateSize":
        &[E_INVALIDARG, D3DERR_UNSUPPORTEDCRYPTO, D3DDDIERR_DEVICEREMOVED, E_FAIL], false, REMOVAL;
    /// As its size, and a buffer of another size.
    GET_CERTIFICATE = "GetCertificate":
        &[E_INVALIDARG, D3DERR_UNSUPPORTEDCRYPTO, D3DDDIERR_DEVICEREMOVED, E_FAIL], false, REMOVAL;
    /// No key, no read-back key, an unprotected source, resources that do not agree, IVs that are exhausted.
    ENCRYPTION_BLT = "EncryptionBlt":
        &[E_INVALIDARG, D3DERR_INVALIDCALL, D3DERR_CANNOTPROTECTCONTENT, E_NOTIMPL, D3DDDIERR_DEVICEREMOVED, E_FAIL],
        true, REMOVAL;
    /// No key, an IV that does not increase, an unprotected destination, resources that do not agree, a bad content key.
    DECRYPTION_BLT = "DecryptionBlt":
        &[E_INVALIDARG, D3DERR_INVALIDCALL, D3DERR_CANNOTPROTECTCONTENT, E_NOTIMPL, E_OUTOFMEMORY,
            D3DDDIERR_DEVICEREMOVED, E_FAIL],
        true, REMOVAL;
    /// A size that is not the key's, no key, a random generator that failed.
    START_SESSION_KEY_REFRESH = "StartSessionKeyRefresh":
        &[E_INVALIDARG, D3DERR_INVALIDCALL, E_NOTIMPL, D3DDDIERR_DEVICEREMOVED, E_FAIL], false, REMOVAL;
    /// No refresh is pending.
    FINISH_SESSION_KEY_REFRESH = "FinishSessionKeyRefresh":
        &[E_INVALIDARG, D3DERR_INVALIDCALL, E_NOTIMPL, D3DDDIERR_DEVICEREMOVED, E_FAIL], false, REMOVAL;
    /// A size that is not the key's, no key, a random generator that failed.
    GET_ENCRYPTION_BLT_KEY = "GetEncryptionBltKey":
        &[E_INVALIDARG, D3DERR_INVALIDCALL, E_NOTIMPL, D3DDDIERR_DEVICEREMOVED, E_FAIL], false, REMOVAL;
    /// A stale or foreign channel.
    DESTROY_AUTHENTICATED_CHANNEL = "DestroyAuthenticatedChannel": &[E_INVALIDARG, E_FAIL], false, REMOVAL;
    /// A stale or foreign session, a null pointer. Of check type.
    CHECK_CRYPTO_SESSION_STATUS = "CheckCryptoSessionStatus":
        &[E_INVALIDARG, D3DDDIERR_DEVICEREMOVED, E_FAIL], false, NOTHING;
    /// Types for which no session can be made, a null pointer.
    GET_CRYPTO_SESSION_PRIVATE_DATA_SIZE = "GetCryptoSessionPrivateDataSize":
        &[E_INVALIDARG, D3DERR_UNSUPPORTEDCRYPTO, D3DDDIERR_DEVICEREMOVED, E_FAIL], false, REMOVAL;
    /// A null resource, no such capability, no such callback.
    SET_HARDWARE_PROTECTION = "SetHardwareProtection":
        &[E_INVALIDARG, E_NOTIMPL, D3DDDIERR_DEVICEREMOVED, E_FAIL], true, REMOVAL;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes by the names that documentation and headers use.
    fn name(code: HRESULT) -> &'static str {
        match code {
            E_INVALIDARG => "E_INVALIDARG",
            D3DERR_INVALIDCALL => "INVALIDCALL",
            D3DERR_CANNOTPROTECTCONTENT => "CANNOTPROTECTCONTENT",
            D3DERR_UNSUPPORTEDCRYPTO => "UNSUPPORTEDCRYPTO",
            D3DDDIERR_DEVICEREMOVED => "DEVICEREMOVED",
            E_NOTIMPL => "E_NOTIMPL",
            E_OUTOFMEMORY => "E_OUTOFMEMORY",
            E_FAIL => "E_FAIL",
            other => panic!("{other:#x} has no name in the documentation"),
        }
    }

    fn codes(entry: &VoidEntry, mark: &str) -> String {
        let code = |code: &HRESULT| format!("{}{}", name(*code), if entry.may_forward(*code) { mark } else { "" });
        let mut codes: Vec<_> = entry.reports.iter().map(code).collect();
        codes.extend(entry.passes_on.then(|| "and any code of a callback".to_owned()));
        codes.join(", ")
    }

    /// The words of a text, without the marks of a C comment.
    fn words(text: &str) -> String {
        text.lines().flat_map(|line| line.trim_start_matches("//").split_whitespace()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn header_and_page_list_what_the_table_has_entry_by_entry() {
        let header = words(include_str!("../../include/softcp.h"));
        let page = include_str!("../../../../docs/errors.md");
        let mut rows = Vec::new();
        for entry in VOID_ENTRIES {
            rows.push(format!("- {}: {}", entry.name, codes(entry, " (forward)")));
            let reported = entry.reports.iter().filter(|code| entry.may_forward(**code));
            let forwards = reported.map(|code| name(*code)).collect::<Vec<_>>().join(", ");
            let row = format!("| {} | {} | {forwards} |\n", entry.name, codes(entry, "")).replace("|  |", "| |");
            assert!(page.contains(&row), "docs/errors.md lacks {row}");
        }
        assert!(header.contains(&rows.join(" ")), "softcp.h lacks, in the comment of softcp_error_report:\n{rows:#?}");
        assert_eq!(page.matches(" | E_INVALIDARG, ").count(), VOID_ENTRIES.len(), "rows of the page");
    }

    /// Every entry of the committed tables that content protection has and that returns nothing.
    #[test]
    fn table_has_every_entry_that_returns_nothing() {
        let csv = include_str!("../../../softcp-abi/spec/functables.csv");
        for entry in VOID_ENTRIES {
            let is_row = |row: &str| row.ends_with(&format!(",pfn{}", entry.name));
            assert!(csv.lines().any(is_row) || entry.name == "SetHardwareProtection", "{}", entry.name);
        }
        let names: std::collections::HashSet<_> = VOID_ENTRIES.iter().map(|entry| entry.name).collect();
        assert_eq!(names.len(), 12);
    }

    #[test]
    fn only_a_removal_is_handed_on_and_by_no_entry_of_check_type() {
        for entry in VOID_ENTRIES {
            let is_check = entry.name.starts_with("Check");
            assert_eq!(entry.may_forward(D3DDDIERR_DEVICEREMOVED), !is_check, "{}", entry.name);
            for code in entry.reports.iter().filter(|code| **code != D3DDDIERR_DEVICEREMOVED) {
                assert!(!entry.may_forward(*code), "{}: {code:#x}", entry.name);
            }
        }
    }
}
