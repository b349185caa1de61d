/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A model on its way to a policy that is attached, and what comes back. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "agents/attacher/parts.h"
#include "agents/attacher/supplier.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "learn/forecast.h"

static void good(struct forecast *m)
{
	forecast_init(m, FEATURE_VERSION, FEATURE_COUNT);
	m->part[FORECAST_BURST].kind = FORECAST_LINEAR;
	m->part[FORECAST_BURST].weight[FEATURE_BURST_MEAN] = 1
							     << FORECAST_SHIFT;
}

/* ---- what is said ------------------------------------------------------ */

/* Who asks, and the other end of its socket. */
struct world {
	struct attacher a;
	int other;
	pthread_t thread;
	const char *answer;
	char byte;
	struct forecast got;
	unsigned int contexts;
};

static void hears(struct attacher *a, const char *lines)
{
	char *copy = mem_strdup(lines), *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		attacher_take_line(a, line);
	free(copy);
}

static int setup(void **state)
{
	struct world *w = mem_zalloc(1, sizeof(*w));
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pthread_mutex_init(&w->a.lock, NULL);
	pthread_cond_init(&w->a.news, NULL);
	answers_init(&w->a.answers, pair[0]);
	w->a.request = mem_zalloc(1, sizeof(*w->a.request));
	w->a.end = mem_zalloc(1, sizeof(*w->a.end));
	w->a.child.fd = pair[0];
	w->other = pair[1];
	hears(&w->a, "attached test\n");
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	close(w->other);
	w->a.done = true;
	attacher_release(&w->a);
	free(w);
	return 0;
}

static void test_learned(void **state)
{
	struct world *w = *state;
	struct learned_report r;

	assert_false(attacher_learned(&w->a, &r));
	hears(&w->a, "time 17\nlearned 3 2 100 4000 50 60 70 1 2 3900\n");
	assert_true(attacher_learned(&w->a, &r));
	assert_int_equal(r.generation, 3);
	assert_int_equal(r.state, LEARNED_FOLLOW);
	assert_true(r.since == 100 && r.bursts == 4000 && r.error == 50 &&
		    r.average_error == 60 && r.weight == 70 && r.trips == 1 &&
		    r.apart == 2 && r.follow == 3900);
	/* What is not understood changes nothing. */
	hears(&w->a, "learned 4 2 100\nlearned\nlearned 4 9 1 1 1 1 1 1 1 1\n"
		     "learned x 2 1 1 1 1 1 1 1 1\n");
	assert_true(attacher_learned(&w->a, &r));
	assert_int_equal(r.generation, 3);
}

/* Reads what it is handed, and says what it is to say. */
static void *hold(void *arg)
{
	struct world *w = arg;

	assert_int_equal(recv(w->other, &w->byte, 1, MSG_WAITALL), 1);
	if (w->byte == LOAD_MODEL)
		assert_int_equal(
			recv(w->other, &w->got, sizeof(w->got), MSG_WAITALL),
			sizeof(w->got));
	pthread_mutex_lock(&w->a.lock);
	hears(&w->a, w->answer);
	pthread_cond_broadcast(&w->a.news);
	pthread_mutex_unlock(&w->a.lock);
	return NULL;
}

static int hands(struct world *w, const struct forecast *m, const char *answer,
		 uint32_t *generation)
{
	int rc;

	w->answer = answer;
	pthread_create(&w->thread, NULL, hold, w);
	rc = attacher_model(&w->a, m, generation);
	pthread_join(w->thread, NULL);
	return rc;
}

