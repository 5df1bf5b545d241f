#!/bin/sh
# Cuts a region out of the sample image with the crop example and says what it
# cost, from the JSON that crop prints: demo.sh CROP IMAGE RESULT.
set -eu

crop=$1 image=$2 result=$3
region=1536,768,512,512
stats=$("$crop" -stats -region "$region" -quality 85 -o "$result" "$image" 2>&1) || {
	echo "$stats" >&2
	exit 1
}
value() { printf '%s\n' "$stats" | sed -n "s/.*\"$1\": *\([0-9.]*\).*/\1/p"; }

echo "$ crop -region $region -o $result $image"
echo
awk -v read="$(value bytes_read)" -v file="$(value file_bytes)" \
	-v reads="$(value reads)" -v first="$(value first_byte_ms)" \
	-v total="$(value total_ms)" -v peak="$(value peak_rss)" \
	-v w="$(value width)" -v h="$(value height)" 'BEGIN {
	printf "  pixels      %d x %d\n", w, h
	printf "  read        %d of %d bytes (%.1f %%), in %d reads\n", read, file, 100 * read / file, reads
	printf "  time        %.1f ms to the first byte, %.1f ms in all\n", first, total
	if (peak > 0) printf "  memory      %.1f MiB at most, the whole process\n", peak / 1048576
}'
echo
echo "The JPEG is $PWD/$result"
