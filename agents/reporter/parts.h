/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the reporter share; nobody else includes this. */
#ifndef SCHEDKIT_AGENTS_REPORTER_PARTS_H
#define SCHEDKIT_AGENTS_REPORTER_PARTS_H

#include <stdbool.h>

#include "agents/reporter/reporter.h"
#include "doc/ids.h"
#include "page/chart.h"
#include "page/figure.h"

#define STORY_CHAPTERS 256 /* workloads */
#define CHAPTERS_TOLD  12  /* … with pictures of their own */
#define NOBODY	       ((size_t)-1)
#define ID_SHOWN       12
#define CUT_NAME       80 /* characters of an outsider's */
#define CUT_WORDS      600

/* ---- what the documents say (gather.c) ---- */

/* A metric of a verdict; what is absent is NaN or "". */
struct told_metric {
	const char *name, *unit;
	bool higher, guard;
	double baseline, candidate, ratio, lo, hi, guard_pct, shuffled;
	double pairs;
	const struct json *samples_base, *samples_cand, *samples_shuffled;
};

struct candidate {
	const char *id; /* of its policy */
	size_t number;	/* 1 …: what the page calls it */
	const struct doc *policy, *verdict, *lesson, *deployment;
	const char *source; /* who thought of it; "" */
	const char *from;
	double predicted;		     /* ratio; NaN */
	double loop_ratio, loop_lo, loop_hi; /* as the loop tells it; NaN */
	size_t round;			     /* 0: not known */
	bool measured;
	struct told_metric goal; /* when measured */
};

struct chapter {
	const char *workload;
	const struct doc *profile, *earlier; /* of the same workload */
	const struct doc *plan;
	const struct doc *loop_doc;
	const struct json *loop; /* the last state of it */
	struct candidate *c;
	size_t n, cap;
	struct ids known;
	size_t chosen; /* NOBODY: none is accepted */
	size_t *order; /* measured ones first, the best first */
	size_t measured;
};

struct story {
	const struct doc *const *docs;
	size_t n;
	struct ids ids;
	const struct doc **by_id;
	struct chapter *chapters;
	size_t count, left_out;
	const struct doc **notes; /* without a loop */
	size_t note_count;
	size_t errors;
};

/* -ENODATA: nothing to tell. */
int story_gather(struct story *s, const struct doc *const *docs, size_t n);
void story_release(struct story *s);
const struct doc *story_find(const struct story *s, const char *id);

void told_metric_read(const struct json *m, struct told_metric *out);
/* The title of a policy, else the beginning of its id. */
const char *candidate_title(const struct candidate *c);
/* "accepted", …; "not measured". */
const char *candidate_decision(const struct candidate *c);
bool candidate_accepted(const struct candidate *c);
const struct candidate *chapter_chosen(const struct chapter *c);
/* Its name, else words that stand for it. */
const char *chapter_name(const struct chapter *c);
/* What the minimum effect was, in percent; NaN. */
double chapter_min_effect(const struct chapter *c);
double number_at(const struct json *v, const char *path); /* NaN: absent */

/* ---- words (answer.c); the caller frees them ---- */

char *answer_sentence(const struct chapter *c);
char *answer_next(const struct chapter *c); /* how to take it back, or go on */
/* The command of that; NULL: none. */
const char *answer_command(const struct chapter *c);
char *regime_words(const struct chapter *c);

/* ---- parts of a page ---- */

void report_heading(struct html *h, const char *title);
/* Opens a table with a caption and a head: titles end with NULL; one that
 * begins with '#' is of numbers. */
void report_table(struct html *h, const char *caption,
		  const char *const *titles);
void report_row(struct html *h);
/* cls "n" for numbers, "w" for words; head: the column's title. */
void report_cell(struct html *h, const char *head, const char *cls,
		 const char *text);
void report_end_row(struct html *h);
void report_end_table(struct html *h);
/* A dt and a dd. */
void report_fact(struct html *h, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* "3 more are left out" where all is more than shown. */
void report_rest(struct html *h, size_t all, size_t shown, const char *what);

void report_story(struct html *h, const struct chapter *c);
void report_arms(struct html *h, const struct chapter *c);
void report_limits(struct html *h, const struct chapter *c);
void report_pareto(struct html *h, const struct chapter *c);
void report_latency(struct html *h, const struct chapter *c);
void report_timeline(struct html *h, const struct chapter *c,
		     const struct reporter_opts *o);
void report_search(struct html *h, const struct chapter *c);
void report_lineage(struct html *h, const struct chapter *c);
void report_params(struct html *h, const struct chapter *c);
void report_sure(struct html *h, const struct chapter *c);
/* Many workloads at a glance. */
void report_suite(struct html *h, const struct story *s);

/* A forest: a row for each interval of ratios. */
struct forest_row {
	char label[CUT_NAME + 1];
	char right[2 * NUM_LEN]; /* beside the interval */
	double ratio, lo, hi;
	double extra;	  /* a hollow diamond (a prediction); NaN */
	bool strong;	  /* accepted, or what it is all about */
	bool line_before; /* set apart from what is above */
};
void report_forest(struct html *h, const char *title, const char *description,
		   const struct forest_row *rows, size_t n, double effect_pct);

/* A geometric mean of ratios and its interval, from those of its members. */
struct geomean {
	double mean, lo, hi;
	size_t n;
};
void geomean_of(const struct story *s, struct geomean *g);

#endif
