/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/attacher/model_watch.h"

#include "policy/learned.h"

#include <stdio.h>
#include <string.h>

void model_watch_begin(struct model_watch *w, double now)
{
	*w = (struct model_watch){.since = now, .anew = now};
}

/* What counts of it was not there before: another one's counts are no less. */
static bool is_anew(const struct learned_report *last,
		    const struct learned_report *r)
{
	return r->generation != last->generation || r->bursts < last->bursts ||
	       r->trips < last->trips || r->error < last->error;
}

static void restart(struct model_watch *w, double now, uint32_t generation)
{
	w->last = w->from = (struct learned_report){0};
	w->last.generation = generation;
	w->since = w->anew = now;
}

static void count_trip(struct model_watch *w, double now)
{
	if (w->tripped == MODEL_TRIPS)
		memmove(w->trips, w->trips + 1,
			--w->tripped * sizeof(w->trips[0]));
	w->trips[w->tripped++] = now;
}

static enum model_answer braked(struct model_watch *w, double now,
				struct model_choice *out)
{
	size_t lately = 0;

	for (size_t i = 0; i < w->tripped; i++)
		lately += now - w->trips[i] < MODEL_WITHIN_S;
	w->alarm = true;
	if (lately >= MODEL_TRIPS) {
		snprintf(out->why, sizeof(out->why),
			 "was braked %d times within an hour", MODEL_TRIPS);
		return MODEL_RETIRES;
	}
	snprintf(out->why, sizeof(out->why),
		 "was braked, the %s time within an hour",
		 lately > 1 ? "second" : "first");
	return MODEL_BRAKED;
}

/* How it did since the window began. */
static enum model_answer compare(struct model_watch *w, bool follows,
				 const struct learned_report *part,
				 struct model_choice *out)
{
	bool worse =
		(double)part->error > MODEL_WORSE * (double)part->average_error;
	bool well =
		(double)part->error <= MODEL_WELL * (double)part->average_error;

	out->bursts = part->bursts;
	out->ratio = learned_ratio(part);
	if (worse == w->alarm || !(worse || (well && follows)))
		return MODEL_STAYS;
	w->alarm = worse;
	snprintf(out->why, sizeof(out->why),
		 "%s: over %llu bursts it missed by %.0f %% of what the "
		 "exponential average did",
		 worse ? "drifts" : "does well again",
		 (unsigned long long)part->bursts, 100 * out->ratio);
	if (worse && out->ratio < 0)
		snprintf(out->why, sizeof(out->why),
			 "drifts: over %llu bursts the exponential average "
			 "missed by nothing, and it did not",
			 (unsigned long long)part->bursts);
	return worse ? MODEL_DRIFTS : MODEL_RECOVERS;
}

enum model_answer model_watch_saw(struct model_watch *w, double now,
				  const struct learned_report *r,
				  struct model_choice *out)
{
	struct learned_report part = *r;
	uint64_t trips;

	*out = (struct model_choice){.ratio = -1};
	if (is_anew(&w->last, r))
		restart(w, now, r->generation);
	if (now - w->anew < MODEL_SETTLES_S)
		return MODEL_STAYS;
	trips = r->trips - w->last.trips;
	w->last = *r;
	for (uint64_t i = 0; i < trips && i < MODEL_TRIPS; i++)
		count_trip(w, now);
	if (trips)
		return braked(w, now, out);
	part.bursts -= w->from.bursts;
	part.error -= w->from.error;
	part.average_error -= w->from.average_error;
	if (part.bursts < MODEL_BURSTS || now - w->since < MODEL_WINDOW_S)
		return MODEL_STAYS;
	w->from = *r;
	w->since = now;
	return compare(w, r->state != LEARNED_BRAKED, &part, out);
}
