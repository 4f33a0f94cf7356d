#!/usr/bin/env bash
# Makes every file of tests/vectors/cenc from nothing but synthetic pictures and tones.
#
#   tools/media/make.sh [DIRECTORY]      default: tests/vectors/cenc of this repository
#
# Tools, each found by its variable, else on the PATH (see tools/media/README.md for the packages):
#   FFMPEG   ffmpeg 9     (PyPI imageio-ffmpeg carries one)
#   FFMPEG5  ffmpeg 5.1   (Debian 12's; only for one hostile file)
#   PACKAGER Shaka Packager 3.4 (npm shaka-packager)
#   MP4BOX   GPAC's MP4Box 26.03; a command line, so "wine /path/mp4box.exe" works too
#   MP4ENCRYPT  Bento4's mp4encrypt 1.6.0
#   PYTHON   Python 3.11 with the package cryptography (PyPI)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../../tests/vectors/cenc}
FFMPEG=${FFMPEG:-ffmpeg}
FFMPEG5=${FFMPEG5:-/usr/bin/ffmpeg}
PACKAGER=${PACKAGER:-packager}
MP4BOX=${MP4BOX:-MP4Box}
MP4ENCRYPT=${MP4ENCRYPT:-mp4encrypt}
PYTHON=${PYTHON:-python3}

mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
: >recipes.tsv

# Two tracks, two keys. tools/media/keys.py holds the same numbers for the manifest.
video_kid=1a2b3c4d5e6f70819203142536475869
video_key=0f1e2d3c4b5a69788796a5b4c3d2e1f0
audio_kid=a1b2c3d4e5f60718293a4b5c6d7e8f90
audio_key=9c8d7e6f5a4b3c2d1e0fa1b2c3d4e5f6
# A second video key for files whose key changes.
next_kid=2b3c4d5e6f708192031425364758697a
next_key=55aa66bb77cc88dd99ee00ff1122334f
iv8=0123456789abcdef
iv16=0123456789abcdef0000000000000000
iv_wrap=0102030405060708fffffffffffffffe
# Another constant vector, for files in which it changes.
next_iv16=fedcba9876543210f0e1d2c3b4a59687

# note FILE MAKER CLEAR COMMAND...: remembers how a file was made and which clear file it comes from.
note() {
    local file=$1 maker=$2 clear=$3
    shift 3
    printf '%s\t%s\t%s\t%s\n' "$file" "$maker" "$clear" "$*" >>recipes.tsv
}

quietly() {
    "$@" >tool.log 2>&1 || { cat tool.log >&2; echo "failed: $*" >&2; exit 1; }
}

# ---- clear sources -------------------------------------------------------------------------------

exact=(-fflags +bitexact -flags:v +bitexact -flags:a +bitexact -map_metadata -1 -threads 1)
picture='testsrc2=size=320x180:rate=25'
tone='aevalsrc=0.4*sin(2*PI*(220+110*t)*t)|0.4*sin(2*PI*330*t):s=48000'

# clear FILE ARGS...
clear_source() {
    local file=$1
    shift
    quietly "$FFMPEG" -y "$@" "${exact[@]}" "$file"
    note "$file" ffmpeg - ffmpeg "$@" "${exact[@]}" "$file"
}

h264=(-c:v libx264 -profile:v main -preset medium -crf 30 -pix_fmt yuv420p -g 10 -keyint_min 10
    -sc_threshold 0 -x264-params slices=2:aud=1)
# Two slices and an access unit delimiter: several subsamples a picture. B-frames: decode order is not display order.
clear_source clear.mp4 -f lavfi -i "$picture" -f lavfi -i "$tone" -t 2 "${h264[@]}" -c:a aac -b:a 64k
# The base of the hostile files: small, and two sync samples.
clear_source clear-short.mp4 -f lavfi -i 'testsrc2=size=160x90:rate=25' -f lavfi -i "$tone" -t 0.48 \
    -c:v libx264 -profile:v main -preset medium -crf 38 -pix_fmt yuv420p -g 6 -keyint_min 6 -sc_threshold 0 \
    -c:a aac -b:a 48k
clear_source clear-hevc.mp4 -f lavfi -i "$picture" -t 1.2 -c:v libx265 -crf 34 -pix_fmt yuv420p \
    -x265-params log-level=none:keyint=10:min-keyint=10:pools=1:slices=2 -tag:v hvc1
