/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/learner/trainer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "crypt/digest.h"
#include "learn/recording.h"

#define TEXT_MAX 4096

/* ---- what is wanted ---------------------------------------------------- */

static int read_target(const char *s, size_t len, struct train_opts *out)
{
	for (int t = 0; t < FORECAST_TARGETS; t++) {
		const char *name =
			forecast_target_name((enum forecast_target)t);

		if (strlen(name) == len && !strncmp(name, s, len)) {
			out->target[t] = true;
			return 0;
		}
	}
	return err_set(EINVAL, "'%.*s' is no target: burst, sleep, class",
		       (int)len, s);
}

int trainer_read_opts(const struct trainer_opts *o, struct train_opts *out)
{
	const char *s = o->targets ? o->targets : "burst,sleep,class";
	int rc = 0;

	*out = (struct train_opts){
		.holdout_pct = o->check ? 0 : o->holdout_pct,
		.linear = strcmp(o->model, "trees") != 0,
		.trees = strcmp(o->model, "linear") != 0,
		.feature_version = FEATURE_VERSION,
		.features = FEATURE_COUNT,
	};
	if (out->linear && out->trees && strcmp(o->model, "both"))
		return err_set(EINVAL, "'%s' is no model: linear, trees, both",
			       o->model);
	for (;;) {
		size_t len = strcspn(s, ",");

		rc = read_target(s, len, out);
		if (rc || !s[len])
			break;
		s += len + 1;
	}
	if (!rc && o->policy && !out->target[FORECAST_BURST])
		rc = err_set(EINVAL, "a policy goes by bursts: they have to be "
				     "among the targets");
	return rc;
}

/* ---- the note ---------------------------------------------------------- */

static struct json *numbers(const double *x, size_t n)
{
	struct json *a = json_array();

	for (size_t i = 0; i < n; i++)
		json_add(a, json_number(x[i]));
	return a;
}

static struct json *interval_json(const struct interval *i)
{
	const double ends[] = {i->lo, i->hi};

	return numbers(ends, 2);
}

static struct json *contender_json(const struct train_part *p, unsigned who)
{
	const struct score *s = &p->score[who];
	struct json *v = json_object();

	json_set_string(v, "name", train_name(who));
	json_set_number(v, "error", s->error);
	if (s->error_ns > 0)
		json_set_number(v, "error_ns", s->error_ns);
	json_set_number(v, "rank", s->rank);
	json_set_number(v, "ratio", p->ratio[who].mid);
	json_set(v, "ci95", interval_json(&p->ratio[who]));
	json_set_number(v, "miscalibrated", s->miscalibrated);
	json_set(v, "foretold", numbers(s->foretold, SCORE_DECILES));
	json_set(v, "came", numbers(s->came, SCORE_DECILES));
	return v;
}

static struct json *target_json(const struct train_part *p,
				enum forecast_target t)
{
	struct json *v = json_object(), *all = json_array();

	json_set_string(v, "target", forecast_target_name(t));
	json_set_string(v, "model", forecast_kind_name(p->chosen));
	json_set_bool(v, "beats", p->beats);
	json_set_number(v, "learned", (double)p->learned);
	json_set_number(v, "held_out", (double)p->held);
	json_set_string(v, "best_guess", train_name(p->best));
	json_set_number(v, "ratio_best", p->ratio_best.mid);
	json_set(v, "ratio_best_ci95", interval_json(&p->ratio_best));
	json_set_number(v, "bound", p->bound / FORECAST_ONE);
	for (unsigned who = 0; who < TRAIN_COUNT; who++)
		if (p->tried[who])
			json_add(all, contender_json(p, who));
	json_set(v, "contenders", all);
	return v;
}

static void say_part(struct buf *b, const struct train_part *p,
		     enum forecast_target t)
{
	const char *unit = t == FORECAST_CLASS ? "wrong" : "log2";
	unsigned who = train_contender(p->chosen);
	const struct interval *r = &p->ratio[who];

