/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy that carries a model: what it may say, and what is made of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "doc/doc.h"
#include "learn/forecast.h"
#include "policy/image.h"
#include "policy/model.h"
#include "policy/object.h"
#include "policy/policy.h"
#include "sim/load.h"
#include "sim/sim.h"

struct world {
	struct forecast *m;
	struct json *body;
	struct policy_image *image;
};

static struct json *body_of(const struct forecast *m)
{
	static const char text[] =
		"{\"form\":\"params\",\"title\":\"t\",\"why\":\"w\","
		"\"uses\":[\"behaviour\"],\"params\":{\"order\":\"predicted\","
		"\"slice\":\"predicted\"}}";
	struct json *body = json_parse(text, sizeof(text) - 1);

	assert_non_null(body);
	json_set(body, "model", policy_model_json(m));
	return body;
}

static int setup(void **state)
{
	struct world *w = mem_zalloc(1, sizeof(*w));
	struct forecast_part *p;

	w->m = mem_zalloc(1, sizeof(*w->m));
	forecast_init(w->m, FEATURE_VERSION, FEATURE_COUNT);
	p = &w->m->part[FORECAST_BURST];
	p->kind = FORECAST_LINEAR;
	p->weight[FEATURE_BURST_LAST] = 1 << FORECAST_SHIFT;
	w->body = body_of(w->m);
	w->image = mem_zalloc(1, sizeof(*w->image));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	json_free(w->body);
	free(w->m);
	free(w->image);
	free(w);
	return 0;
}

static void refuses(const struct json *body, const char *words)
{
	struct forecast *m = mem_zalloc(1, sizeof(*m));
	static const struct forecast none;

	err_clear();
	assert_int_equal(policy_model_read(body, m), -EINVAL);
	if (!strstr(err_text(), words))
		fail_msg("'%s' is not in '%s'", words, err_text());
	assert_memory_equal(m, &none, sizeof(none));
	free(m);
}

/* As somebody would who cannot make a digest, or who can. */
static void set_data(struct json *body, const struct forecast *m)
{
	json_set(body, "model", policy_model_json(m));
}

static void test_there_and_back(void **state)
{
	struct world *w = *state;
	struct forecast *m = mem_zalloc(1, sizeof(*m));

	assert_true(policy_has_model(w->body));
	assert_int_equal(doc_check("policy", w->body), 0);
	assert_int_equal(policy_model_read(w->body, m), 0);
	assert_memory_equal(m, w->m, sizeof(*m));
	free(m);
}

static void test_words_must_be_those_of_the_data(void **state)
{
	struct world *w = *state;
	struct json *model = (struct json *)json_get(w->body, "model");

	json_set_number(model, "feature_version", FEATURE_VERSION + 1);
	refuses(w->body, "model.feature_version: 2 is not that of the data");
	set_data(w->body, w->m);
	model = (struct json *)json_get(w->body, "model");
	json_set_string(model, "sha256", "00");
	refuses(w->body, "model.sha256: it is not that of the data");
	json_remove(model, "sha256");
	refuses(w->body, "model.sha256");
	json_set_string(w->body, "form", "hooks");
	refuses(w->body, "model: only a policy of form 'params'");
	json_set_string(w->body, "model", "a word");
	json_set_string(w->body, "form", "params");
	refuses(w->body, "model.data: it is no model");
}

/* Every byte of a file counts; its length, too. */
static void test_damaged_data(void **state)
{
	struct world *w = *state;
	struct json *model = (struct json *)json_get(w->body, "model");
	char *good = mem_strdup(json_text_at(model, "data"));
	size_t len = strlen(good);

	for (size_t i = 0; i < len; i += 61) {
		char *bad = mem_strdup(good);

		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		json_set_string(model, "data", bad);
		refuses(w->body, "model.data: ");
		strcpy(bad, good);
		bad[i] = '\0';
		json_set_string(model, "data", bad);
		refuses(w->body, "model.data: ");
		bad[i] = '*';
		json_set_string(model, "data", bad);
		refuses(w->body, "model.data: the text is no base64");
		free(bad);
	}
	good = mem_realloc(good, len + 5, 1);
	memmove(good + 4, good, len + 1);
	memcpy(good, "AAAA", 4);
	json_set_string(model, "data", good);
	refuses(w->body, "model.data: it is no model");
	free(good);
}

