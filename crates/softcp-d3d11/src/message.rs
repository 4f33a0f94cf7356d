//! Messages of the runtime, as the debug layer of Direct3D writes them (`d3d11sdklayers.h`).
//!
//! The identifiers are the debug layer's own, so that a program that filters or counts messages treats these the same.

// All of its constants for messages are named once, below.
#[allow(clippy::wildcard_imports)]
use softcp_abi::*;

/// Which kind of work a message is about: `D3D11_MESSAGE_CATEGORY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Category {
    /// Making an object.
    StateCreation = 5,
    /// Asking for capabilities, or for something that an object holds.
    StateGetting = 7,
    /// Everything that does something: blits, keys, messages of channels.
    Execution = 9,
}

impl Category {
    /// The number of the `D3D11_MESSAGE_CATEGORY`.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The name, without `D3D11_MESSAGE_CATEGORY_`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StateCreation => "STATE_CREATION",
            Self::StateGetting => "STATE_GETTING",
            Self::Execution => "EXECUTION",
        }
    }
}

/// Lists the identifiers under their categories, each with the constant that is its number.
macro_rules! messages {
    ($($category:ident { $($name:ident = $constant:ident,)+ })+) => {
        /// An identifier of a message about content protection: `D3D11_MESSAGE_ID`, its name without that.
        ///
        /// The header's spelling `CRPYTO` is kept: names are what a reader searches for.
        #[allow(non_camel_case_types, reason = "the names are the header's")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u32)]
        pub enum MessageId {
            $($(
                #[doc = concat!("[`", stringify!($constant), "`].")]
                $name = $constant,
            )+)+
        }

        impl MessageId {
            /// Every identifier.
            pub const ALL: &'static [Self] = &[$($(Self::$name,)+)+];

            /// The name, without `D3D11_MESSAGE_ID_`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $($(Self::$name => stringify!($name),)+)+
                }
            }

            /// What the message is about. The header does not say it; this follows what the debug layer says of
            /// like calls: objects that are made, capabilities that are asked for, work that is done.
            #[must_use]
            pub const fn category(self) -> Category {
                match self {
                    $($(Self::$name)|+ => Category::$category,)+
                }
            }
        }
    };
}

