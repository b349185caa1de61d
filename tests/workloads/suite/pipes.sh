# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
# As log-analysis, but each job is a pipeline: the long one may use every CPU,
# so that little is lost by letting it wait.
# shellcheck source=/dev/null
. "$here/log-analysis.sh"
command='in/piped in/%.gz'
files=piped