static void test_handed(void **state)
{
	struct world *w = *state;
	struct learned_report r;
	struct forecast m;
	uint32_t n;

	good(&m);
	hears(&w->a, "learned 1 2 0 100 1 1 1 3 0 0\n");
	assert_int_equal(hands(w, &m, "model 2\n", &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(w->byte, LOAD_MODEL);
	assert_memory_equal(&w->got, &m, sizeof(m));
	/* What was said of the one before is not of this one. */
	assert_false(attacher_learned(&w->a, &r));
	hears(&w->a, "learned 2 1 0 0 0 0 0 0 0 0\n");
	assert_true(attacher_learned(&w->a, &r));
	assert_int_equal(r.state, LEARNED_TRIAL);
}

static void test_refused(void **state)
{
	struct world *w = *state;
	struct learned_report r;
	struct forecast m;
	uint32_t n;

	good(&m);
	hears(&w->a, "learned 1 2 0 100 1 1 1 3 0 0\n");
	assert_int_equal(hands(w, &m, "unlearned EINVAL it is so so\n", &n),
			 -EINVAL);
	assert_string_equal(err_text(), "it is so so");
	/* The one before stays, and is what is told about. */
	assert_true(attacher_learned(&w->a, &r));
	assert_null(w->a.model);
	assert_int_equal(hands(w, &m, "model 2\n", &n), 0);
}

static void test_dropped(void **state)
{
	struct world *w = *state;
	struct learned_report r;
	struct forecast m;
	uint32_t n;

	good(&m);
	hears(&w->a, "learned 1 3 0 100 1 1 1 3 0 0\n");
	assert_int_equal(hands(w, &m, "model 2\n", &n), 0);
	assert_int_equal(hands(w, NULL, "model 0\n", &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(w->byte, LOAD_UNMODEL);
	assert_false(attacher_learned(&w->a, &r));
	hears(&w->a, "learned 0 0 0 0 0 0 0 0 0 0\n");
	assert_true(attacher_learned(&w->a, &r));
}

/* The kernel had it loaded anew: it gets what the one before had. */
static void test_again(void **state)
{
	struct world *w = *state;
	struct forecast m;
	uint32_t n;

	good(&m);
	assert_int_equal(hands(w, &m, "model 2\n", &n), 0);
	attacher_hand_again(&w->a);
	memset(&w->got, 0, sizeof(w->got));
	assert_int_equal(recv(w->other, &w->byte, 1, MSG_WAITALL), 1);
	assert_int_equal(w->byte, LOAD_MODEL);
	assert_int_equal(recv(w->other, &w->got, sizeof(w->got), MSG_WAITALL),
			 sizeof(w->got));
	assert_memory_equal(&w->got, &m, sizeof(m));
	hears(&w->a, "model 1\n");
	assert_int_equal(hands(w, NULL, "model 0\n", &n), 0);
	attacher_hand_again(&w->a);
	assert_int_equal(recv(w->other, &w->byte, 1, MSG_WAITALL), 1);
	assert_int_equal(w->byte, LOAD_UNMODEL);
}

static void test_gone(void **state)
{
	struct world *w = *state;
	struct feature_context c = {.load = 1};
	struct forecast m;
	uint32_t n;

	good(&m);
	close(w->a.child.fd);
	w->a.child.fd = -1;
	assert_int_equal(attacher_model(&w->a, &m, &n), -EAGAIN);
	attacher_context(&w->a, &c);
}

static void test_context(void **state)
{
	struct world *w = *state;
	struct feature_context c = {1, 2, 3, 4}, got;

	attacher_context(&w->a, &c);
	assert_int_equal(recv(w->other, &w->byte, 1, MSG_WAITALL), 1);
	assert_int_equal(w->byte, LOAD_CONTEXT);
	assert_int_equal(recv(w->other, &got, sizeof(got), MSG_WAITALL),
			 sizeof(got));
	assert_memory_equal(&got, &c, sizeof(c));
}

/* One that is stopped is not waited for, whatever there is for it. */
static void test_stuck(void **state)
{
	struct world *w = *state;
	struct intent_rules *r = mem_zalloc(1, sizeof(*r));
	struct feature_context c = {1, 2, 3, 4};
	struct forecast m;
	uint32_t n;

	good(&m);
	r->size = sizeof(*r);
	alarm(30);
	for (int i = 0; i < 3; i++)
		assert_int_equal(attacher_declare(&w->a, r, &n), -EAGAIN);
	assert_int_equal(attacher_model(&w->a, &m, &n), -EAGAIN);
	for (int i = 0; i < 2000; i++)
		attacher_context(&w->a, &c);
	alarm(0);
	free(r);
}

static void test_notes(void **state)
{
	struct world *w = *state;
	struct json *v;

	assert_null(attacher_notes(&w->a));
	attacher_note(&w->a, json_object());
	attacher_note(&w->a, json_object());
	v = attacher_notes(&w->a);
	assert_int_equal(json_len(v), 2);
	json_free(v);
	assert_null(attacher_notes(&w->a));
}

/* ---- what supplies it --------------------------------------------------- */

/* The other end, as long as there is one: takes each model, and says so. */
static void *follow(void *arg)
{
	struct world *w = arg;
	struct feature_context c;
	uint32_t generation = 0;
	char words[128];
	char byte;

	while (recv(w->other, &byte, 1, MSG_WAITALL) == 1) {
		words[0] = '\0';
		if (byte == LOAD_CONTEXT) {
			recv(w->other, &c, sizeof(c), MSG_WAITALL);
		} else if (byte == LOAD_UNMODEL) {
			snprintf(words, sizeof(words), "model 0\n");
		} else if (byte == LOAD_MODEL) {
			recv(w->other, &w->got, sizeof(w->got), MSG_WAITALL);
			generation++;
			snprintf(words, sizeof(words),
				 "model %u\nlearned %u 2 0 0 0 0 0 0 0 0\n",
				 generation, generation);
		}
		pthread_mutex_lock(&w->a.lock);
		if (byte == LOAD_CONTEXT)
			w->contexts++;
		else
			w->byte = byte;
		hears(&w->a, words);
		pthread_cond_broadcast(&w->a.news);
		pthread_mutex_unlock(&w->a.lock);
	}
	return NULL;
}

static void says(struct world *w, const char *lines)
{
	pthread_mutex_lock(&w->a.lock);
	hears(&w->a, lines);
	pthread_mutex_unlock(&w->a.lock);
}

/* The next note has this event, and these words are in its text. */
static void tells(struct world *w, const char *event, const char *words)
{
	struct json *v = NULL;

	for (int i = 0; i < 1000 && !v; i++) {
		usleep(10000);
		v = attacher_notes(&w->a);
	}
	if (!v)
		fail_msg("nothing is told of '%s'", event);
	assert_int_equal(json_len(v), 1);
	assert_string_equal(json_text_at(json_at(v, 0), "model.event"), event);
	if (!strstr(json_text_at(json_at(v, 0), "text"), words))
		fail_msg("'%s' is not in: %s", words,
			 json_text_at(json_at(v, 0), "text"));
	json_free(v);
}

static void quiet(struct world *w)
{
	usleep(400000);
	assert_null(attacher_notes(&w->a));
}

static void writes(const char *path, const void *data, size_t len)
{
	char *next = mem_printf("%s.next", path);

	assert_int_equal(path_write_public(next, data, len), 0);
	assert_int_equal(rename(next, path), 0);
	free(next);
}

/* A model of its own, and the digest of it. */
static void writes_model(const char *path, int32_t bias,
			 char sha256[static DIGEST_HEX_LEN])
{
	char *next = mem_printf("%s.next", path);
	struct forecast m;

	good(&m);
	m.part[FORECAST_BURST].bias = bias;
	digest_hex(&m, sizeof(m), sha256);
	assert_int_equal(forecast_write(next, &m), 0);
	assert_int_equal(rename(next, path), 0);
	free(next);
}

static void test_supplied(void **state)
{
	char folder[] = "/tmp/test-model-XXXXXX", sha256[DIGEST_HEX_LEN];
	struct world *w = *state;
	struct supplier *s;
	char *file, *record;
	struct json *v;
	struct buf b;

	assert_non_null(mkdtemp(folder));
	setenv("SCHEDKIT_RUN", folder, 1);
	file = mem_printf("%s/model", folder);
	record = mem_printf("%s/model.json", folder);
	writes_model(file, 1, sha256);
	hears(&w->a, "learned 1 2 0 0 0 0 0 0 0 0\n");
	pthread_create(&w->thread, NULL, follow, w);
	/* The policy has that one already. */
	s = supplier_new(&w->a, file, sha256);
	assert_non_null(s);
	quiet(w);
	assert_int_equal(w->byte, 0);
	assert_true(w->contexts > 0);

	writes_model(file, 2, sha256);
	tells(w, "swapped", "in place of");
	assert_int_equal(w->got.part[FORECAST_BURST].bias, 2);
	/* A damaged one is told of once, and changes nothing. */
	writes(file, &w->got, sizeof(w->got) / 2);
	tells(w, "refused", "it is no model: the model before stays");
	quiet(w);
	unlink(file);
	tells(w, "refused", "No such file");
	quiet(w);
	/* Nor does the same one, when it is back. */
	writes_model(file, 2, sha256);
	quiet(w);

	says(w, "learned 1 3 0 300 30000 300 300 1 0 0\n");
	tells(w, "braked", "was braked, the first time");
	says(w, "learned 1 3 0 300 30000 300 300 3 0 0\n");
	tells(w, "retired", "the policy goes on without one");
	assert_int_equal(w->byte, LOAD_UNMODEL);
	says(w, "learned 0 0 0 0 0 0 0 0 0 0\n");
	quiet(w);
	buf_init(&b, 1 << 16);
	assert_int_equal(buf_read_file(&b, record), 0);
	v = json_parse(b.data, b.len);
	assert_string_equal(json_text_at(v, "state"), "retired");
	assert_string_equal(json_text_at(v, "sha256"), sha256);
	assert_string_equal(json_text_at(v, "alarm"),
			    "it was braked 3 times within an hour");
	json_free(v);
	buf_release(&b);

	writes_model(file, 3, sha256);
	tells(w, "swapped", "generation 2");
	supplier_free(s);
	shutdown(w->a.child.fd, SHUT_RDWR);
	pthread_join(w->thread, NULL);
	unlink(record);
	unlink(file);
	rmdir(folder);
	free(record);
	free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_learned, setup, teardown),
		cmocka_unit_test_setup_teardown(test_handed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dropped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_context, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stuck, setup, teardown),
		cmocka_unit_test_setup_teardown(test_notes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_supplied, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