	buf_printf(b, "%s%s: ", b->len ? "; " : "", forecast_target_name(t));
	if (!p->held) {
		buf_puts(b, "too few bursts");
		return;
	}
	buf_printf(b,
		   "%s by %s (error %.3f %s, the exponential average's %.3f: "
		   "%.0f %% of it, 95 %% interval %.0f to %.0f)",
		   p->beats ? "foretold better" : "not foretold better",
		   forecast_kind_name(p->chosen), p->score[who].error, unit,
		   p->score[GUESS_AVERAGE].error, 100 * r->mid, 100 * r->lo,
		   100 * r->hi);
	if (p->best != GUESS_AVERAGE)
		buf_printf(b, ", %.0f %% (%.0f to %.0f) of that of '%s'",
			   100 * p->ratio_best.mid, 100 * p->ratio_best.lo,
			   100 * p->ratio_best.hi, train_name(p->best));
}

/* Returns what it says of the training, lent. */
static struct json *describe(struct training *t, const struct trainer_opts *to,
			     const struct train_opts *o, const struct rows *r,
			     struct json *files)
{
	struct json *v = json_object(), *all = json_array();
	struct buf text;

	buf_init(&text, TEXT_MAX);
	for (int i = 0; i < FORECAST_TARGETS; i++) {
		enum forecast_target target = (enum forecast_target)i;

		if (!o->target[i])
			continue;
		say_part(&text, &t->part[i], target);
		if (t->part[i].held)
			json_add(all, target_json(&t->part[i], target));
	}
	if (to->policy && !t->part[FORECAST_BURST].beats)
		buf_puts(&text, "; no policy is proposed, for it would go by "
				"what is foretold of bursts");
	t->body = json_object();
	json_set_string(t->body, "text", text.data);
	json_set(v, "recordings", files);
	json_set_number(v, "bursts", (double)r->n);
	json_set_number(v, "every", (double)r->every);
	if (o->holdout_pct > 0)
		json_set_number(v, "holdout_pct", o->holdout_pct);
	json_set_number(v, "feature_version", o->feature_version);
	json_set(v, "targets", all);
	buf_release(&text);
	return json_set(t->body, "training", v);
}

static int write_model(const char *path, const struct forecast *m,
		       struct json *training)
{
	char digest[DIGEST_HEX_LEN];
	struct json *v = json_object();
	int rc = forecast_write(path, m);

	if (!rc)
		rc = digest_file_hex(path, digest);
	if (!rc) {
		json_set_string(v, "path", path);
		json_set_string(v, "sha256", digest);
		json_set_number(v, "bytes", sizeof(*m));
		json_set(training, "model", v);
		return 0;
	}
	json_free(v);
	return rc;
}

/* ---- all of it --------------------------------------------------------- */

static int read_file(const char *path, uint32_t from, struct rows *r,
		     struct json *files)
{
	struct recording is;
	struct json *v;
	int rc = recording_read(path, from, r, &is);

	if (rc)
		return rc;
	v = json_add(files, json_object());
	json_set_string(v, "path", path);
	json_set_number(v, "bursts", (double)is.bursts);
	json_set_number(v, "lost", (double)is.lost);
	json_set_number(v, "torn_bytes", (double)is.torn);
	return 0;
}

int trainer_train(const struct trainer_opts *o, char *const *files, size_t n,
		  struct training *out)
{
	struct forecast *m = mem_zalloc(1, sizeof(*m));
	struct json *read = json_array(), *training = NULL;
	struct train_opts opts;
	struct rows rows = {0};
	int rc;

	memset(out, 0, sizeof(*out));
	rc = trainer_read_opts(o, &opts);
	for (size_t i = 0; i < n && !rc; i++)
		rc = read_file(files[i], (uint32_t)i, &rows, read);
	if (!rc && o->check)
		rc = forecast_read(o->check, m);
	if (!rc)
		rc = o->check ? train_check(&rows, &opts, m, out->part)
			      : train(&rows, &opts, m, out->part);
	if (!rc) {
		training = describe(out, o, &opts, &rows, read);
		read = NULL;
		for (int t = 0; t < FORECAST_TARGETS; t++)
			out->beats |= out->part[t].beats;
	}
	if (!rc && o->check)
		json_set_string(training, "checked", o->check);
	if (!rc && out->beats && o->output)
		rc = write_model(o->output, m, training);
	if (!rc && out->beats && !o->check) {
		out->model = m;
		m = NULL;
	}
	json_free(read);
	rows_release(&rows);
	free(m);
	return rc;
}

bool training_has_bursts(const struct training *t)
{
	return t->model && t->model->part[FORECAST_BURST].kind != FORECAST_NONE;
}

void training_release(struct training *t)
{
	json_free(t->body);
	free(t->model);
	*t = (struct training){0};
}
