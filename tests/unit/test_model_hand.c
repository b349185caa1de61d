/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A model on its way to a policy that is attached, and what comes back. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "agents/attacher_parts.h"
#include "base/err.h"
#include "base/mem.h"
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
};

static void hears(struct attacher *a, const char *lines)
{
	buf_puts(&a->in, lines);
	attacher_take_lines(a);
}

static int setup(void **state)
{
	struct world *w = mem_zalloc(1, sizeof(*w));
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pthread_mutex_init(&w->a.lock, NULL);
	pthread_cond_init(&w->a.news, NULL);
	buf_init(&w->a.in, 1 << 16);
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
		cmocka_unit_test_setup_teardown(test_notes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
