//! Messages of authenticated channels, right and wrong ones: structures byte for byte, padding zero.

use std::mem::offset_of;

use softcp_abi::{
    D3D11_AUTHENTICATED_CONFIGURE_INPUT as Command, D3D11_AUTHENTICATED_CONFIGURE_OUTPUT as Answer,
    D3D11_AUTHENTICATED_QUERY_INPUT as Query, GUID, HRESULT,
};

use crate::oracle::{Block, omac};

/// Bytes of the OMAC that commands and all answers begin with.
pub(crate) const OMAC: usize = 16;

/// A command or a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message(pub(crate) Vec<u8>);

/// What messages hold, in the machine's byte order.
pub(crate) trait Member {
    fn to_bytes(self) -> Vec<u8>;
}

macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl Member for $number {
            fn to_bytes(self) -> Vec<u8> {
                self.to_ne_bytes().to_vec()
            }
        }
    )+};
}

numbers!(u32, u64, usize);

impl Member for GUID {
    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = self.Data1.to_ne_bytes().to_vec();
        bytes.extend(self.Data2.to_ne_bytes());
        bytes.extend(self.Data3.to_ne_bytes());
        bytes.extend(self.Data4);
        bytes
    }
}

impl Message {
    /// A command of `size` bytes without a signature, zero behind its header.
    pub(crate) fn command(guid: GUID, channel: usize, sequence: u32, size: usize) -> Self {
        Self(vec![0; size.max(size_of::<Command>())])
            .with(offset_of!(Command, ConfigureType), guid)
            .with(offset_of!(Command, hChannel), channel)
            .with(offset_of!(Command, SequenceNumber), sequence)
    }

    /// A query of `size` bytes, zero behind its header.
    pub(crate) fn query(guid: GUID, channel: usize, sequence: u32, size: usize) -> Self {
        Self(vec![0; size.max(size_of::<Query>())])
            .with(offset_of!(Query, QueryType), guid)
            .with(offset_of!(Query, hChannel), channel)
            .with(offset_of!(Query, SequenceNumber), sequence)
    }

    /// With a member.
    pub(crate) fn with(mut self, offset: usize, member: impl Member) -> Self {
        let member = member.to_bytes();
        self.0[offset..][..member.len()].copy_from_slice(&member);
        self
    }

    /// With another size: cut, or with zeros behind it.
    pub(crate) fn resized(mut self, size: usize) -> Self {
        self.0.resize(size, 0);
        self
    }

    /// With one byte inverted.
    pub(crate) fn flipped(mut self, offset: usize) -> Self {
        self.0[offset] = !self.0[offset];
        self
    }

    /// With the OMAC over all bytes behind it.
    pub(crate) fn signed(mut self, key: &Block) -> Self {
        if self.0.len() < OMAC {
            return self;
        }
        let mac = omac::omac(key, &self.0[OMAC..]);
        self.0[..OMAC].copy_from_slice(&mac);
        self
    }
}

/// An answer: the header that every answer has, and all its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) omac: Block,
    pub(crate) guid: Vec<u8>,
    pub(crate) channel: usize,
    pub(crate) sequence: u32,
    pub(crate) return_code: HRESULT,
}

impl Header {
    /// The header of an answer that is long enough.
    pub(crate) fn of(answer: &[u8]) -> Self {
        Self {
            omac: member(answer, 0),
            guid: member::<16>(answer, offset_of!(Answer, ConfigureType)).to_vec(),
            channel: usize::from_ne_bytes(member(answer, offset_of!(Answer, hChannel))),
            sequence: u32::from_ne_bytes(member(answer, offset_of!(Answer, SequenceNumber))),
            return_code: HRESULT::from_ne_bytes(member(answer, offset_of!(Answer, ReturnCode))),
        }
    }
}

/// The bytes of a member.
pub(crate) fn member<const N: usize>(message: &[u8], offset: usize) -> [u8; N] {
    std::array::from_fn(|i| message[offset + i])
}

/// Whether an answer's OMAC is the one of all bytes behind it.
pub(crate) fn is_signed(key: &Block, answer: &[u8]) -> bool {
    answer[..OMAC] == omac::omac(key, &answer[OMAC..])
}
