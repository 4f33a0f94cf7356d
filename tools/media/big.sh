#!/usr/bin/env bash
# Makes large files for measurements: about 200 MB, 1800 H.264 samples of 1280x720.
#
#   tools/media/big.sh DIRECTORY
#
# Ten seconds of coloured noise, repeated six times without encoding again. Tools by FFMPEG and PACKAGER,
# else on the PATH; without a packager its files are left out. KID and key are those of make.sh's video track.
set -euo pipefail

[ $# = 1 ] || { echo "usage: $0 DIRECTORY" >&2; exit 2; }
FFMPEG=${FFMPEG:-ffmpeg}
PACKAGER=${PACKAGER:-packager}
mkdir -p "$1"
cd "$1"

kid=1a2b3c4d5e6f70819203142536475869
key=0f1e2d3c4b5a69788796a5b4c3d2e1f0
exact=(-fflags +bitexact -map_metadata -1)
crypt=(-encryption_scheme cenc-aes-ctr -encryption_key $key -encryption_kid $kid)
by_ffmpeg=("$FFMPEG" -v error -nostdin -y)

"${by_ffmpeg[@]}" -f lavfi -i 'testsrc2=size=1280x720:rate=30,noise=alls=32:allf=t:all_seed=1' -t 10 \
    -c:v libx264 -preset ultrafast -qp 38 -pix_fmt yuv420p -g 30 -keyint_min 30 -sc_threshold 0 -threads 1 \
    "${exact[@]}" -flags:v +bitexact piece.mp4
"${by_ffmpeg[@]}" -stream_loop 5 -i piece.mp4 -c copy "${exact[@]}" big-clear.mp4
rm piece.mp4

"${by_ffmpeg[@]}" -i big-clear.mp4 -c copy "${exact[@]}" "${crypt[@]}" big-cenc.mp4
"${by_ffmpeg[@]}" -i big-clear.mp4 -c copy "${exact[@]}" "${crypt[@]}" \
    -movflags +frag_keyframe+empty_moov+default_base_moof big-cenc-frag.mp4
if command -v "$PACKAGER" >/dev/null; then
    for scheme in cenc cens cbc1 cbcs; do
        case $scheme in cen?) iv=0123456789abcdef ;; *) iv=0123456789abcdef0000000000000000 ;; esac
        "$PACKAGER" in=big-clear.mp4,stream=video,drm_label=video,output=big-packager-$scheme.mp4 \
            --enable_raw_key_encryption --keys "label=video:key_id=$kid:key=$key" --clear_lead 0 \
            --protection_scheme $scheme --iv $iv --segment_duration 1 --use_fake_clock_for_muxer \
            --quiet
    done
fi
"$FFMPEG" -v error -nostdin -i big-clear.mp4 -map 0:v -c copy -f streamhash -hash sha256 big-clear.sha256 -y
printf '%s:%s\n' $kid $key >big.key
ls -l big*