clear_source clear-vp9.mp4 -f lavfi -i "$picture" -t 1.2 -c:v libvpx-vp9 -g 10 -b:v 120k -cpu-used 4 -pix_fmt yuv420p
clear_source clear-av1.mp4 -f lavfi -i "$picture" -t 1.2 -c:v libsvtav1 -g 10 -crf 50 -preset 8 -pix_fmt yuv420p \
    -svtav1-params lp=1
clear_source clear-opus.mp4 -f lavfi -i "$tone" -t 1.2 -c:a libopus -b:a 48k

# ---- ffmpeg --------------------------------------------------------------------------------------

# by_ffmpeg FILE CLEAR ARGS...: one key for every track; ffmpeg makes only `cenc`, with 8-byte IVs from 0.
by_ffmpeg() {
    local file=$1 clear=$2
    shift 2
    local line=(-y -i "$clear" "$@" -c copy -fflags +bitexact -encryption_scheme cenc-aes-ctr
        -encryption_key "$video_key" -encryption_kid "$video_kid" "$file")
    quietly "$FFMPEG" "${line[@]}"
    note "$file" ffmpeg "$clear" ffmpeg "${line[@]}"
}

fragments=frag_keyframe+empty_moov
by_ffmpeg ff-cenc-moov-last.mp4 clear.mp4
by_ffmpeg ff-cenc-faststart.mp4 clear.mp4 -movflags +faststart
by_ffmpeg ff-cenc-audio.mp4 clear.mp4 -map 0:a
by_ffmpeg ff-cenc-frag-video.mp4 clear.mp4 -map 0:v -movflags +$fragments+default_base_moof
by_ffmpeg ff-cenc-frag-base-offset.mp4 clear.mp4 -map 0:v -movflags +$fragments
by_ffmpeg ff-cenc-frag-no-tfhd-offset.mp4 clear.mp4 -map 0:v -movflags +frag_keyframe+delay_moov+omit_tfhd_offset
by_ffmpeg ff-cenc-frag-several-trun.mp4 clear.mp4 -movflags +empty_moov+default_base_moof -frag_duration 9000000 \
    -frag_interleave 3
by_ffmpeg ff-cenc-frag-one-moof.mp4 clear.mp4 -movflags +empty_moov+default_base_moof -frag_duration 9000000
by_ffmpeg ff-cenc-hevc.mp4 clear-hevc.mp4
by_ffmpeg ff-cenc-vp9-whole-sample.mp4 clear-vp9.mp4
by_ffmpeg ff-cenc-av1.mp4 clear-av1.mp4

# ---- Shaka Packager ------------------------------------------------------------------------------

# by_packager video|audio FILE CLEAR ARGS...: one stream into one fragmented file.
by_packager() {
    local stream=$1 file=$2 clear=$3
    shift 3
    local line=("in=$clear,stream=$stream,drm_label=$stream,output=$file" --segment_duration 0.4
        --enable_raw_key_encryption
        --keys "label=video:key_id=$video_kid:key=$video_key,label=audio:key_id=$audio_kid:key=$audio_key"
        --use_fake_clock_for_muxer "$@")
    quietly "$PACKAGER" "${line[@]}"
    note "$file" packager "$clear" packager "${line[@]}"
}

both() {
    local stem=$1
    shift
    by_packager video "$stem-v.mp4" clear.mp4 "$@"
    by_packager audio "$stem-a.mp4" clear.mp4 "$@"
}

both pk-cenc --protection_scheme cenc --clear_lead 0 --iv $iv8
both pk-cens --protection_scheme cens --clear_lead 0 --iv $iv8
both pk-cbc1 --protection_scheme cbc1 --clear_lead 0 --iv $iv16
both pk-cbcs --protection_scheme cbcs --clear_lead 0 --iv $iv16
both pk-cenc-iv16 --protection_scheme cenc --clear_lead 0 --iv $iv16
both pk-cens-iv16 --protection_scheme cens --clear_lead 0 --iv $iv16
both pk-cenc-wrap --protection_scheme cenc --clear_lead 0 --iv $iv_wrap
both pk-cens-wrap --protection_scheme cens --clear_lead 0 --iv $iv_wrap
both pk-cenc-rotate --protection_scheme cenc --clear_lead 0 --iv $iv8 --crypto_period_duration 1
both pk-cenc-clear-lead --protection_scheme cenc --clear_lead 0.5 --iv $iv8
for pattern in 5:5 10:0 0:0 3:1; do
    by_packager video "pk-cens-${pattern/:/-}-v.mp4" clear.mp4 --protection_scheme cens --clear_lead 0 --iv $iv8 \
        --crypt_byte_block "${pattern%:*}" --skip_byte_block "${pattern#*:}"
