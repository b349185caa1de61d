/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exchanges over real sockets, and the clocks of those that hang. */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "llm/provider.h"
#include "llm/transfer.h"
#include "llm/url.h"

/* ---- the other side --------------------------------------------------- */

/* Says first, waits as long as it is listened to, says then and hangs up: to
 * each that connects. */
struct script {
	const char *first, *then;
	int pause_ms;
	bool deaf; /* the connection stays in the backlog */
};

struct server {
	struct script script;
	int fd;
	char url[64];
	pthread_t thread;
	atomic_int talking; /* threads that look at this */
	char heard[4096];   /* of the last one, NUL-terminated */
};

struct talk {
	struct server *server;
	int fd;
};

static void *serve_one(void *arg)
{
	struct talk *t = arg;
	struct server *server = t->server;
	const struct script *s = &server->script;
	size_t n = 0;
	struct pollfd gone = {.fd = t->fd, .events = POLLRDHUP};
	ssize_t got;
	char text[4096];

	do {
		got = read(t->fd, text + n, sizeof(text) - 1 - n);
		n += got > 0 ? (size_t)got : 0;
		text[n] = '\0';
	} while (got > 0 && !strstr(text, "\r\n\r\n"));
	memcpy(server->heard, text, n + 1);
	io_write(t->fd, s->first, strlen(s->first));
	poll(&gone, 1, s->pause_ms);
	io_write(t->fd, s->then, strlen(s->then));
	close(t->fd);
	free(t);
	server->talking--;
	return NULL;
}

static void *serve(void *arg)
{
	struct server *s = arg;
	pthread_t thread;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		struct talk *t = mem_zalloc(1, sizeof(*t));

		t->server = s;
		t->fd = fd;
		s->talking++;
		pthread_create(&thread, NULL, serve_one, t);
		pthread_detach(thread);
	}
	return NULL;
}

static struct server *server_start(struct script script)
{
	struct server *s = mem_zalloc(1, sizeof(*s));
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);

	s->script = script;
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s->fd, 64), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &n), 0);
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d/v1",
		 ntohs(a.sin_port));
	if (!script.deaf)
		pthread_create(&s->thread, NULL, serve, s);
	return s;
}

static void server_stop(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	if (!s->script.deaf)
		pthread_join(s->thread, NULL);
	close(s->fd);
	while (s->talking)
		usleep(1000);
	free(s);
}

/* ---- one exchange ----------------------------------------------------- */

#define OK(n, body)                                                         \
	"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " n \
	"\r\n\r\n" body

/* On a busy machine it may take a while until who answers gets to it: a test
 * of a clock sets that clock alone. */
static const struct llm_limits limits = {
	.connect_s = 20,
	.first_byte_s = 20,
	.idle_s = 20,
	.total_s = 60,
	.max_bytes = 4096,
};

/* That often it is tried again what must be done in time: something else may
 * have had the CPU. */
#define TRIES 20

struct outcome {
	int error;
	long status;
	const char *text; /* within t->text */
	double least_s;
	double most_s; /* in one of TRIES */
};

static struct transfer *run(struct transfer_loop *l, const struct server *s,
			    const struct transfer_request *like,
			    const struct outcome *want, double *took)
{
	struct transfer_request q = *like;
	double start = clock_monotonic();
	struct transfer *t;

	q.url = s->url;
	assert_int_equal(transfer_start(l, &q, &t), 0);
	while (!t->done)
		transfer_loop_step(l, 3600, NULL, 0);
	*took = clock_monotonic() - start;
	if (t->error != want->error || t->status != want->status ||
	    (want->text && !strstr(t->text, want->text)))
		fail_msg("error %d, status %ld, '%s'", t->error, t->status,
			 t->text);
	if (*took < want->least_s)
		fail_msg("'%s' after %g s", t->text, *took);
	return t;
}

/* How long it took. */
static double try_once(struct script script, const struct transfer_request *q,
		       const struct outcome *want)
{
	struct server *s = server_start(script);
	struct transfer_loop *l;
	double took;

	assert_int_equal(transfer_loop_new(&l), 0);
	transfer_free(run(l, s, q, want, &took));
	transfer_loop_free(l);
	server_stop(s);
	return took;
}

static void expect(struct script script, const struct transfer_request *q,
		   struct outcome want)
{
	double took = INFINITY;

	for (int i = 0; i < TRIES && took > want.most_s; i++)
		took = try_once(script, q, &want);
	if (took > want.most_s)
		fail_msg("after %g s, not %g", took, want.most_s);
}

