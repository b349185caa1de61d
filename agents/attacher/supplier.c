/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/attacher/supplier.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/attacher/attacher.h"
#include "agents/host/holder.h"
#include "agents/attacher/model_watch.h"
#include "agents/attacher/supplier_words.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/owned.h"
#include "base/ticker.h"
#include "learn/forecast.h"
#include "policy/learned.h"
#include "policy/model.h"
#include "trace/context.h"

#define SHORT_ID 12
/* What is noted for others is as old as this at most. */
#define TELL_S	 2.0
#define FILE_MAX (sizeof(struct forecast) + DIGEST_HEX_LEN)

/* What a file is like from outside: another one, or changed, looks otherwise.
 */
struct looks {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec written, changed;
};

struct supplier {
	struct attacher *attacher;
	char *file; /* NULL: none is followed */
	struct ticker *ticker;
	struct context context;
	struct feature_context told_context;
	bool context_told;

	struct looks looks; /* of the file that was read last … */
	bool settled;	    /* … and nothing is left to do about it */
	char *trouble;	    /* what was wrong with it; NULL: nothing */
	char in_file[DIGEST_HEX_LEN]; /* the model that was handed over last */

	char sha256[DIGEST_HEX_LEN]; /* what counts; "": not known, or none */
	bool retired;
	char against[256]; /* why it is to be; "": it is not */
	struct model_watch watch;
	struct learned_report seen;
	char since[CLOCK_TEXT_LEN]; /* of its state */
	char alarm[260];	    /* "": all is well */
	double noted;
};

/* ---- telling others --------------------------------------------------- */

static void set_model(const struct supplier *s, struct json *to)
{
	/* No policy follows one of other features. */
	if (s->sha256[0]) {
		json_set_string(to, "sha256", s->sha256);
		json_set_number(to, "feature_version", FEATURE_VERSION);
	}
	json_set_number(to, "generation", s->seen.generation);
	learned_json(&s->seen, to);
	if (s->retired)
		json_set_string(to, "state", "retired");
}

/* For who asks now. */
static void note_state(struct supplier *s)
{
	struct json *v = json_object();

	set_model(s, v);
	if (s->since[0])
		json_set_string(v, "since", s->since);
	if (s->file)
		json_set_string(v, "file", s->file);
	if (s->alarm[0])
		json_set_string(v, "alarm", s->alarm);
	if (s->trouble)
		json_set_string(v, "trouble", s->trouble);
	holder_learn(v);
	json_free(v);
	s->noted = clock_monotonic();
}

/* For who looks at it later; takes text.  model: lent. */
static struct json *new_note(const struct supplier *s, const char *event,
			     char *text, struct json **model)
{
	struct json *body = json_object();

	json_set_string(body, "text", text);
	json_add(json_set(body, "tags", json_array()), json_string("model"));
	*model = json_set(body, "model", json_object());
	json_set_string(*model, "event", event);
	set_model(s, *model);
	free(text);
	return body;
}

static void tell(const struct supplier *s, const char *event, char *text)
{
	struct json *model;

	attacher_note(s->attacher, new_note(s, event, text, &model));
}

/* "the model 0123456789ab" and what is said of it; the caller's. */
static char *of_model(const struct supplier *s, const char *words)
{
	return mem_printf("the model%s%.*s %s", s->sha256[0] ? " " : "",
			  SHORT_ID, s->sha256, words);
}

/* ---- the file --------------------------------------------------------- */

/* The file as it is now, believed or not. */
static int look_at(const char *file, struct looks *out)
{
	struct stat st;

	*out = (struct looks){0};
	if (lstat(file, &st))
		return err_set(errno, "'%s': %s", file, strerror(errno));
	*out = (struct looks){st.st_dev, st.st_ino, st.st_size, st.st_mtim,
			      st.st_ctim};
	return 0;
}

static bool is_same(const struct looks *a, const struct looks *b)
{
	return a->device == b->device && a->inode == b->inode &&
	       a->size == b->size && a->written.tv_sec == b->written.tv_sec &&
	       a->written.tv_nsec == b->written.tv_nsec &&
	       a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec;
}

int supplier_read(const char *file, struct forecast *out)
{
	struct stat st;
	struct buf b;
	int fd = owned_open(file, &st), rc;

	if (fd < 0)
		return fd;
	buf_init(&b, FILE_MAX + 1);
	rc = buf_read_fd(&b, fd);
	close(fd);
	if (rc == -EFBIG)
		rc = err_set(EINVAL, "it is no model");
	if (!rc)
		rc = forecast_get(b.data ? b.data : "", b.len, out);
	if (!rc)
		rc = policy_model_check(out);
	if (rc)
		err_prefix(rc, "%s", file);
	buf_release(&b);
	return rc;
}

/* Once, however often it is looked at. */
static void complain(struct supplier *s)
{
	if (s->trouble && !strcmp(s->trouble, err_text()))
		return;
	free(s->trouble);
	s->trouble = mem_strdup(err_text());
	tell(s, "refused",
	     mem_printf("%s: the model before stays", s->trouble));
	note_state(s);
}

static void begin(struct supplier *s, const char *sha256, uint32_t generation)
{
	snprintf(s->sha256, sizeof(s->sha256), "%s", sha256);
	s->retired = false;
	s->alarm[0] = s->against[0] = '\0';
	s->seen = (struct learned_report){.generation = generation,
					  .state = LEARNED_TRIAL};
	clock_text(clock_wall(), s->since);
	model_watch_begin(&s->watch, clock_monotonic());
}