/* Whose digest is right has to mean something nevertheless. */
static void test_what_a_policy_cannot_go_by(void **state)
{
	struct world *w = *state;
	struct forecast_part *p = &w->m->part[FORECAST_BURST];

	w->m->feature_version++;
	set_data(w->body, w->m);
	refuses(w->body, "model.data: it is of 24 features of version 2");
	w->m->feature_version--;
	w->m->features--;
	set_data(w->body, w->m);
	refuses(w->body, "model.data: it is of 23 features");
	w->m->features++;
	p->weight[FEATURE_COUNT] = 1;
	set_data(w->body, w->m);
	refuses(w->body, "model.data: burst: it weighs what is no feature");
	p->weight[FEATURE_COUNT] = 0;
	p->trees = FORECAST_TREES + 1;
	set_data(w->body, w->m);
	refuses(w->body, "model.data: burst: ");
	w->m->part[FORECAST_SLEEP] = *p;
	w->m->part[FORECAST_SLEEP].trees = 0;
	memset(p, 0, sizeof(*p));
	set_data(w->body, w->m);
	refuses(w->body, "model.data: it foretells no bursts");
}

static void test_one_needs_the_other(void **state)
{
	struct world *w = *state;
	struct json *params = (struct json *)json_get(w->body, "params");
	struct policy_params p;

	assert_int_equal(policy_params_read(w->body, &p), 0);
	assert_int_equal(p.order, ORDER_PREDICTED);
	assert_int_equal(p.slack_pct, 400);
	/* Nobody without a body may have thought of it. */
	assert_int_equal(policy_params_check(&p), -EINVAL);
	json_set_string(params, "order", "fifo");
	assert_int_equal(policy_params_read(w->body, &p), 0);
	json_set_string(params, "slice", "fixed");
	assert_int_equal(policy_params_read(w->body, &p), -EINVAL);
	assert_non_null(strstr(err_text(), "model: no parameter goes by it"));
	json_remove(w->body, "model");
	assert_int_equal(policy_params_read(w->body, &p), 0);
	json_set_string(params, "slice", "predicted");
	assert_int_equal(policy_params_read(w->body, &p), -EINVAL);
	assert_non_null(strstr(err_text(), "params.slice: 'predicted' needs"));
	json_set_string(params, "order", "predicted");
	json_set(w->body, "model", json_null());
	assert_int_equal(policy_params_read(w->body, &p), -EINVAL);
	assert_non_null(strstr(err_text(), "params.order: 'predicted' needs"));
}

static void test_uses(void **state)
{
	struct world *w = *state;
	struct forecast_part *p = &w->m->part[FORECAST_BURST];
	struct json *uses = policy_model_uses(w->m);

	assert_int_equal(json_len(uses), 1);
	json_free(uses);
	p->weight[FEATURE_IDENTITY] = -1;
	p->weight[FEATURE_INTENT] = 1;
	uses = policy_model_uses(w->m);
	assert_int_equal(json_len(uses), 3);
	assert_string_equal(json_text_at(uses, "1"), "learned_identity");
	assert_string_equal(json_text_at(uses, "2"), "declared_intent");
	json_free(uses);
	memset(p, 0, sizeof(*p));
	p->kind = FORECAST_BOOSTED;
	p->trees = 1;
	/* Nothing is above that. */
	for (unsigned i = 1; i < FORECAST_NODES; i++)
		p->tree[0].node[i] = 0xffff0000 | 4 * FEATURE_IDENTITY;
	uses = policy_model_uses(w->m);
	assert_int_equal(json_len(uses), 1);
	json_free(uses);
	p->tree[0].node[9] = 0xfffe0000 | 4 * FEATURE_IDENTITY;
	uses = policy_model_uses(w->m);
	assert_int_equal(json_len(uses), 2);
	json_free(uses);
}

/* ---- what is put into an object ---------------------------------------- */

static void digest_of(struct world *w, char out[static DIGEST_HEX_LEN])
{
	assert_int_equal(policy_image_read(w->body, w->image), 0);
	assert_int_equal(policy_image_check(w->image), 0);
	/* The name is made of the whole body: let it not be that. */
	memset(w->image->name, 0, sizeof(w->image->name));
	strcpy(w->image->name, "schedkit");
	policy_image_digest(w->image, out);
}

