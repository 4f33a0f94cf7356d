//! The certificate chain as one blob: PKCS #7 / CMS certs-only `SignedData` (RFC 5652, section 5.1; D13). It can carry
//! revocation lists too.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode as _, Encode as _, Sequence};

const ID_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ID_SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");

/// DER of an empty SET.
const EMPTY_SET: &[u8] = &[0x31, 0x00];

#[derive(Sequence)]
struct ContentInfo<'a> {
    content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    content: SignedData<'a>,
}

/// A strict encoder would sort the SET OF certificates; here the order says which one is the leaf, and readers of
/// PKCS #7 accept any order, so it is declared as a list.
#[derive(Sequence)]
struct SignedData<'a> {
    version: u8,
    digest_algorithms: AnyRef<'a>,
    encapsulated_content: EncapsulatedContentInfo,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true")]
    certificates: Vec<AnyRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    crls: Option<Vec<AnyRef<'a>>>,
    signer_infos: AnyRef<'a>,
}

#[derive(Sequence)]
struct EncapsulatedContentInfo {
    content_type: ObjectIdentifier,
}

/// The certs-only blob of `chain`, in the order given, and of a revocation list if there is one (D49).
pub(crate) fn certs_only(chain: &[Vec<u8>], revocation_list: Option<&[u8]>) -> Vec<u8> {
    let parsed = |der| AnyRef::from_der(der).expect("an identity holds whole DER values only");
    ContentInfo {
        content_type: ID_SIGNED_DATA,
        content: SignedData {
            version: 1,
            digest_algorithms: parsed(EMPTY_SET),
            encapsulated_content: EncapsulatedContentInfo { content_type: ID_DATA },
            certificates: chain.iter().map(|certificate| parsed(certificate)).collect(),
            crls: revocation_list.map(|list| vec![parsed(list)]),
            signer_infos: parsed(EMPTY_SET),
        },
    }
    .to_der()
    .expect("a chain is far smaller than DER's largest length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_keep_their_order_and_bytes() {
        let (long, short) = (vec![0x30, 0x02, 0x05, 0x00], vec![0x30, 0x00]);
        let blob = certs_only(&[long.clone(), short.clone()], None);
        let expected = [long, short].concat();
        assert!(blob.windows(expected.len()).any(|window| window == expected));
    }

    #[test]
    fn revocation_list_follows_the_certificates_in_a_field_of_its_own() {
        let blob = certs_only(&[vec![0x30, 0x00]], Some(&[0x30, 0x02, 0x05, 0x00]));
        // certificates [0], crls [1], no signerInfos: RFC 5652, section 5.1.
        let expected = [0xa0, 0x02, 0x30, 0x00, 0xa1, 0x04, 0x30, 0x02, 0x05, 0x00, 0x31, 0x00];
        assert!(blob.ends_with(&expected), "{blob:02x?}");
    }
}
