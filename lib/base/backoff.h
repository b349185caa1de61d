/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long to wait before the next try of what has failed again and again. */
#ifndef SCHEDKIT_BASE_BACKOFF_H
#define SCHEDKIT_BASE_BACKOFF_H

struct backoff {
	double first_s, growth, most_s;
};

/* After so many failures: 0 of none, first_s of one, growth times as long after
 * each further one, at most most_s. */
double backoff_pause(const struct backoff *b, unsigned failures);

#endif