static void test_answer(void **state)
{
	static const char *const headers[] = {"X-Mine: yes", NULL};
	struct server *s = server_start((struct script){
		"HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n",
		"HTTP/1.1 201 Made\r\nx-late:  2 \r\nContent-Length: 2\r\n\r\n"
		"hi",
		10, false});
	struct transfer_request q = {
		.headers = headers, .body = "{}", .limits = limits};
	struct outcome want = {0, 201, NULL, 0, INFINITY};
	double took;
	struct transfer_loop *l;
	struct transfer *t;

	(void)state;
	assert_int_equal(transfer_loop_new(&l), 0);
	t = run(l, s, &q, &want, &took);
	assert_string_equal(t->body.data, "hi");
	assert_null(header_get(&t->headers, "X-Early"));
	assert_non_null(header_get(&t->headers, "X-Late"));
	assert_ptr_equal(strstr(s->heard, "POST /v1 HTTP/1.1\r\n"), s->heard);
	assert_non_null(strstr(s->heard, "X-Mine: yes\r\n"));
	assert_null(strstr(s->heard, "Expect:"));
	transfer_free(t);
	transfer_loop_free(l);
	server_stop(s);
}

static void test_clocks(void **state)
{
	struct transfer_request q = {.limits = limits};

	(void)state;
	q.limits.first_byte_s = 0.3;
	expect((struct script){"", "", 20000, false}, &q,
	       (struct outcome){-ETIMEDOUT, 0, "no answer within 0.3 s", 0.3,
				0.7});
	/* Headers alone are no answer yet; they have to come, though. */
	q.limits.first_byte_s = 1;
	expect((struct script){"HTTP/1.1 200 OK\r\n\r\n", "", 20000, false}, &q,
	       (struct outcome){-ETIMEDOUT, 200, "no answer within 1 s", 1,
				1.4});
	q.limits = limits;
	q.limits.idle_s = 0.2;
	expect((struct script){OK("9", "begun"), "", 20000, false}, &q,
	       (struct outcome){-ETIMEDOUT, 200, "stopped coming for 0.2 s",
				0.2, 0.6});
	q.limits = limits;
	q.limits.total_s = 0.1;
	expect((struct script){"", "", 20000, false}, &q,
	       (struct outcome){-ETIMEDOUT, 0, "no complete answer within 0.1",
				0.1, 0.4});
	/* Taken by the kernel and by nobody else. */
	expect((struct script){"", "", 0, true}, &q,
	       (struct outcome){-ETIMEDOUT, 0, "within 0.1", 0.1, 0.4});
}

static void test_broken(void **state)
{
	struct transfer_request q = {.limits = limits};
	char *big = mem_zalloc(1, 6000);

	(void)state;
	expect((struct script){"", "", 0, false}, &q,
	       (struct outcome){-EPIPE, 0, NULL, 0, 1});
	expect((struct script){OK("9", "begun"), "", 0, false}, &q,
	       (struct outcome){-EPIPE, 200, NULL, 0, 1});
	expect((struct script){"SSH-2.0-x\r\n", "", 0, false}, &q,
	       (struct outcome){-EPROTO, 0, NULL, 0, 1});
	snprintf(big, 6000, "%s%05000d", OK("5000", ""), 0);
	expect((struct script){big, "", 0, false}, &q,
	       (struct outcome){-EMSGSIZE, 200, "4096", 0, 1});
	/* Headers count, too. */
	snprintf(big, 6000, "HTTP/1.1 200 OK\r\nX: %05000d\r\n\r\n", 0);
	expect((struct script){big, "", 0, false}, &q,
	       (struct outcome){-EMSGSIZE, 200, "4096", 0, 1});
	free(big);
	expect((struct script){"HTTP/1.1 302 Found\r\nLocation: http://"
			       "127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
			       "", 0, false},
	       &q, (struct outcome){0, 302, NULL, 0, 1});
}

/* ---- cancelled, enough ------------------------------------------------ */

static volatile sig_atomic_t cancelled;

static void *cancel_soon(void *arg)
{
	double *at = arg;

	usleep(150000);
	*at = clock_monotonic();
	cancelled = 1;
	return NULL;
}

/* How late it was noticed. */
static double try_cancel(void)
{
	const struct transfer_request q = {.limits = limits,
					   .cancel = &cancelled};
	const struct outcome want = {-EINTR, 0, "cancelled", 0, 0};
	struct server *s = server_start((struct script){"", "", 20000, false});
	struct transfer_loop *l;
	pthread_t thread;
	double at, took, end;

	cancelled = 0;
	assert_int_equal(transfer_loop_new(&l), 0);
	pthread_create(&thread, NULL, cancel_soon, &at);
	transfer_free(run(l, s, &q, &want, &took));
	end = clock_monotonic();
	pthread_join(thread, NULL);
	transfer_loop_free(l);
	server_stop(s);
	return end - at;
}

static void test_cancel(void **state)
{
	double late = INFINITY;

	(void)state;
	for (int i = 0; i < TRIES && late > 0.15; i++)
		late = try_cancel();
	assert_true(late <= 0.15);
}

