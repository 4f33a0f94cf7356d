#!/usr/bin/env bash
# Makes the clip that `softcp demo` carries: a sun over the sea, drawn by formulas, encrypted with `cenc`.
#
#   tools/media/demo.sh [DIRECTORY]      default: crates/softcp-cli/assets of this repository
#
# Needs ffmpeg 9 (FFMPEG, else on the PATH) and the font DejaVu Sans (Debian fonts-dejavu-core).
# Constrained Baseline without B-frames: samples come in display order, and every picture can be shown as
# soon as its sample is decrypted.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../../crates/softcp-cli/assets}
FFMPEG=${FFMPEG:-ffmpeg}
kid=5eed0000000000000000000000000001
key=00112233445566778899aabbccddeeff
mkdir -p "$out"

# The sun's centre and radius, then per pixel: 0 sun, 1 distance to it, 2 sea or not, 3 hills or not.
sun_x='(70+60*T)'
sun_y='(97-13*sin(PI*T/3))'
horizon=122
setup="st(1,hypot(X-$sun_x,min(Y,2*$horizon-Y+5*sin(Y*0.9+T*7))-$sun_y));st(0,lt(ld(1),21));st(2,gt(Y,$horizon))"
setup="$setup;st(3,gt(Y,$horizon-9-9*sin(X/41+0.6)-5*sin(X/17))*lt(Y,$horizon+1));st(4,if(ld(2),2*$horizon-Y,Y)/$horizon)"
# How far the pixel is into the glow of the sun; the waves on the sea.
setup="$setup;st(5,exp(-ld(1)/46));st(6,if(ld(2),0.72+0.14*sin(Y*1.1-T*6+2*sin(X/13+T)),1))"
pixel() { # pixel SUN SKY-TOP SKY-BOTTOM GLOW HILL
    echo "$setup;clip(if(ld(3),$5+26*ld(5),if(ld(0),$1,$2+($3-$2)*pow(ld(4),1.6)+$4*ld(5))*ld(6)),0,255)"
}
scene="geq=r='$(pixel 255 38 232 90 28)':g='$(pixel 236 42 126 74 34)':b='$(pixel 168 110 104 10 58)'"
title="drawtext=font='DejaVu Sans':text=SoftCP:fontsize=46:fontcolor=white:shadowcolor=black@0.55:shadowx=2:shadowy=2"
title="$title:x=(w-text_w)/2:y=18"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ffmpeg=("$FFMPEG" -v error -nostdin -y)
"${ffmpeg[@]}" -f lavfi -i "color=black:size=320x180:rate=25,format=gbrp,$scene,$title,format=yuv420p" -t 3 \
    -c:v libx264 -profile:v baseline -preset veryslow -crf 24 -pix_fmt yuv420p -g 25 -keyint_min 25 -sc_threshold 0 \
    -threads 1 -fflags +bitexact -flags:v +bitexact -map_metadata -1 "$work/clear.mp4"
"${ffmpeg[@]}" -i "$work/clear.mp4" -c copy -fflags +bitexact -movflags +faststart \
    -encryption_scheme cenc-aes-ctr -encryption_key $key -encryption_kid $kid "$out/demo-cenc.mp4"
samples=$("${ffmpeg[@]}" -i "$work/clear.mp4" -c copy -f streamhash -hash sha256 - | sed 's/.*=//')
decrypted=$("${ffmpeg[@]}" -decryption_key $key -i "$out/demo-cenc.mp4" -c copy -f streamhash -hash sha256 - | sed 's/.*=//')
[ "$samples" = "$decrypted" ] || { echo "ffmpeg does not get the clear samples back" >&2; exit 1; }
pictures=$("${ffmpeg[@]}" -i "$work/clear.mp4" -f hash -hash sha256 - | sed 's/.*=//')

cat >"$out/demo-cenc.toml" <<TOML
# Written by tools/media/demo.sh, which draws and encrypts the clip: nothing in it was taken from anywhere, it is under the
# project's licence, and its key is no secret.
file = "demo-cenc.mp4"
key = "$kid:$key"
scheme = "cenc"
codec = "H.264 Constrained Baseline, 320x180, 25 pictures a second, no B-frames"
samples = 75
# SHA-256 over all clear samples, and over all decoded pictures as planar YCbCr 4:2:0.
samples_sha256 = "$samples"
pictures_sha256 = "$pictures"
TOML
ls -l "$out"/demo-cenc.*
