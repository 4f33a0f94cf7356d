//! What the clear file looks like.

use softcp_cenc::Selection;

use crate::support::*;

/// Types that have no place in a clear file.
const PROTECTION: [&[u8; 4]; 9] = [b"encv", b"enca", b"sinf", b"pssh", b"senc", b"saiz", b"saio", b"seig", b"uuid"];

fn count(file: &[u8], kind: &[u8; 4]) -> usize {
    file.windows(4).filter(|window| window == kind).count()
}

fn pssh() -> Vec<u8> {
    full(b"pssh", 0, 0, &[b"system identifer", &words(&[4]), b"data"])
}

fn groups() -> [Vec<u8>; 2] {
    let sgpd = full(b"sgpd", 1, 0, &[b"seig", &words(&[20, 1]), &[0, 0, 1, 8], &[7; 16]]);
    [sgpd, full(b"sbgp", 0, 0, &[b"seig", &words(&[1, 1, 1])])]
}

fn roll_groups() -> [Vec<u8>; 2] {
    let sgpd = full(b"sgpd", 1, 0, &[b"roll", &words(&[2, 1]), &[0, 1]]);
    [sgpd, full(b"sbgp", 0, 0, &[b"roll", &words(&[1, 1, 1])])]
}

fn piff_senc() -> Vec<u8> {
    let uuid = [0xa2, 0x39, 0x4f, 0x52, 0x5a, 0x9b, 0x4f, 0x14, 0xa2, 0x44, 0x6c, 0x42, 0x7c, 0x64, 0x8d, 0xf4];
    bx(b"uuid", &[&uuid, &[0; 4], &words(&[1]), &[1; 8]])
}

fn saiz_saio(kind: &[u8; 4]) -> [Vec<u8>; 2] {
    let saiz = full(b"saiz", 0, 1, &[kind, &[0; 4], &[8, 0, 0, 0, 1]]);
    [saiz, full(b"saio", 0, 1, &[kind, &[0; 4], &words(&[1, DATA])])]
}

/// Two tracks with everything that goes, and some that stays.
fn everything() -> Vec<u8> {
    let boxes = [&[senc(1), piff_senc()][..], &saiz_saio(b"cenc"), &saiz_saio(b"othr"), &groups(), &roll_groups()];
    let boxes = boxes.concat();
    let audio = protected_entry(b"enca", b"cenc", &tenc(0, 0, 8, &[]));
    let tracks = [
        Trak::new(1, cenc_entry(), &[2], DATA).with_stbl(&boxes),
        Trak::new(2, audio, &[2], DATA + 2).with_stbl(&boxes),
    ];
    progressive(4, &tracks, &[pssh(), mvex(&[1, 2])])
}

fn everything_in_a_fragment() -> Vec<u8> {
    let boxes = [&[senc(1), piff_senc()][..], &saiz_saio(b"cenc"), &groups(), &roll_groups()].concat();
    let fragment = |moof: i32| {
        [(1, 8), (2, 10)].map(|(track, offset)| {
            let mut traf = vec![tfhd(track), trun(moof + offset, &[2])];
            traf.extend_from_slice(&boxes);
            traf
        })
    };
    let mut bytes = crate::support::fragment(4, |moof| fragment(moof).to_vec());
    // A pssh box at the end of moof, whose room comes out of a free box: simplest is one inside the first traf's place.
    let moof_len = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
    let pssh = pssh();
    bytes.splice(moof_len..moof_len, pssh.iter().copied());
    bytes[..4].copy_from_slice(&u32::try_from(moof_len + pssh.len()).unwrap().to_be_bytes());
    // The data move by as much.
    for at in 0..moof_len {
        if &bytes[at..at + 4] == b"trun" {
            let field = at + 12..at + 16;
            let offset = u32::from_be_bytes(bytes[field.clone()].try_into().unwrap());
            let offset = offset + u32::try_from(pssh.len()).unwrap();
            bytes[field].copy_from_slice(&offset.to_be_bytes());
        }
    }
    [everything(), bytes].concat()
}

#[test]
fn clear_file_has_no_protection_left() {
    let file = everything_in_a_fragment();
    for kind in PROTECTION {
        assert!(count(&file, kind) > 0, "the file to begin with has none");
    }
    let (samples, output) = take_apart(&file, &Selection::All).unwrap();
    // What is left of saiz and saio is of the other type.
    for kind in PROTECTION {
        let left = if matches!(kind, b"saiz" | b"saio") { 2 } else { 0 };
        assert_eq!(count(&output, kind), left, "{}", kind.escape_ascii());
    }
    assert_eq!((count(&output, b"avc1"), count(&output, b"mp4a"), count(&output, b"roll")), (1, 1, 8));
    let again = crate::support::samples(&output).unwrap();
    assert_eq!(places(&again), places(&samples));
    assert!(again.iter().all(|sample| sample.encryption.is_none()));
    assert!(open(&output).unwrap().tracks().iter().all(|track| track.protection().is_none()));
}

#[test]
fn clear_file_is_left_as_it_is_the_second_time() {
    let (_, output) = take_apart(&everything_in_a_fragment(), &Selection::All).unwrap();
    assert_eq!(take_apart(&output, &Selection::All).unwrap().1, output);
}

#[test]
fn nothing_but_types_and_zeros_changes() {
    let file = everything_in_a_fragment();
    let (_, output) = take_apart(&file, &Selection::All).unwrap();
    for (position, (before, after)) in file.iter().zip(&output).enumerate() {
        let in_type = output[position.saturating_sub(3)..(position + 4).min(output.len())]
            .windows(4)
            .any(|window| [b"free", b"avc1", b"mp4a"].iter().any(|kind| window == *kind));
        assert!(before == after || *after == 0 || in_type, "byte {position}");
    }
}

#[test]
fn track_left_out_keeps_its_boxes_and_pssh_stays() {
    let file = everything_in_a_fragment();
    let (_, output) = take_apart(&file, &Selection::Tracks(vec![1])).unwrap();
    assert_eq!((count(&output, b"encv"), count(&output, b"enca")), (0, 1));
    assert_eq!(count(&output, b"pssh"), 2);
    assert_eq!(count(&output, b"senc"), count(&file, b"senc") / 2);
    // What is left is still a file whose second track can be decrypted.
    let (samples, output) = take_apart(&output, &Selection::Tracks(vec![2])).unwrap();
    assert!(samples.iter().all(|sample| sample.encryption.is_some()));
    assert_eq!(samples.len(), 2);
    assert_eq!(count(&output, b"pssh"), 0);
}

#[test]
fn clear_movie_with_pssh_is_left_as_it_is() {
    let track = Trak::new(1, clear_entry(b"avc1", &[]), &[2], DATA);
    let file = progressive(2, &[track], &[pssh()]);
    assert_eq!(take_apart(&file, &Selection::All).unwrap().1, file);
}

#[test]
fn clear_track_keeps_its_own_auxiliary_information() {
    let boxes = [saiz_saio(b"othr"), roll_groups()].concat();
    let track = Trak::new(1, clear_entry(b"avc1", &[]), &[2], DATA).with_stbl(&boxes);
    let file = progressive(2, &[track], &[]);
    assert_eq!(take_apart(&file, &Selection::All).unwrap().1, file);
}

#[test]
fn senc_in_trak_goes_too() {
    let mut track = Trak::new(1, cenc_entry(), &[2], DATA);
    track.more_boxes = vec![senc(1)];
    let (_, output) = take_apart(&progressive(2, &[track], &[]), &Selection::All).unwrap();
    assert_eq!(count(&output, b"senc"), 0);
}
