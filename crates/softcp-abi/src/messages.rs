//! Identifiers of the debug layer's messages about content protection (`d3d11sdklayers.h`).
//!
//! The header's spelling `CRPYTO` is kept, since the names are what a reader searches for.

/// CreateCryptoSession: a required pointer is null.
pub const D3D11_MESSAGE_ID_CREATECRYPTOSESSION_NULLPARAM: u32 = 0x0030_00df;
/// CreateCryptoSession: memory was exhausted.
pub const D3D11_MESSAGE_ID_CREATECRYPTOSESSION_OUTOFMEMORY_RETURN: u32 = 0x0030_00e0;
/// GetCryptoType: a required pointer is null.
pub const D3D11_MESSAGE_ID_GETCRYPTOTYPE_NULLPARAM: u32 = 0x0030_00e1;
/// GetDecoderProfile: a required pointer is null.
pub const D3D11_MESSAGE_ID_GETDECODERPROFILE_NULLPARAM: u32 = 0x0030_00e2;
/// Crypto session GetCertificateSize: a required pointer is null.
pub const D3D11_MESSAGE_ID_GETCRYPTOSESSIONCERTIFICATESIZE_NULLPARAM: u32 = 0x0030_00e3;
/// Crypto session GetCertificate: a required pointer is null.
pub const D3D11_MESSAGE_ID_GETCRYPTOSESSIONCERTIFICATE_NULLPARAM: u32 = 0x0030_00e4;
/// Crypto session GetCertificate: a size argument is wrong.
pub const D3D11_MESSAGE_ID_GETCRYPTOSESSIONCERTIFICATE_WRONGSIZE: u32 = 0x0030_00e5;
/// GetCryptoSessionHandle: a size argument is wrong.
pub const D3D11_MESSAGE_ID_GETCRYPTOSESSIONHANDLE_WRONGSIZE: u32 = 0x0030_00e6;
/// NegotiateCryptoSessionKeyExchange: a required pointer is null.
pub const D3D11_MESSAGE_ID_NEGOTIATECRPYTOSESSIONKEYEXCHANGE_NULLPARAM: u32 = 0x0030_00e7;
/// EncryptionBlt: not supported by the device.
pub const D3D11_MESSAGE_ID_ENCRYPTIONBLT_UNSUPPORTED: u32 = 0x0030_00e8;
/// EncryptionBlt: a required pointer is null.
pub const D3D11_MESSAGE_ID_ENCRYPTIONBLT_NULLPARAM: u32 = 0x0030_00e9;
/// EncryptionBlt: the source belongs to another device.
pub const D3D11_MESSAGE_ID_ENCRYPTIONBLT_SRC_WRONGDEVICE: u32 = 0x0030_00ea;
/// EncryptionBlt: the destination belongs to another device.
pub const D3D11_MESSAGE_ID_ENCRYPTIONBLT_DST_WRONGDEVICE: u32 = 0x0030_00eb;
/// EncryptionBlt: source and destination differ in format.
pub const D3D11_MESSAGE_ID_ENCRYPTIONBLT_FORMAT_MISMATCH: u32 = 0x0030_00ec;
/// EncryptionBlt: source and destination differ in size.
pub const D3D11_MESSAGE_ID_ENCRYPTIONBLT_SIZE_MISMATCH: u32 = 0x0030_00ed;
/// EncryptionBlt: the source is multisampled.
pub const D3D11_MESSAGE_ID_ENCRYPTIONBLT_SRC_MULTISAMPLED: u32 = 0x0030_00ee;
/// EncryptionBlt: the destination is no staging resource.
pub const D3D11_MESSAGE_ID_ENCRYPTIONBLT_DST_NOT_STAGING: u32 = 0x0030_00ef;
/// EncryptionBlt: the source is mapped.
pub const D3D11_MESSAGE_ID_ENCRYPTIONBLT_SRC_MAPPED: u32 = 0x0030_00f0;
/// EncryptionBlt: the destination is mapped.
pub const D3D11_MESSAGE_ID_ENCRYPTIONBLT_DST_MAPPED: u32 = 0x0030_00f1;
/// EncryptionBlt: the source is offered.
pub const D3D11_MESSAGE_ID_ENCRYPTIONBLT_SRC_OFFERED: u32 = 0x0030_00f2;
/// EncryptionBlt: the destination is offered.
pub const D3D11_MESSAGE_ID_ENCRYPTIONBLT_DST_OFFERED: u32 = 0x0030_00f3;
/// EncryptionBlt: the source has no defined content.
pub const D3D11_MESSAGE_ID_ENCRYPTIONBLT_SRC_CONTENT_UNDEFINED: u32 = 0x0030_00f4;
/// DecryptionBlt: not supported by the device.
pub const D3D11_MESSAGE_ID_DECRYPTIONBLT_UNSUPPORTED: u32 = 0x0030_00f5;
/// DecryptionBlt: a required pointer is null.
pub const D3D11_MESSAGE_ID_DECRYPTIONBLT_NULLPARAM: u32 = 0x0030_00f6;
/// DecryptionBlt: the source belongs to another device.
pub const D3D11_MESSAGE_ID_DECRYPTIONBLT_SRC_WRONGDEVICE: u32 = 0x0030_00f7;
/// DecryptionBlt: the destination belongs to another device.
pub const D3D11_MESSAGE_ID_DECRYPTIONBLT_DST_WRONGDEVICE: u32 = 0x0030_00f8;
/// DecryptionBlt: source and destination differ in format.
pub const D3D11_MESSAGE_ID_DECRYPTIONBLT_FORMAT_MISMATCH: u32 = 0x0030_00f9;
/// DecryptionBlt: source and destination differ in size.
pub const D3D11_MESSAGE_ID_DECRYPTIONBLT_SIZE_MISMATCH: u32 = 0x0030_00fa;
/// DecryptionBlt: the destination is multisampled.
pub const D3D11_MESSAGE_ID_DECRYPTIONBLT_DST_MULTISAMPLED: u32 = 0x0030_00fb;
/// DecryptionBlt: the source is no staging resource.
pub const D3D11_MESSAGE_ID_DECRYPTIONBLT_SRC_NOT_STAGING: u32 = 0x0030_00fc;
/// DecryptionBlt: the destination is no render target.
pub const D3D11_MESSAGE_ID_DECRYPTIONBLT_DST_NOT_RENDER_TARGET: u32 = 0x0030_00fd;
/// DecryptionBlt: the source is mapped.
pub const D3D11_MESSAGE_ID_DECRYPTIONBLT_SRC_MAPPED: u32 = 0x0030_00fe;
/// DecryptionBlt: the destination is mapped.
pub const D3D11_MESSAGE_ID_DECRYPTIONBLT_DST_MAPPED: u32 = 0x0030_00ff;
/// DecryptionBlt: the source is offered.
pub const D3D11_MESSAGE_ID_DECRYPTIONBLT_SRC_OFFERED: u32 = 0x0030_0100;
/// DecryptionBlt: the destination is offered.
pub const D3D11_MESSAGE_ID_DECRYPTIONBLT_DST_OFFERED: u32 = 0x0030_0101;
/// DecryptionBlt: the source has no defined content.
pub const D3D11_MESSAGE_ID_DECRYPTIONBLT_SRC_CONTENT_UNDEFINED: u32 = 0x0030_0102;
/// StartSessionKeyRefresh: a required pointer is null.
pub const D3D11_MESSAGE_ID_STARTSESSIONKEYREFRESH_NULLPARAM: u32 = 0x0030_0103;
/// StartSessionKeyRefresh: the buffer size does not match the key.
pub const D3D11_MESSAGE_ID_STARTSESSIONKEYREFRESH_INVALIDSIZE: u32 = 0x0030_0104;
/// FinishSessionKeyRefresh: a required pointer is null.
pub const D3D11_MESSAGE_ID_FINISHSESSIONKEYREFRESH_NULLPARAM: u32 = 0x0030_0105;
/// GetEncryptionBltKey: a required pointer is null.
pub const D3D11_MESSAGE_ID_GETENCRYPTIONBLTKEY_NULLPARAM: u32 = 0x0030_0106;
/// GetEncryptionBltKey: the buffer size does not match the key.
pub const D3D11_MESSAGE_ID_GETENCRYPTIONBLTKEY_INVALIDSIZE: u32 = 0x0030_0107;
/// GetContentProtectionCaps: a required pointer is null.
pub const D3D11_MESSAGE_ID_GETCONTENTPROTECTIONCAPS_NULLPARAM: u32 = 0x0030_0108;
/// CheckCryptoKeyExchange: a required pointer is null.
pub const D3D11_MESSAGE_ID_CHECKCRYPTOKEYEXCHANGE_NULLPARAM: u32 = 0x0030_0109;
/// CheckCryptoKeyExchange: the index is past the last key exchange type.
pub const D3D11_MESSAGE_ID_CHECKCRYPTOKEYEXCHANGE_INVALIDINDEX: u32 = 0x0030_010a;
/// CreateAuthenticatedChannel: a required pointer is null.
pub const D3D11_MESSAGE_ID_CREATEAUTHENTICATEDCHANNEL_NULLPARAM: u32 = 0x0030_010b;
/// CreateAuthenticatedChannel: not supported by the device.
pub const D3D11_MESSAGE_ID_CREATEAUTHENTICATEDCHANNEL_UNSUPPORTED: u32 = 0x0030_010c;
/// CreateAuthenticatedChannel: the channel type is unknown.
pub const D3D11_MESSAGE_ID_CREATEAUTHENTICATEDCHANNEL_INVALIDTYPE: u32 = 0x0030_010d;
/// CreateAuthenticatedChannel: memory was exhausted.
pub const D3D11_MESSAGE_ID_CREATEAUTHENTICATEDCHANNEL_OUTOFMEMORY_RETURN: u32 = 0x0030_010e;
/// Channel GetCertificateSize: the channel type has no authentication.
pub const D3D11_MESSAGE_ID_GETAUTHENTICATEDCHANNELCERTIFICATESIZE_INVALIDCHANNEL: u32 = 0x0030_010f;
/// Channel GetCertificateSize: a required pointer is null.
pub const D3D11_MESSAGE_ID_GETAUTHENTICATEDCHANNELCERTIFICATESIZE_NULLPARAM: u32 = 0x0030_0110;
/// Channel GetCertificate: the channel type has no authentication.
pub const D3D11_MESSAGE_ID_GETAUTHENTICATEDCHANNELCERTIFICATE_INVALIDCHANNEL: u32 = 0x0030_0111;
/// Channel GetCertificate: a required pointer is null.
pub const D3D11_MESSAGE_ID_GETAUTHENTICATEDCHANNELCERTIFICATE_NULLPARAM: u32 = 0x0030_0112;
/// Channel GetCertificate: a size argument is wrong.
pub const D3D11_MESSAGE_ID_GETAUTHENTICATEDCHANNELCERTIFICATE_WRONGSIZE: u32 = 0x0030_0113;
/// NegotiateAuthenticatedChannelKeyExchange: the channel type has no authentication.
pub const D3D11_MESSAGE_ID_NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE_INVALIDCHANNEL: u32 = 0x0030_0114;
/// NegotiateAuthenticatedChannelKeyExchange: a required pointer is null.
pub const D3D11_MESSAGE_ID_NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE_NULLPARAM: u32 = 0x0030_0115;
/// QueryAuthenticatedChannel: a required pointer is null.
pub const D3D11_MESSAGE_ID_QUERYAUTHENTICATEDCHANNEL_NULLPARAM: u32 = 0x0030_0116;
/// QueryAuthenticatedChannel: the message names another channel.
pub const D3D11_MESSAGE_ID_QUERYAUTHENTICATEDCHANNEL_WRONGCHANNEL: u32 = 0x0030_0117;
/// QueryAuthenticatedChannel: the query is unknown.
pub const D3D11_MESSAGE_ID_QUERYAUTHENTICATEDCHANNEL_UNSUPPORTEDQUERY: u32 = 0x0030_0118;
/// QueryAuthenticatedChannel: a size argument is wrong.
pub const D3D11_MESSAGE_ID_QUERYAUTHENTICATEDCHANNEL_WRONGSIZE: u32 = 0x0030_0119;
/// QueryAuthenticatedChannel: the process index is past the last process.
pub const D3D11_MESSAGE_ID_QUERYAUTHENTICATEDCHANNEL_INVALIDPROCESSINDEX: u32 = 0x0030_011a;
/// ConfigureAuthenticatedChannel: a required pointer is null.
pub const D3D11_MESSAGE_ID_CONFIGUREAUTHENTICATEDCHANNEL_NULLPARAM: u32 = 0x0030_011b;
/// ConfigureAuthenticatedChannel: the message names another channel.
pub const D3D11_MESSAGE_ID_CONFIGUREAUTHENTICATEDCHANNEL_WRONGCHANNEL: u32 = 0x0030_011c;
/// ConfigureAuthenticatedChannel: the command is unknown.
pub const D3D11_MESSAGE_ID_CONFIGUREAUTHENTICATEDCHANNEL_UNSUPPORTEDCONFIGURE: u32 = 0x0030_011d;
/// ConfigureAuthenticatedChannel: a size argument is wrong.
pub const D3D11_MESSAGE_ID_CONFIGUREAUTHENTICATEDCHANNEL_WRONGSIZE: u32 = 0x0030_011e;
/// ConfigureAuthenticatedChannel: the process identifier type is unknown.
pub const D3D11_MESSAGE_ID_CONFIGUREAUTHENTICATEDCHANNEL_INVALIDPROCESSIDTYPE: u32 = 0x0030_011f;
/// NegotiateCryptoSessionKeyExchange: the buffer size does not match the key.
pub const D3D11_MESSAGE_ID_NEGOTIATECRPYTOSESSIONKEYEXCHANGE_INVALIDSIZE: u32 = 0x0030_0126;
/// NegotiateAuthenticatedChannelKeyExchange: the buffer size does not match the key.
pub const D3D11_MESSAGE_ID_NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE_INVALIDSIZE: u32 = 0x0030_0127;
/// GetCryptoSessionHandle: memory was exhausted.
pub const D3D11_MESSAGE_ID_GETCRYPTOSESSIONHANDLE_OUTOFMEMORY: u32 = 0x0030_0129;
