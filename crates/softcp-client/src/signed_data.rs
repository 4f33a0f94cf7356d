//! Reading a certs-only `SignedData` (RFC 5652 §5.1, also PKCS #7): the container of D13.
//!
//! The certificates are kept in the order of the file. ASN.1 calls them a set, and a general CMS reader may sort it;
//! here the order says which certificate is the leaf.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Encode, Sequence, SliceReader, Tag, Tagged};

use crate::chain::CertificateError;

/// `id-signedData`, RFC 5652 §5.1.
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");

/// Whether `bytes` begin like a `ContentInfo`, a sequence whose first element is an object identifier, and not like a
/// certificate, a sequence whose first element is a sequence.
pub(crate) fn is_content_info(bytes: &[u8]) -> bool {
    let first_element = |bytes| {
        let mut reader = SliceReader::new(bytes)?;
        der::Header::decode(&mut reader)?;
        Tag::peek(&reader)
    };
    first_element(bytes) == Ok(Tag::ObjectIdentifier)
}

/// What a certs-only message holds: the DER bytes of each, in order.
pub(crate) struct CertificatesOnly {
    pub(crate) certificates: Vec<Vec<u8>>,
    pub(crate) revocation_lists: Vec<Vec<u8>>,
}

/// Reads a `ContentInfo`.
pub(crate) fn read(bytes: &[u8]) -> Result<CertificatesOnly, CertificateError> {
    let content_info = ContentInfo::from_der(bytes).map_err(CertificateError::MalformedSignedData)?;
    if content_info.content_type != SIGNED_DATA {
        return Err(CertificateError::NotSignedData { content_type: content_info.content_type.to_string() });
    }
    let signed_data: SignedData<'_> =
        content_info.content.decode_as().map_err(CertificateError::MalformedSignedData)?;
    expect_set(signed_data.digest_algorithms)?;
    expect_set(signed_data.signer_infos)?;
    if !signed_data.signer_infos.value().is_empty() {
        return Err(CertificateError::NotCertificatesOnly);
    }
    let certificates = signed_data.certificates.into_iter().flatten().enumerate();
    let revocation_lists = signed_data.revocation_lists.into_iter().flatten().enumerate();
    Ok(CertificatesOnly {
        certificates: certificates.map(|(index, choice)| certificate(index, choice)).collect::<Result<_, _>>()?,
        revocation_lists: revocation_lists
            .map(|(index, choice)| revocation_list(index, choice))
            .collect::<Result<_, _>>()?,
    })
}

/// RFC 5652 §3.
#[derive(Sequence)]
struct ContentInfo<'a> {
    content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    content: AnyRef<'a>,
}

/// RFC 5652 §5.1. A certs-only message signs nothing, so what belongs to signatures is only stepped over.
#[derive(Sequence)]
struct SignedData<'a> {
    version: u8,
    digest_algorithms: AnyRef<'a>,
    encapsulated_content: EncapsulatedContentInfo<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    certificates: Option<Vec<AnyRef<'a>>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    revocation_lists: Option<Vec<AnyRef<'a>>>,
    signer_infos: AnyRef<'a>,
}

/// RFC 5652 §5.2.
#[derive(Sequence)]
struct EncapsulatedContentInfo<'a> {
    content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    content: Option<AnyRef<'a>>,
}

fn expect_set(element: AnyRef<'_>) -> Result<(), CertificateError> {
    element.tag().assert_eq(Tag::Set).map(drop).map_err(CertificateError::MalformedSignedData)
}

/// A `CertificateChoices` of RFC 5652 §10.2.2 that is an X.509 certificate, back as the bytes it was.
fn certificate(index: usize, choice: AnyRef<'_>) -> Result<Vec<u8>, CertificateError> {
    if choice.tag() != Tag::Sequence {
        return Err(CertificateError::UnsupportedCertificateChoice { index });
    }
    choice.to_der().map_err(|source| CertificateError::MalformedCertificate { index, source })
}

/// A `RevocationInfoChoice` of RFC 5652 §10.2.1 that is an X.509 revocation list, back as the bytes it was.
fn revocation_list(index: usize, choice: AnyRef<'_>) -> Result<Vec<u8>, CertificateError> {
    if choice.tag() != Tag::Sequence {
        return Err(CertificateError::UnsupportedRevocationChoice { index });
    }
    choice.to_der().map_err(CertificateError::MalformedSignedData)
}