done
by_packager video pk-cenc-hevc-v.mp4 clear-hevc.mp4 --protection_scheme cenc --clear_lead 0 --iv $iv8
by_packager video pk-cens-hevc-v.mp4 clear-hevc.mp4 --protection_scheme cens --clear_lead 0 --iv $iv8
by_packager video pk-cenc-vp9-v.mp4 clear-vp9.mp4 --protection_scheme cenc --clear_lead 0 --iv $iv8
by_packager video pk-cenc-av1-v.mp4 clear-av1.mp4 --protection_scheme cenc --clear_lead 0 --iv $iv8
by_packager video pk-cens-av1-v.mp4 clear-av1.mp4 --protection_scheme cens --clear_lead 0 --iv $iv8

# The schemes of AES-CBC: patterns, and vectors of 8 bytes, whose other half is zeros.
for pattern in 5:5 3:1 1:0 0:0; do
    by_packager video "pk-cbcs-${pattern/:/-}-v.mp4" clear.mp4 --protection_scheme cbcs --clear_lead 0 --iv $iv16 \
        --crypt_byte_block "${pattern%:*}" --skip_byte_block "${pattern#*:}"
done
by_packager video pk-cens-1-0-v.mp4 clear.mp4 --protection_scheme cens --clear_lead 0 --iv $iv8 \
    --crypt_byte_block 1 --skip_byte_block 0
by_packager video pk-cbcs-iv8-v.mp4 clear.mp4 --protection_scheme cbcs --clear_lead 0 --iv $iv8
by_packager video pk-cbc1-iv8-v.mp4 clear.mp4 --protection_scheme cbc1 --clear_lead 0 --iv $iv8
both pk-cbcs-rotate --protection_scheme cbcs --clear_lead 0 --iv $iv16 --crypto_period_duration 1
by_packager video pk-cbc1-rotate-v.mp4 clear.mp4 --protection_scheme cbc1 --clear_lead 0 --iv $iv16 \
    --crypto_period_duration 1
by_packager video pk-cens-rotate-v.mp4 clear.mp4 --protection_scheme cens --clear_lead 0 --iv $iv8 \
    --crypto_period_duration 1
by_packager video pk-cbcs-clear-lead-v.mp4 clear.mp4 --protection_scheme cbcs --clear_lead 0.5 --iv $iv16
for codec in hevc av1; do
    for scheme in cbc1 cbcs; do
        by_packager video "pk-$scheme-$codec-v.mp4" "clear-$codec.mp4" --protection_scheme "$scheme" --clear_lead 0 \
            --iv $iv16
    done
done
by_packager video pk-cbcs-vp9-v.mp4 clear-vp9.mp4 --protection_scheme cbcs --clear_lead 0 --iv $iv16
for scheme in cenc cens cbc1 cbcs; do
    case $scheme in cen?) iv=$iv8 ;; *) iv=$iv16 ;; esac
    by_packager audio "pk-$scheme-opus-a.mp4" clear-opus.mp4 --protection_scheme "$scheme" --clear_lead 0 --iv "$iv"
done

# Parts that derive.py puts together; they are not kept.
by_packager video part-cbc1-short-v.mp4 clear-short.mp4 --protection_scheme cbc1 --clear_lead 0 --iv $iv16
video_key=$next_key video_kid=$next_kid by_packager video part-cbcs-next-v.mp4 clear.mp4 --protection_scheme cbcs \
    --clear_lead 0 --iv $next_iv16 --crypt_byte_block 5 --skip_byte_block 5

# Segments, put one behind the other: styp and sidx between the fragments.
segments=("in=clear.mp4,stream=video,drm_label=video,init_segment=init.mp4,segment_template=segment-\$Number\$.m4s"
    --segment_duration 0.4 --clear_lead 0 --enable_raw_key_encryption
    --keys "label=video:key_id=$video_kid:key=$video_key" --iv $iv8 --use_fake_clock_for_muxer)
quietly "$PACKAGER" "${segments[@]}"
cat init.mp4 segment-1.m4s segment-2.m4s segment-3.m4s segment-4.m4s segment-5.m4s >pk-cenc-segments-v.mp4
note pk-cenc-segments-v.mp4 packager clear.mp4 packager "${segments[@]}" "; cat init.mp4 segment-?.m4s"