static void test_the_image_is_over_the_model(void **state)
{
	struct world *w = *state;
	char a[DIGEST_HEX_LEN], b[DIGEST_HEX_LEN];

	digest_of(w, a);
	assert_memory_equal(&w->image->model, w->m, sizeof(*w->m));
	w->m->part[FORECAST_BURST].bias ^= 1;
	set_data(w->body, w->m);
	digest_of(w, b);
	assert_string_not_equal(a, b);
	w->image->model.part[FORECAST_BURST].bias ^= 1;
	policy_image_digest(w->image, b);
	assert_string_equal(a, b);
}

static void test_the_image_is_checked(void **state)
{
	struct world *w = *state;
	struct policy_image *i = w->image;

	assert_int_equal(policy_image_read(w->body, i), 0);
	assert_int_equal(i->has_model, 1);
	i->model.part[FORECAST_BURST].weight[FEATURE_COUNT] = 1;
	assert_int_equal(policy_image_check(i), -EINVAL);
	i->model.part[FORECAST_BURST].weight[FEATURE_COUNT] = 0;
	assert_int_equal(policy_image_check(i), 0);
	i->has_model = 2;
	assert_int_equal(policy_image_check(i), -EINVAL);
	/* A model that nothing goes by, and the other way round. */
	i->has_model = 0;
	assert_int_equal(policy_image_check(i), -EINVAL);
	memset(&i->model, 0, sizeof(i->model));
	assert_int_equal(policy_image_check(i), -EINVAL);
	i->params.order = ORDER_VRUNTIME;
	i->params.slice = SLICE_FIXED;
	assert_int_equal(policy_image_check(i), 0);
	i->model.magic = 1;
	assert_int_equal(policy_image_check(i), -EINVAL);
	json_set_string((struct json *)json_get(w->body, "model"), "data", "");
	assert_int_equal(policy_image_read(w->body, i), -EINVAL);
	assert_non_null(strstr(err_text(), "model.data"));
}

static void test_object(void **state)
{
	struct world *w = *state;
	char *path = policy_object_path(w->body);

	assert_non_null(strstr(path, "/learned.bpf.o"));
	free(path);
	json_remove(w->body, "model");
	path = policy_object_path(w->body);
	assert_non_null(strstr(path, "/policy.bpf.o"));
	free(path);
}

/* ---- in the simulator -------------------------------------------------- */

static void test_simulator(void **state)
{
	struct world *w = *state;
	char *path = policy_object_path(w->body);
	struct sim_opts o = {.seed = 1, .max_events = 300000};
	struct sim_policy *p;
	struct sim_result r;
	struct load *l;

	sim_costs_default(&o.costs);
	assert_int_equal(sim_machine_parse("2", &o.machine), 0);
	assert_int_equal(load_hostile(load_hostile_names[0], 2, 1, &l), 0);
	if (sim_policy_open(path, w->body, 0, &p))
		fail_msg("%s", err_text());
	assert_int_equal(sim_run(&o, p, l, &r), 0);
	assert_int_equal(r.outcome, SIM_DONE);
	sim_result_release(&r);
	/* The next point of a search may be without. */
	assert_int_equal(sim_policy_set(p, NULL), 0);
	assert_int_equal(sim_run(&o, p, l, &r), 0);
	sim_result_release(&r);
	json_set_string((struct json *)json_get(w->body, "model"), "data", "");
	assert_int_equal(sim_policy_set(p, w->body), -EINVAL);
	load_free(l);
	sim_policy_free(p);
	free(path);
}

static void test_the_plain_template_takes_none(void **state)
{
	struct world *w = *state;
	char *path = policy_object_path(NULL);
	struct sim_policy *p;

	assert_int_equal(sim_policy_open(path, w->body, 0, &p), -ENOTSUP);
	assert_non_null(strstr(err_text(), "follows no model"));
	assert_null(p);
	free(path);
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_there_and_back),
		WITH(test_words_must_be_those_of_the_data),
		WITH(test_damaged_data),
		WITH(test_what_a_policy_cannot_go_by),
		WITH(test_one_needs_the_other),
		WITH(test_uses),
		WITH(test_the_image_is_over_the_model),
		WITH(test_the_image_is_checked),
		WITH(test_object),
		WITH(test_simulator),
		WITH(test_the_plain_template_takes_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