static int take(void *arg, const struct transfer *t, const char *p, size_t n)
{
	int *result = arg;

	assert_non_null(header_get(&t->headers, "Content-Type"));
	assert_true(n >= 5 && !memcmp(p, "begun", 5));
	if (*result < 0)
		err_set(EBADMSG, "not this");
	return *result;
}

static void test_data(void **state)
{
	int result = 1;
	struct transfer_request q = {
		.limits = limits, .data = take, .arg = &result};

	(void)state;
	expect((struct script){OK("9", "begun"), "", 20000, false}, &q,
	       (struct outcome){0, 200, NULL, 0, 0.2});
	result = -EBADMSG;
	expect((struct script){OK("9", "begun"), "", 20000, false}, &q,
	       (struct outcome){-EBADMSG, 200, "not this", 0, 0.2});
}

/* ---- many in one loop ------------------------------------------------- */

/* How long many took. */
static double try_many(void)
{
	enum { MANY = 32 };
	struct server *slow = server_start(
		(struct script){"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
				"hi", 200, false});
	struct server *hung =
		server_start((struct script){"", "", 20000, false});
	struct transfer *t[MANY];
	struct transfer_loop *l;
	double start = clock_monotonic(), took;

	assert_int_equal(transfer_loop_new(&l), 0);
	for (int i = 0; i < MANY; i++) {
		struct transfer_request q = {
			.url = i % 4 ? slow->url : hung->url, .limits = limits};

		q.limits.first_byte_s = i % 4 ? 20 : 0.3;
		assert_int_equal(transfer_start(l, &q, &t[i]), 0);
	}
	/* One goes before it is done. */
	transfer_free(t[1]);
	while (transfer_loop_step(l, 1, NULL, 0))
		assert_true(clock_monotonic() - start < 30);
	took = clock_monotonic() - start;
	for (int i = 0; i < MANY; i++) {
		if (i == 1)
			continue;
		assert_true(t[i]->done);
		assert_int_equal(t[i]->error, i % 4 ? 0 : -ETIMEDOUT);
		transfer_free(t[i]);
	}
	transfer_loop_free(l);
	server_stop(slow);
	server_stop(hung);
	return took;
}

/* All beside each other. */
static void test_many(void **state)
{
	double took = INFINITY;

	(void)state;
	for (int i = 0; i < TRIES && took >= 1.5; i++)
		took = try_many();
	assert_true(took < 1.5);
}

/* ---- addresses -------------------------------------------------------- */

static void test_addresses(void **state)
{
	static const char *const good[][2] = {
		{"https://api.openai.com/v1", "api.openai.com"},
		{"HTTPS://example.com:8443", "example.com:8443"},
		{"http://127.0.0.1:8080/v1", "127.0.0.1:8080"},
		{"http://127.9.9.9/", "127.9.9.9"},
		{"http://[::1]:80/v1", "[::1]:80"},
		{"http://localhost:1", "localhost:1"},
		{"http://LOCALHOST:1", "LOCALHOST:1"},
	};
	static const char *const bad[] = {
		"",
		"example.com",
		"ftp://127.0.0.1/",
		"file:///etc/passwd",
		"gopher://127.0.0.1/",
		"http://example.com/v1",
		"http://10.0.0.1/v1",
		"http://localhost.example.com/",
		"http://127.0.0.1.example.com/",
		"http://127.0.0.1@example.com/",
		"http://[::2]/",
		"http://[::ffff:10.0.0.1]/",
		"https://user:secret@example.com/v1",
		"https://user@example.com/v1",
		"https://exa mple.com/",
		"https://",
	};
	char *host;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(url_check(good[i][0], &host), 0);
		assert_string_equal(host, good[i][1]);
		free(host);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (url_check(bad[i], &host) != -EINVAL || host)
			fail_msg("'%s' is taken", bad[i]);
		assert_null(strstr(err_text(), "secret"));
	}
}

static void test_paths(void **state)
{
	static const char *const rows[][3] = {
		{"https://a.b/v1", "/models", "https://a.b/v1/models"},
		{"https://a.b/v1/", "/models", "https://a.b/v1/models"},
		{"https://a.b/v1//", "/models", "https://a.b/v1/models"},
		{"https://a.b", "/models", "https://a.b/models"},
		{"https://a.b/x?api-version=1", "/models",
		 "https://a.b/x/models?api-version=1"},
		{"https://a.b/x#m", "/models", "https://a.b/x/models"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *got = url_join(rows[i][0], rows[i][1]);

		assert_string_equal(got, rows[i][2]);
		free(got);
	}
}

static int quiet(void **state)
{
	(void)state;
	/* A proxy would be asked for these: it must not be. */
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	return signal(SIGPIPE, SIG_IGN) == SIG_ERR;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer),	  cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_broken),	  cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_data),	  cmocka_unit_test(test_many),
		cmocka_unit_test(test_addresses), cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, quiet, NULL);
}
