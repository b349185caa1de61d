/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * OpenMetrics 1.0 text, for who scrapes figures: families of samples, all of
 * whose names begin with schedkit_.
 *
 * What collectors of the older text format take for a comment or do not know,
 * they may leave out: all but METRIC_INFO is read by both.
 */
#ifndef SCHEDKIT_TERM_OPENMETRICS_H
#define SCHEDKIT_TERM_OPENMETRICS_H

#include "base/buf.h"

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_SUMMARY, METRIC_INFO };

struct metric_label {
	const char *name, *value;
};

/*
 * Begins a family: its name, without the suffix of its samples ("_total",
 * "_info"), and what it means, without a full stop.  A name that ends in
 * _seconds, _bytes or _percent has that for its unit.
 */
void metric_family(struct buf *out, const char *name, enum metric_type type,
		   const char *help);

/* A sample of the family that was begun last; x not finite: NaN. */
void metric_sample(struct buf *out, const char *name, const char *suffix,
		   const struct metric_label *labels, size_t n, double x);

/* A family of one sample without labels. */
void metric_single(struct buf *out, const char *name, enum metric_type type,
		   const char *help, double x);

/* The last line; nothing may follow. */
void metric_end(struct buf *out);

#endif
