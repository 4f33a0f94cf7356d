//! Compile-time proof that every structure has the size and offsets of the committed tables.
//!
//! The expected numbers are read from the CSV files while compiling; the list below names structures and fields only.
//! It follows the files' order, so that a row without a check, or a check without a row, fails the build too.
//!
//! Checked on 64-bit targets and on 32-bit Windows. On other 32-bit systems a 64-bit number is aligned to 4 bytes, not
//! 8 as on Windows, so no table describes them; the library is not offered there.

use core::mem::offset_of;

#[allow(clippy::wildcard_imports)] // every structure of the crate is listed below
use crate::*;

#[cfg(target_pointer_width = "64")]
const TABLE: &str = include_str!("../spec/abi-x86_64.csv");
#[cfg(target_pointer_width = "32")]
const TABLE: &str = include_str!("../spec/abi-i686.csv");

/// What it takes to create a decoder. The tables above lack it; this one states the facts of `d3d10umddi.h` and
/// `d3d11.h`. No member is a pointer, so it holds for every target.
const DECODER_TABLE: &str = include_str!("../spec/abi-decoder.csv");

/// One line of the table. The line of a whole structure has an empty field and offset 0.
struct Row {
    structure: &'static str,
    field: &'static str,
    offset: usize,
    size: usize,
}

/// Lists the rows that the compiled structures make. `field in outer` is a member of the union `outer`, which is as
/// large as its largest member, the one listed.
macro_rules! rows {
    ($($structure:ident { $($field:ident $(in $outer:ident)?),+ })+) => {
        &[$(
            Row { structure: stringify!($structure), field: "", offset: 0, size: size_of::<$structure>() },
            $(Row {
                structure: stringify!($structure),
                field: stringify!($field),
                offset: offset_of!($structure, $($outer.)? $field),
                size: rows!(@size $structure, $field $(, $outer)?),
            },)+
        )+]
    };
    (@size $structure:ident, $field:ident) => { field_size(|s: &$structure| &s.$field) };
    (@size $structure:ident, $field:ident, $outer:ident) => { field_size(|s: &$structure| &s.$outer) };
}

#[rustfmt::skip] // one structure per line, as long as it may be
const COMPILED: &[Row] = rows! {
    D3D11_AES_CTR_IV { IV, Count }
    D3D11_ENCRYPTED_BLOCK_INFO { NumEncryptedBytesAtBeginning, NumBytesInSkipPattern, NumBytesInEncryptPattern }
    D3D11_VIDEO_CONTENT_PROTECTION_CAPS { Caps, KeyExchangeTypeCount, BlockAlignmentSize, ProtectedMemorySize }
    D3D11_OMAC { Omac }
    D3D11_AUTHENTICATED_PROTECTION_FLAGS { Value }
    D3D11_AUTHENTICATED_CONFIGURE_INPUT { omac, ConfigureType, hChannel, SequenceNumber }
    D3D11_AUTHENTICATED_CONFIGURE_OUTPUT { omac, ConfigureType, hChannel, SequenceNumber, ReturnCode }
    D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT { Parameters, StartSequenceQuery, StartSequenceConfigure }
    D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT { Parameters, Protections }
    D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT { Parameters, DecoderHandle, CryptoSessionHandle, DeviceHandle }
    D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT { Parameters, ProcessType, ProcessHandle, AllowAccess }
    D3D11_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION_INPUT { Parameters, EncryptionGuid }
    D3D11_AUTHENTICATED_QUERY_INPUT { QueryType, hChannel, SequenceNumber }
    D3D11_AUTHENTICATED_QUERY_OUTPUT { omac, QueryType, hChannel, SequenceNumber, ReturnCode }
    D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT { Output, ProtectionFlags }
    D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT { Output, ChannelType }
    D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT { Output, DeviceHandle }
    D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_INPUT { Input, DecoderHandle }
    D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT { Output, DecoderHandle, CryptoSessionHandle, DeviceHandle }
    D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT { Output, RestrictedSharedResourceProcessCount }
    D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT { Input, ProcessIndex }
    D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT { Output, ProcessIndex, ProcessIdentifier, ProcessHandle }
    D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT { Output, UnrestrictedProtectedSharedResourceCount }
    D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_INPUT { Input, DeviceHandle, CryptoSessionHandle }
    D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT { Output, DeviceHandle, CryptoSessionHandle, OutputIDCount }
    D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT { Input, DeviceHandle, CryptoSessionHandle, OutputIDIndex }
    D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT { Output, DeviceHandle, CryptoSessionHandle, OutputIDIndex, OutputID }
    D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_OUTPUT { Output, BusType, AccessibleInContiguousBlocks, AccessibleInNonContiguousBlocks }
    D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_COUNT_OUTPUT { Output, EncryptionGuidCount }
    D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_INPUT { Input, EncryptionGuidIndex }
    D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_OUTPUT { Output, EncryptionGuidIndex, EncryptionGuid }
    D3D11_AUTHENTICATED_QUERY_CURRENT_ACCESSIBILITY_ENCRYPTION_OUTPUT { Output, EncryptionGuid }
    D3D11_VIDEO_DECODER_BUFFER_DESC { BufferType, BufferIndex, DataOffset, DataSize, FirstMBaddress, NumMBsInBuffer, Width, Height, Stride, ReservedBits, pIV, IVSize, PartialEncryption, EncryptedBlockInfo }
    D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA { HWProtectionFunctionID, pInputData, pOutputData, Status }
    D3D11_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA { PrivateDataSize, HWProtectionDataSize, pbInput }
    D3D11_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA { PrivateDataSize, MaxHWProtectionDataSize, HWProtectionDataSize, TransportTime, ExecutionTime, pbOutput }
    D3D11_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION { pCryptoSession, BlobSize, pBlob, pKeyInfoId, PrivateDataSize, pPrivateData }
    D3D11_1DDI_CERTIFICATE_INFO { CertificateType, CryptoSessionType in u }
    D3D11_1DDIARG_CREATECRYPTOSESSION { CryptoType, DecodeProfile, KeyExchangeType }
    D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL { ChannelType, hChannel }
};