# The packager's own clear output, to see that it leaves the samples' bytes alone.
for clear in clear clear-hevc clear-vp9 clear-av1; do
    quietly "$PACKAGER" "in=$clear.mp4,stream=video,output=packager-$clear-v.mp4" --segment_duration 0.4
done
for clear in clear clear-opus; do
    quietly "$PACKAGER" "in=$clear.mp4,stream=audio,output=packager-$clear-a.mp4" --segment_duration 0.4
done

# ---- GPAC ----------------------------------------------------------------------------------------

# by_gpac FILE CLEAR SCHEME VIDEO-ATTRIBUTES AUDIO-ATTRIBUTES [OPTION...]: a track whose attributes are "-" stays clear.
# audio_track is the number of the audio track, first_key_iv and next_key_iv are attributes of the video keys.
audio_track=2 first_key_iv='' next_key_iv=''
by_gpac() {
    local file=$1 clear=$2 scheme=$3 video=$4 audio=$5
    shift 5
    {
        echo '<?xml version="1.0" encoding="UTF-8"?>'
        echo "<GPACDRM type=\"$scheme\">"
        if [ "$video" != - ]; then
            echo "<CrypTrack trackID=\"1\" IsEncrypted=\"1\" $video>"
            echo "<key KID=\"0x$video_kid\" value=\"0x$video_key\"$first_key_iv/>"
            case $video in *keyRoll*) echo "<key KID=\"0x$next_kid\" value=\"0x$next_key\"$next_key_iv/>" ;; esac
            echo '</CrypTrack>'
        fi
        if [ "$audio" != - ]; then
            echo "<CrypTrack trackID=\"$audio_track\" IsEncrypted=\"1\" $audio>"
            echo "<key KID=\"0x$audio_kid\" value=\"0x$audio_key\"/></CrypTrack>"
        fi
        echo '</GPACDRM>'
    } >crypt.xml
    # shellcheck disable=SC2086  # MP4BOX may be "wine mp4box.exe"
    quietly $MP4BOX -quiet -for-test -crypt crypt.xml "$@" "$clear" -out "$file"
    note "$file" gpac "$clear" MP4Box -for-test -crypt crypt.xml "$@" "$clear" -out "$file" \
        "# crypt.xml: $(tr -d '\n' <crypt.xml)"
}

fragmented=(--store=frag --cdur=0.4)
v8="IV_size=\"8\" first_IV=\"0x$iv8\""
v16="IV_size=\"16\" first_IV=\"0x$iv16\""
wrap="IV_size=\"16\" first_IV=\"0x$iv_wrap\""
by_gpac gpac-cenc-two-keys.mp4 clear.mp4 cenc "$v8" "$v16"
by_gpac gpac-cenc-two-keys-frag.mp4 clear.mp4 cenc "$v8" "$v16" "${fragmented[@]}"
by_gpac gpac-cenc-clear-audio.mp4 clear.mp4 cenc "$v8" -
by_gpac gpac-cenc-key-roll.mp4 clear.mp4 cenc "$v8 keyRoll=\"samples=7\"" "$v8"
by_gpac gpac-cenc-key-roll-frag.mp4 clear.mp4 cenc "$v8 keyRoll=\"samples=7\"" "$v8" "${fragmented[@]}"
by_gpac gpac-cenc-clear-samples.mp4 clear.mp4 cenc "$v8 selectiveType=\"RAP\"" "$v8"
by_gpac gpac-cenc-clear-samples-frag.mp4 clear.mp4 cenc "$v8 selectiveType=\"RAP\"" "$v8" "${fragmented[@]}"
by_gpac gpac-cenc-track-all-clear.mp4 clear.mp4 cenc "$v8" "$v8 selectiveType=\"Clear\""
by_gpac gpac-cenc-unaligned.mp4 clear.mp4 cenc "$v16 blockAlign=\"disable\"" "$v8"
by_gpac gpac-cenc-uuid-senc.mp4 clear.mp4 cenc "$v8 saiSavedBox=\"uuid_psec\"" "$v8 saiSavedBox=\"uuid_psec\""
by_gpac gpac-cenc-wrap-carries.mp4 clear.mp4 cenc "$wrap" "$wrap"
by_gpac gpac-cens-1-9.mp4 clear.mp4 cens "$v8 crypt_byte_block=\"1\" skip_byte_block=\"9\"" -
by_gpac gpac-cens-5-5.mp4 clear.mp4 cens "$v16 crypt_byte_block=\"5\" skip_byte_block=\"5\"" -
by_gpac gpac-cens-audio.mp4 clear.mp4 cens "$v8 crypt_byte_block=\"1\" skip_byte_block=\"9\"" "$v8"
by_gpac gpac-cbc1.mp4 clear.mp4 cbc1 "$v16" "$v16"
by_gpac gpac-cbcs.mp4 clear.mp4 cbcs \
    "constant_IV_size=\"16\" constant_IV=\"0x$iv16\" crypt_byte_block=\"1\" skip_byte_block=\"9\"" \
    "constant_IV_size=\"16\" constant_IV=\"0x$iv16\""