/* -EAGAIN: not now. */
static int hand_over(struct supplier *s, const struct forecast *m,
		     const char *sha256)
{
	char before[DIGEST_HEX_LEN];
	uint32_t generation;
	int rc = attacher_model(s->attacher, m, &generation);
	struct json *body, *model;

	if (rc)
		return rc;
	memcpy(before, s->sha256, sizeof(before));
	begin(s, sha256, generation);
	body = new_note(s, "swapped",
			mem_printf("the model %.*s is on trial%s%.*s: "
				   "generation %u",
				   SHORT_ID, sha256,
				   *before ? ", in place of " : "", SHORT_ID,
				   before, generation),
			&model);
	if (*before)
		json_set_string(model, "before", before);
	attacher_note(s->attacher, body);
	note_state(s);
	return 0;
}

/* A model that is there and is refused is settled: it will be, each time. */
static int take_file(struct supplier *s)
{
	char sha256[DIGEST_HEX_LEN];
	struct forecast *m = mem_zalloc(1, sizeof(*m));
	int rc = supplier_read(s->file, m);

	s->settled = !rc;
	if (!rc) {
		digest_hex(m, sizeof(*m), sha256);
		if (strcmp(sha256, s->in_file) != 0)
			rc = hand_over(s, m, sha256);
		if (!rc)
			memcpy(s->in_file, sha256, sizeof(sha256));
	}
	free(m);
	return rc;
}

/* One that is written in place is read in the middle of it: what is no model is
 * read until it looks like one. */
static void look_at_file(struct supplier *s)
{
	struct looks now;
	int rc = look_at(s->file, &now);

	if (!rc && s->settled && is_same(&now, &s->looks))
		return;
	s->settled = false;
	if (!rc)
		rc = take_file(s);
	s->settled &= rc != -EAGAIN;
	s->looks = now;
	if (rc && rc != -EAGAIN)
		complain(s);
	err_clear();
	if (!rc && s->trouble) {
		free(s->trouble);
		s->trouble = NULL;
		note_state(s);
	}
}

/* ---- the machine, and the model --------------------------------------- */

static void look_at_machine(struct supplier *s)
{
	context_look(&s->context);
	if (s->context_told &&
	    !memcmp(&s->told_context, &s->context.is, sizeof(s->told_context)))
		return;
	attacher_context(s->attacher, &s->context.is);
	s->told_context = s->context.is;
	s->context_told = true;
}

/* Tried again at the next look where nobody answers. */
static void retire(struct supplier *s)
{
	uint32_t generation;
	char *words;

	if (attacher_model(s->attacher, NULL, &generation)) {
		err_clear();
		return;
	}
	s->retired = true;
	clock_text(clock_wall(), s->since);
	words = mem_printf("is retired, for it %s: the policy goes on without "
			   "one",
			   s->against);
	tell(s, "retired", of_model(s, words));
	free(words);
	s->against[0] = '\0';
	note_state(s);
}

/* Whether something has come of it. */
static bool judge(struct supplier *s)
{
	static const char *const events[] = {
		[MODEL_DRIFTS] = "drifts",
		[MODEL_RECOVERS] = "recovered",
		[MODEL_BRAKED] = "braked",
	};
	struct model_choice c;
	enum model_answer a =
		model_watch_saw(&s->watch, clock_monotonic(), &s->seen, &c);
	struct json *body, *model;

	if (a == MODEL_STAYS)
		return false;
	snprintf(s->alarm, sizeof(s->alarm), "it %s", c.why);
	if (a == MODEL_RETIRES) {
		memcpy(s->against, c.why, sizeof(s->against));
		return true;
	}
	if (a == MODEL_RECOVERS)
		s->alarm[0] = '\0';
	body = new_note(s, events[a], of_model(s, c.why), &model);
	if (c.bursts && c.ratio >= 0)
		json_set_number(model, "ratio_lately", c.ratio);
	attacher_note(s->attacher, body);
	return true;
}

static void look_at_model(struct supplier *s)
{
	struct learned_report r;
	bool other;

	if (s->retired || !attacher_learned(s->attacher, &r))
		return;
	other = !s->since[0] || r.state != s->seen.state ||
		r.generation != s->seen.generation || r.trips != s->seen.trips;
	if (!s->since[0] || r.state != s->seen.state)
		clock_text(clock_wall(), s->since);
	s->seen = r;
	if (r.generation)
		other |= judge(s);
	if (other || clock_monotonic() - s->noted >= TELL_S)
		note_state(s);
}

static void look(void *arg)
{
	struct supplier *s = arg;

	look_at_machine(s);
	if (s->file)
		look_at_file(s);
	look_at_model(s);
	if (s->against[0])
		retire(s);
}

/* ---- its life --------------------------------------------------------- */

struct supplier *supplier_new(struct attacher *a, const char *file,
			      const char *first)
{
	struct supplier *s = mem_zalloc(1, sizeof(*s));

	s->attacher = a;
	s->file = file ? mem_strdup(file) : NULL;
	snprintf(s->sha256, sizeof(s->sha256), "%s", first);
	snprintf(s->in_file, sizeof(s->in_file), "%s", first);
	context_init(&s->context);
	model_watch_begin(&s->watch, clock_monotonic());
	s->ticker = ticker_new(CONTEXT_EVERY_S, look, s);
	if (s->ticker)
		return s;
	supplier_free(s);
	return NULL;
}

void supplier_free(struct supplier *s)
{
	if (!s)
		return;
	ticker_free(s->ticker);
	free(s->trouble);
	free(s->file);
	free(s);
}