messages! {
    StateCreation {
        CREATECRYPTOSESSION_NULLPARAM = D3D11_MESSAGE_ID_CREATECRYPTOSESSION_NULLPARAM,
        CREATECRYPTOSESSION_OUTOFMEMORY_RETURN = D3D11_MESSAGE_ID_CREATECRYPTOSESSION_OUTOFMEMORY_RETURN,
        CREATEAUTHENTICATEDCHANNEL_NULLPARAM = D3D11_MESSAGE_ID_CREATEAUTHENTICATEDCHANNEL_NULLPARAM,
        CREATEAUTHENTICATEDCHANNEL_UNSUPPORTED = D3D11_MESSAGE_ID_CREATEAUTHENTICATEDCHANNEL_UNSUPPORTED,
        CREATEAUTHENTICATEDCHANNEL_INVALIDTYPE = D3D11_MESSAGE_ID_CREATEAUTHENTICATEDCHANNEL_INVALIDTYPE,
        CREATEAUTHENTICATEDCHANNEL_OUTOFMEMORY_RETURN = D3D11_MESSAGE_ID_CREATEAUTHENTICATEDCHANNEL_OUTOFMEMORY_RETURN,
    }
    StateGetting {
        GETCRYPTOTYPE_NULLPARAM = D3D11_MESSAGE_ID_GETCRYPTOTYPE_NULLPARAM,
        GETDECODERPROFILE_NULLPARAM = D3D11_MESSAGE_ID_GETDECODERPROFILE_NULLPARAM,
        GETCRYPTOSESSIONCERTIFICATESIZE_NULLPARAM = D3D11_MESSAGE_ID_GETCRYPTOSESSIONCERTIFICATESIZE_NULLPARAM,
        GETCRYPTOSESSIONCERTIFICATE_NULLPARAM = D3D11_MESSAGE_ID_GETCRYPTOSESSIONCERTIFICATE_NULLPARAM,
        GETCRYPTOSESSIONCERTIFICATE_WRONGSIZE = D3D11_MESSAGE_ID_GETCRYPTOSESSIONCERTIFICATE_WRONGSIZE,
        GETCRYPTOSESSIONHANDLE_WRONGSIZE = D3D11_MESSAGE_ID_GETCRYPTOSESSIONHANDLE_WRONGSIZE,
        GETCONTENTPROTECTIONCAPS_NULLPARAM = D3D11_MESSAGE_ID_GETCONTENTPROTECTIONCAPS_NULLPARAM,
        CHECKCRYPTOKEYEXCHANGE_NULLPARAM = D3D11_MESSAGE_ID_CHECKCRYPTOKEYEXCHANGE_NULLPARAM,
        CHECKCRYPTOKEYEXCHANGE_INVALIDINDEX = D3D11_MESSAGE_ID_CHECKCRYPTOKEYEXCHANGE_INVALIDINDEX,
        GETAUTHENTICATEDCHANNELCERTIFICATESIZE_INVALIDCHANNEL = D3D11_MESSAGE_ID_GETAUTHENTICATEDCHANNELCERTIFICATESIZE_INVALIDCHANNEL,
        GETAUTHENTICATEDCHANNELCERTIFICATESIZE_NULLPARAM = D3D11_MESSAGE_ID_GETAUTHENTICATEDCHANNELCERTIFICATESIZE_NULLPARAM,
        GETAUTHENTICATEDCHANNELCERTIFICATE_INVALIDCHANNEL = D3D11_MESSAGE_ID_GETAUTHENTICATEDCHANNELCERTIFICATE_INVALIDCHANNEL,
        GETAUTHENTICATEDCHANNELCERTIFICATE_NULLPARAM = D3D11_MESSAGE_ID_GETAUTHENTICATEDCHANNELCERTIFICATE_NULLPARAM,
        GETAUTHENTICATEDCHANNELCERTIFICATE_WRONGSIZE = D3D11_MESSAGE_ID_GETAUTHENTICATEDCHANNELCERTIFICATE_WRONGSIZE,
        GETCRYPTOSESSIONHANDLE_OUTOFMEMORY = D3D11_MESSAGE_ID_GETCRYPTOSESSIONHANDLE_OUTOFMEMORY,
    }
    Execution {
        NEGOTIATECRPYTOSESSIONKEYEXCHANGE_NULLPARAM = D3D11_MESSAGE_ID_NEGOTIATECRPYTOSESSIONKEYEXCHANGE_NULLPARAM,
        ENCRYPTIONBLT_UNSUPPORTED = D3D11_MESSAGE_ID_ENCRYPTIONBLT_UNSUPPORTED,
        ENCRYPTIONBLT_NULLPARAM = D3D11_MESSAGE_ID_ENCRYPTIONBLT_NULLPARAM,
        ENCRYPTIONBLT_SRC_WRONGDEVICE = D3D11_MESSAGE_ID_ENCRYPTIONBLT_SRC_WRONGDEVICE,
        ENCRYPTIONBLT_DST_WRONGDEVICE = D3D11_MESSAGE_ID_ENCRYPTIONBLT_DST_WRONGDEVICE,
        ENCRYPTIONBLT_FORMAT_MISMATCH = D3D11_MESSAGE_ID_ENCRYPTIONBLT_FORMAT_MISMATCH,
        ENCRYPTIONBLT_SIZE_MISMATCH = D3D11_MESSAGE_ID_ENCRYPTIONBLT_SIZE_MISMATCH,
        ENCRYPTIONBLT_SRC_MULTISAMPLED = D3D11_MESSAGE_ID_ENCRYPTIONBLT_SRC_MULTISAMPLED,
        ENCRYPTIONBLT_DST_NOT_STAGING = D3D11_MESSAGE_ID_ENCRYPTIONBLT_DST_NOT_STAGING,
        ENCRYPTIONBLT_SRC_MAPPED = D3D11_MESSAGE_ID_ENCRYPTIONBLT_SRC_MAPPED,
        ENCRYPTIONBLT_DST_MAPPED = D3D11_MESSAGE_ID_ENCRYPTIONBLT_DST_MAPPED,
        ENCRYPTIONBLT_SRC_OFFERED = D3D11_MESSAGE_ID_ENCRYPTIONBLT_SRC_OFFERED,
        ENCRYPTIONBLT_DST_OFFERED = D3D11_MESSAGE_ID_ENCRYPTIONBLT_DST_OFFERED,
        ENCRYPTIONBLT_SRC_CONTENT_UNDEFINED = D3D11_MESSAGE_ID_ENCRYPTIONBLT_SRC_CONTENT_UNDEFINED,
        DECRYPTIONBLT_UNSUPPORTED = D3D11_MESSAGE_ID_DECRYPTIONBLT_UNSUPPORTED,
        DECRYPTIONBLT_NULLPARAM = D3D11_MESSAGE_ID_DECRYPTIONBLT_NULLPARAM,
        DECRYPTIONBLT_SRC_WRONGDEVICE = D3D11_MESSAGE_ID_DECRYPTIONBLT_SRC_WRONGDEVICE,
        DECRYPTIONBLT_DST_WRONGDEVICE = D3D11_MESSAGE_ID_DECRYPTIONBLT_DST_WRONGDEVICE,
        DECRYPTIONBLT_FORMAT_MISMATCH = D3D11_MESSAGE_ID_DECRYPTIONBLT_FORMAT_MISMATCH,
        DECRYPTIONBLT_SIZE_MISMATCH = D3D11_MESSAGE_ID_DECRYPTIONBLT_SIZE_MISMATCH,
        DECRYPTIONBLT_DST_MULTISAMPLED = D3D11_MESSAGE_ID_DECRYPTIONBLT_DST_MULTISAMPLED,
        DECRYPTIONBLT_SRC_NOT_STAGING = D3D11_MESSAGE_ID_DECRYPTIONBLT_SRC_NOT_STAGING,
        DECRYPTIONBLT_DST_NOT_RENDER_TARGET = D3D11_MESSAGE_ID_DECRYPTIONBLT_DST_NOT_RENDER_TARGET,
        DECRYPTIONBLT_SRC_MAPPED = D3D11_MESSAGE_ID_DECRYPTIONBLT_SRC_MAPPED,
        DECRYPTIONBLT_DST_MAPPED = D3D11_MESSAGE_ID_DECRYPTIONBLT_DST_MAPPED,
        DECRYPTIONBLT_SRC_OFFERED = D3D11_MESSAGE_ID_DECRYPTIONBLT_SRC_OFFERED,
        DECRYPTIONBLT_DST_OFFERED = D3D11_MESSAGE_ID_DECRYPTIONBLT_DST_OFFERED,
        DECRYPTIONBLT_SRC_CONTENT_UNDEFINED = D3D11_MESSAGE_ID_DECRYPTIONBLT_SRC_CONTENT_UNDEFINED,
        STARTSESSIONKEYREFRESH_NULLPARAM = D3D11_MESSAGE_ID_STARTSESSIONKEYREFRESH_NULLPARAM,
        STARTSESSIONKEYREFRESH_INVALIDSIZE = D3D11_MESSAGE_ID_STARTSESSIONKEYREFRESH_INVALIDSIZE,
        FINISHSESSIONKEYREFRESH_NULLPARAM = D3D11_MESSAGE_ID_FINISHSESSIONKEYREFRESH_NULLPARAM,
        GETENCRYPTIONBLTKEY_NULLPARAM = D3D11_MESSAGE_ID_GETENCRYPTIONBLTKEY_NULLPARAM,
        GETENCRYPTIONBLTKEY_INVALIDSIZE = D3D11_MESSAGE_ID_GETENCRYPTIONBLTKEY_INVALIDSIZE,
        NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE_INVALIDCHANNEL = D3D11_MESSAGE_ID_NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE_INVALIDCHANNEL,
        NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE_NULLPARAM = D3D11_MESSAGE_ID_NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE_NULLPARAM,
        QUERYAUTHENTICATEDCHANNEL_NULLPARAM = D3D11_MESSAGE_ID_QUERYAUTHENTICATEDCHANNEL_NULLPARAM,
        QUERYAUTHENTICATEDCHANNEL_WRONGCHANNEL = D3D11_MESSAGE_ID_QUERYAUTHENTICATEDCHANNEL_WRONGCHANNEL,
        QUERYAUTHENTICATEDCHANNEL_UNSUPPORTEDQUERY = D3D11_MESSAGE_ID_QUERYAUTHENTICATEDCHANNEL_UNSUPPORTEDQUERY,
        QUERYAUTHENTICATEDCHANNEL_WRONGSIZE = D3D11_MESSAGE_ID_QUERYAUTHENTICATEDCHANNEL_WRONGSIZE,
        QUERYAUTHENTICATEDCHANNEL_INVALIDPROCESSINDEX = D3D11_MESSAGE_ID_QUERYAUTHENTICATEDCHANNEL_INVALIDPROCESSINDEX,
        CONFIGUREAUTHENTICATEDCHANNEL_NULLPARAM = D3D11_MESSAGE_ID_CONFIGUREAUTHENTICATEDCHANNEL_NULLPARAM,
        CONFIGUREAUTHENTICATEDCHANNEL_WRONGCHANNEL = D3D11_MESSAGE_ID_CONFIGUREAUTHENTICATEDCHANNEL_WRONGCHANNEL,
        CONFIGUREAUTHENTICATEDCHANNEL_UNSUPPORTEDCONFIGURE = D3D11_MESSAGE_ID_CONFIGUREAUTHENTICATEDCHANNEL_UNSUPPORTEDCONFIGURE,
        CONFIGUREAUTHENTICATEDCHANNEL_WRONGSIZE = D3D11_MESSAGE_ID_CONFIGUREAUTHENTICATEDCHANNEL_WRONGSIZE,
        CONFIGUREAUTHENTICATEDCHANNEL_INVALIDPROCESSIDTYPE = D3D11_MESSAGE_ID_CONFIGUREAUTHENTICATEDCHANNEL_INVALIDPROCESSIDTYPE,
        NEGOTIATECRPYTOSESSIONKEYEXCHANGE_INVALIDSIZE = D3D11_MESSAGE_ID_NEGOTIATECRPYTOSESSIONKEYEXCHANGE_INVALIDSIZE,
        NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE_INVALIDSIZE = D3D11_MESSAGE_ID_NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE_INVALIDSIZE,
    }
}