constant="constant_IV_size=\"16\" constant_IV=\"0x$iv16\""
one_nine='crypt_byte_block="1" skip_byte_block="9"'
by_gpac gpac-cbcs-frag.mp4 clear.mp4 cbcs "$constant $one_nine" "$constant" "${fragmented[@]}"
by_gpac gpac-cbcs-5-5.mp4 clear.mp4 cbcs "$constant crypt_byte_block=\"5\" skip_byte_block=\"5\"" -
by_gpac gpac-cbcs-iv8.mp4 clear.mp4 cbcs "constant_IV_size=\"8\" constant_IV=\"0x$iv8\" $one_nine" -
by_gpac gpac-cbcs-unaligned.mp4 clear.mp4 cbcs "$constant $one_nine blockAlign=\"disable\"" -
by_gpac gpac-cbc1-unaligned.mp4 clear.mp4 cbc1 "$v16 blockAlign=\"disable\"" -
by_gpac gpac-cbcs-key-roll.mp4 clear.mp4 cbcs "$constant $one_nine keyRoll=\"samples=7\"" "$constant"
by_gpac gpac-cbcs-key-roll-frag.mp4 clear.mp4 cbcs "$constant $one_nine keyRoll=\"samples=7\"" - "${fragmented[@]}"
by_gpac gpac-cbc1-key-roll.mp4 clear.mp4 cbc1 "$v16 keyRoll=\"samples=7\"" -
by_gpac gpac-cbcs-clear-samples-frag.mp4 clear.mp4 cbcs "$constant $one_nine selectiveType=\"RAP\"" - "${fragmented[@]}"
by_gpac gpac-cenc-cbcs.mp4 clear.mp4 cenc "$v8" "type=\"cbcs\" $constant"
for codec in hevc av1; do
    by_gpac gpac-cenc-$codec.mp4 clear-$codec.mp4 cenc "$v8" -
    by_gpac gpac-cens-$codec.mp4 clear-$codec.mp4 cens "$v8 $one_nine" -
    by_gpac gpac-cbc1-$codec.mp4 clear-$codec.mp4 cbc1 "$v16" -
    by_gpac gpac-cbcs-$codec.mp4 clear-$codec.mp4 cbcs "$constant $one_nine" -
done
audio_track=1 by_gpac gpac-cenc-opus.mp4 clear-opus.mp4 cenc - "$v8"
audio_track=1 by_gpac gpac-cbc1-opus.mp4 clear-opus.mp4 cbc1 - "$v16"
audio_track=1 by_gpac gpac-cbcs-opus.mp4 clear-opus.mp4 cbcs - "$constant"
# Two that GPAC gets wrong: README.md says how.
by_gpac gpac-cbc1-iv8.mp4 clear.mp4 cbc1 "$v8" -
first_key_iv=" IV_size=\"0\" $constant" \
    next_key_iv=" IV_size=\"0\" constant_IV_size=\"16\" constant_IV=\"0x$next_iv16\"" \
    by_gpac gpac-cbcs-key-ivs.mp4 clear.mp4 cbcs "$one_nine keyRoll=\"samples=7\"" -
by_gpac gpac-piff.mp4 clear.mp4 piff "$v8" "$v8"

# The older writer puts base_data_offset into tfhd and still counts saio from the moof.
# shellcheck disable=SC2086
quietly $MP4BOX -quiet -for-test -frag 400 gpac-cenc-two-keys.mp4 -out gpac-cenc-frag-saio-off.mp4
note gpac-cenc-frag-saio-off.mp4 gpac clear.mp4 MP4Box -for-test -frag 400 gpac-cenc-two-keys.mp4 -out \
    gpac-cenc-frag-saio-off.mp4

