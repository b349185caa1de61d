/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The runtime's figures as OpenMetrics 1.0 text, for who scrapes them.
 *
 * All names begin with schedkit_; what is counted ends in _total, seconds in
 * _seconds.  The text ends in "# EOF".
 */
#ifndef SCHEDKIT_RT_OPENMETRICS_H
#define SCHEDKIT_RT_OPENMETRICS_H

#include "base/buf.h"
#include "doc/json.h"

/* Of what {"look":"metrics"} gives. */
void rt_openmetrics(const struct json *metrics, struct buf *out);

#endif
