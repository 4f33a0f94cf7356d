//! HRESULT values with their names.

use std::fmt;

use softcp_abi::{
    D3DDDIERR_DEVICEREMOVED, D3DERR_CANNOTPROTECTCONTENT, D3DERR_INVALIDCALL, D3DERR_UNSUPPORTEDCRYPTO, E_FAIL,
    E_HANDLE, E_INVALIDARG, E_NOTIMPL, E_OUTOFMEMORY, E_POINTER, E_UNEXPECTED, HRESULT, S_OK,
};

/// An HRESULT: what an entry returned or reported. Any value is possible, a driver may return what it likes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct HResult(pub HRESULT);

impl HResult {
    /// Success. The only success code of this interface (D27).
    pub const OK: Self = Self(S_OK);

    /// Whether this is `S_OK`; other success codes do not exist in this interface (D27).
    #[must_use]
    pub fn is_ok(self) -> bool {
        self == Self::OK
    }

    /// The name of a code that the content-protection DDI uses.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            S_OK => "S_OK",
            E_NOTIMPL => "E_NOTIMPL",
            E_POINTER => "E_POINTER",
            E_FAIL => "E_FAIL",
            E_UNEXPECTED => "E_UNEXPECTED",
            E_HANDLE => "E_HANDLE",
            E_OUTOFMEMORY => "E_OUTOFMEMORY",
            E_INVALIDARG => "E_INVALIDARG",
            D3DERR_INVALIDCALL => "D3DERR_INVALIDCALL",
            D3DDDIERR_DEVICEREMOVED => "D3DDDIERR_DEVICEREMOVED",
            D3DERR_CANNOTPROTECTCONTENT => "D3DERR_CANNOTPROTECTCONTENT",
            D3DERR_UNSUPPORTEDCRYPTO => "D3DERR_UNSUPPORTEDCRYPTO",
            _ => return None,
        })
    }
}

impl fmt::Display for HResult {
    /// Name and number, as `E_INVALIDARG (0x80070057)`; the number alone where there is no name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} (0x{:08X})", self.0),
            None => write!(f, "0x{:08X}", self.0),
        }
    }
}

impl fmt::Debug for HResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_known_code_is_name_and_number() {
        assert_eq!(HResult(E_INVALIDARG).to_string(), "E_INVALIDARG (0x80070057)");
        assert_eq!(HResult(D3DERR_UNSUPPORTEDCRYPTO).to_string(), "D3DERR_UNSUPPORTEDCRYPTO (0x8876087E)");
    }

    #[test]
    fn display_unknown_code_is_the_number() {
        assert_eq!(HResult(-2).to_string(), "0xFFFFFFFE");
    }

    #[test]
    fn s_false_is_not_ok() {
        assert!(HResult(0).is_ok() && !HResult(1).is_ok());
    }
}