impl MessageId {
    /// The number: `D3D11_MESSAGE_ID`.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }
}

/// A message of severity ERROR as the debug layer writes it to the debug output, without an end of line.
///
/// `function` is the interface and the method, as `ID3D11VideoContext::DecryptionBlt`; `text` says what is wrong. A
/// message for which the header has no identifier (none) ends with its text.
#[must_use]
pub fn line(id: Option<MessageId>, function: &str, text: &str) -> String {
    let message = format!("D3D11 ERROR: {function}: {text}");
    let Some(id) = id else { return message };
    format!("{message} [ {} ERROR #{}: {}]", id.category().name(), id.number(), id.name())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn identifiers_are_those_of_the_table() {
        let table = include_str!("../spec/messages.csv").lines().skip(1).map(|row| {
            let (name, number) = row.split_once(',').unwrap();
            let number = u32::from_str_radix(number.strip_prefix("0x").unwrap(), 16).unwrap();
            (name.strip_prefix("D3D11_MESSAGE_ID_").unwrap(), number)
        });
        let listed: BTreeMap<_, _> = MessageId::ALL.iter().map(|id| (id.name(), id.number())).collect();
        assert_eq!(listed, table.collect());
        assert_eq!(listed.len(), MessageId::ALL.len());
    }

    #[test]
    fn categories_are_those_of_the_header() {
        let all = [Category::StateCreation, Category::StateGetting, Category::Execution];
        assert_eq!(
            all.map(|category| (category.number(), category.name())),
            [(5, "STATE_CREATION"), (7, "STATE_GETTING"), (9, "EXECUTION")]
        );
        for id in MessageId::ALL {
            let (function, _) = id.name().split_once('_').unwrap();
            let expected = match function {
                "CREATECRYPTOSESSION" | "CREATEAUTHENTICATEDCHANNEL" => Category::StateCreation,
                "GETENCRYPTIONBLTKEY" => Category::Execution,
                _ if function.starts_with("GET") || function.starts_with("CHECK") => Category::StateGetting,
                _ => Category::Execution,
            };
            assert_eq!(id.category(), expected, "{id:?}");
        }
    }

    #[test]
    fn a_line_is_in_the_debug_layers_form() {
        let function = "ID3D11VideoContext::DecryptionBlt";
        assert_eq!(
            line(Some(MessageId::DECRYPTIONBLT_SRC_MAPPED), function, "the source is mapped."),
            "D3D11 ERROR: ID3D11VideoContext::DecryptionBlt: the source is mapped. \
             [ EXECUTION ERROR #3145982: DECRYPTIONBLT_SRC_MAPPED]"
        );
        assert_eq!(line(None, function, "no."), "D3D11 ERROR: ID3D11VideoContext::DecryptionBlt: no.");
    }
}