# ---- Bento4 --------------------------------------------------------------------------------------

# by_bento4 FILE CLEAR SCHEME [OPTION...]: a key for each track; audio alone is track 1. It takes fragmented files only.
by_bento4() {
    local file=$1 clear=$2 scheme=$3
    shift 3
    quietly "$FFMPEG" -y -i "$clear" -c copy -fflags +bitexact -movflags +$fragments+default_base_moof fragments.mp4
    local video=(--key "1:$video_key:$iv16" --property "1:KID:$video_kid")
    local audio=(--key "2:$audio_key:$iv16" --property "2:KID:$audio_kid")
    case $clear in
        clear.mp4) local keys=("${video[@]}" "${audio[@]}") ;;
        *opus*) local keys=(--key "1:$audio_key:$iv16" --property "1:KID:$audio_kid") ;;
        *) local keys=("${video[@]}") ;;
    esac
    local line=(--method "MPEG-${scheme^^}" "${keys[@]}" "$@" fragments.mp4 "$file")
    quietly "$MP4ENCRYPT" "${line[@]}"
    note "$file" bento4 "$clear" ffmpeg -i "$clear" -c copy -fflags +bitexact -movflags \
        "+$fragments+default_base_moof" fragments.mp4 "; mp4encrypt" "${line[@]}"
}

for scheme in cenc cens cbc1 cbcs; do
    by_bento4 "b4-$scheme.mp4" clear.mp4 $scheme
    for codec in hevc av1 opus; do
        by_bento4 "b4-$scheme-$codec.mp4" "clear-$codec.mp4" $scheme
    done
done
by_bento4 b4-cbcs-clear-lead.mp4 clear.mp4 cbcs --property 1:ClearLeadFragments:1
by_bento4 b4-cenc-no-senc.mp4 clear-hevc.mp4 cenc --global-option mpeg-cenc.no-senc:true

# ---- hostile -------------------------------------------------------------------------------------

mkdir -p hostile
by_ffmpeg short-plain.mp4 clear-short.mp4
by_ffmpeg short-faststart.mp4 clear-short.mp4 -movflags +faststart
by_packager video short-frag.mp4 clear-short.mp4 --protection_scheme cenc --clear_lead 0 --iv $iv8 --segment_duration 0.24
by_gpac short-groups.mp4 clear-short.mp4 cenc "$v8 keyRoll=\"samples=3\"" "$v8" --store=flat
"$PYTHON" "$here/derive.py" . recipes.tsv
# Defects that real makers ship.
by_ffmpeg hostile/ffmpeg9-frag-audio-senc-grows.mp4 clear-short.mp4 -movflags +$fragments+default_base_moof
by_ffmpeg hostile/ffmpeg9-first-samples-without-senc.mp4 clear-short.mp4 -map 0:v -movflags +frag_keyframe
# Bento4 takes no plain file, labels its tracks all the same, and ends with success.
by_bento4_plain() {
    local file=$1 scheme=$2
    local line=(--method "MPEG-${scheme^^}" --key "1:$video_key:$iv16" --property "1:KID:$video_kid" clear-short.mp4 "$file")
    quietly "$MP4ENCRYPT" "${line[@]}"
    note "$file" bento4 clear-short.mp4 mp4encrypt "${line[@]}"
}
by_bento4_plain hostile/bento4-plain-without-senc.mp4 cenc
by_bento4_plain hostile/bento4-plain-left-clear.mp4 cbcs
FFMPEG=$FFMPEG5 by_ffmpeg hostile/ffmpeg5-frag-without-senc.mp4 clear-short.mp4 -movflags +$fragments+default_base_moof

# ---- oracles, manifest ---------------------------------------------------------------------------

export FFMPEG PACKAGER MP4BOX MP4ENCRYPT
"$PYTHON" "$here/hostile.py" . recipes.tsv
"$PYTHON" "$here/manifest.py" . recipes.tsv

rm -rf "${out:?}"/*.mp4 "$out"/*.framehash "$out"/hostile "$out"/manifest.toml
cp clear.mp4 manifest.toml ./*.framehash "$out"
cp {ff,pk,gpac,b4,derived,short}-*.mp4 "$out"
cp -r hostile "$out"
echo "made $(ls "$out" | wc -l) entries, $(du -sk "$out" | cut -f1) KiB, in $out"
