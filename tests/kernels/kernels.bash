# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What matrix and table share.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${BUILD:=$here/../../build}"
case $BUILD in
/*) ;;
*) BUILD=$PWD/$BUILD ;;
esac
dir=$BUILD/kernels
# shellcheck disable=SC2034
results=$dir/results.jsonl

# columns FILE: its lines without comments, tabs between columns.
columns() {
	sed -E -e '/^ *(#|$)/d' -e 's/ *\| */\t/g' "$1"
}
