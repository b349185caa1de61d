# SPDX-License-Identifier: GPL-2.0-or-later
# The sum, the count and the largest value of each key; the hottest key.
{
	n[$1]++
	sum[$1] += $2
	if ($2 > max[$1])
		max[$1] = $2
}
END {
	for (key in n)
		if (sum[key] > sum[hot])
			hot = key
	printf "%s %d %d %d\n", hot, n[hot], sum[hot], max[hot]
}