#[rustfmt::skip] // one structure per line, as long as it may be
const COMPILED_DECODER: &[Row] = rows! {
    D3D11_VIDEO_DECODER_DESC { Guid, SampleWidth, SampleHeight, OutputFormat }
    D3D11_VIDEO_DECODER_CONFIG { guidConfigBitstreamEncryption, guidConfigMBcontrolEncryption, guidConfigResidDiffEncryption, ConfigBitstreamRaw, ConfigMBcontrolRasterOrder, ConfigResidDiffHost, ConfigSpatialResid8, ConfigResid8Subtraction, ConfigSpatialHost8or9Clipping, ConfigSpatialResidInterleaved, ConfigIntraResidUnsigned, ConfigResidDiffAccelerator, ConfigHostInverseScan, ConfigSpecificIDCT, Config4GroupedCoefs, ConfigMinRenderTargetBuffCount, ConfigDecoderSpecific }
    D3D11_1DDIARG_CREATEVIDEODECODER { Desc, Config }
};

const _: () = check(TABLE, COMPILED);
const _: () = check(DECODER_TABLE, COMPILED_DECODER);

/// Fails the build unless the rows of a table are those of the compiled structures, in the same order.
const fn check(table: &str, compiled: &[Row]) {
    let mut rest = table.as_bytes();
    let heading = take_line(&mut rest);
    assert!(equal(heading, b"struct,field,offset,size"), "the table has another heading");
    let mut index = 0;
    while !rest.is_empty() {
        let line = take_line(&mut rest);
        assert!(index < compiled.len(), "the table has a row for which there is no check");
        let row = &compiled[index];
        let mut left = line;
        let named =
            equal(take_cell(&mut left), row.structure.as_bytes()) && equal(take_cell(&mut left), row.field.as_bytes());
        assert!(named, "the checks are not in the table's order, or one is missing");
        let agreed = number(take_cell(&mut left)) == row.offset && number(take_cell(&mut left)) == row.size;
        if !agreed {
            match core::str::from_utf8(line) {
                Ok(line) => panic!("{}", line),
                Err(_) => panic!("the table is not UTF-8"),
            }
        }
        index += 1;
    }
    assert!(index == compiled.len(), "there is a check for which the table has no row");
}

/// Size in bytes of the field that `_field` borrows.
const fn field_size<T, F>(_field: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

/// Removes the first line, and the end of line that follows it.
const fn take_line<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    take_until(text, b'\n')
}

/// Removes the first cell, and the comma that follows it.
const fn take_cell<'a>(line: &mut &'a [u8]) -> &'a [u8] {
    take_until(line, b',')
}

const fn take_until<'a>(text: &mut &'a [u8], end: u8) -> &'a [u8] {
    let mut length = 0;
    while length < text.len() && text[length] != end {
        length += 1;
    }
    let (taken, rest) = text.split_at(length);
    *text = match rest {
        [_, rest @ ..] => rest,
        [] => rest,
    };
    taken
}

const fn number(digits: &[u8]) -> usize {
    assert!(!digits.is_empty(), "a number is missing");
    let mut value = 0;
    let mut index = 0;
    while index < digits.len() {
        assert!(digits[index].is_ascii_digit(), "not a number");
        value = value * 10 + (digits[index] - b'0') as usize;
        index += 1;
    }
    value
}

const fn equal(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut index = 0;
    while index < left.len() {
        if left[index] != right[index] {
            return false;
        }
        index += 1;
    }
    true
}
