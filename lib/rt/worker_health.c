/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/worker.h"

#include <math.h>

/* Beats that may be missed. */
#define SUSPECT_BEATS 2
#define DOWN_BEATS    4

const char *rt_health_name(enum rt_health h)
{
	static const char *const names[] = {"up", "suspect", "down"};

	return names[h];
}

void rt_worker_heard(struct rt_worker *w, double now)
{
	if (now > w->heard)
		w->heard = now;
	w->beaten = true;
}

bool rt_worker_check(struct rt_worker *w, double now, double *next)
{
	enum rt_health was = w->health;
	double beat = w->spec.beat_s;
	double suspect = w->heard + SUSPECT_BEATS * beat;
	double down = w->heard + DOWN_BEATS * beat;

	*next = INFINITY;
	/* Who was found dead is not alive for having been heard of before. */
	if (was == RT_DOWN && !w->beaten)
		return false;
	w->beaten = false;
	if (beat <= 0 || now < suspect) {
		w->health = RT_UP;
		if (beat > 0)
			*next = suspect;
	} else if (now < down) {
		w->health = RT_SUSPECT;
		*next = down;
	} else {
		w->health = RT_DOWN;
	}
	return w->health != was;
}
