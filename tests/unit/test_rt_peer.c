/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clients of a daemon that says what it should not, or dies over it. */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "rt/ask.h"
#include "rt/client.h"
#include "rt/config.h"
#include "rt/socket.h"

#define PATIENCE_S 20

static char dir[] = "/tmp/test_rt_peer.XXXXXX";
static char *sock;
static struct rt_config config;

/* ---- a daemon of a few lines -------------------------------------------- */

/*
 * "<WORD": it reads a line, which has that word in it; ">LINE": it says that,
 * single quotes standing for double ones; "|": it closes, and serves the next
 * one who comes; "~": it is silent until the other side hangs up.  Behind the
 * last of them it is gone.
 */
static void read_line(int fd, const char *word)
{
	char line[4096] = "";
	size_t n = 0;

	while (n + 1 < sizeof(line) && read(fd, line + n, 1) == 1)
		if (line[n++] == '\n')
			break;
	line[n] = '\0';
	if (strstr(line, word))
		return;
	fprintf(stderr, "'%s' came, not '%s'\n", line, word);
	_exit(1);
}

static void say(int fd, const char *text)
{
	char *line = mem_printf("%s\n", text);
	size_t len = strlen(line);

	for (char *c = line; *c; c++)
		if (*c == '\'')
			*c = '"';
	if (send(fd, line, len, MSG_NOSIGNAL) != (ssize_t)len)
		_exit(2);
	free(line);
}

static int next_one(int listener)
{
	struct pollfd p = {listener, POLLIN, 0};

	poll(&p, 1, -1);
	return accept(listener, NULL, NULL);
}

static void act(int listener, const char *const *script)
{
	int fd = next_one(listener);
	char byte;

	for (; *script; script++) {
		const char *step = *script + 1;

		if (**script == '<')
			read_line(fd, step);
		else if (**script == '>')
			say(fd, step);
		else if (**script == '~')
			while (read(fd, &byte, 1) > 0)
				;
		else if (close(fd) || (fd = next_one(listener)) < 0)
			_exit(3);
	}
	_exit(0);
}

static pid_t peer_start(const char *const *script)
{
	struct sockaddr_un a;
	int fd = rt_socket(sock, &a);
	pid_t pid;

	unlink(sock);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 4), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(PATIENCE_S);
		act(fd, script);
	}
	close(fd);
	return pid;
}

static void peer_end(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define SCRIPT(...)               \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}
#define WELCOME "<hello", ">{'welcome':{'version':1}}"

/* ---- one question -------------------------------------------------------- */

static void test_asking(void **state)
{
	static const struct {
		const char *says; /* NULL: it hangs up */
		int rc;
		const char *words;
	} is[] = {
		{">{'ref':1,'value':{'x':1}}", 0, ""},
		{">{'ref':1,'error':{'errno':'EACCES','text':'not you'}}",
		 -EACCES, "not you"},
		{">{'bye':{'text':'no room'}}", -ECONNRESET, "no room"},
		{">nonsense", -EBADMSG, ""},
		{">[1]", -EBADMSG, "no object"},
		{NULL, -EPIPE, "went away"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		struct json *line = json_object(), *value;
		pid_t pid = peer_start(SCRIPT(WELCOME, "<look",
					      ">{'told':'unasked'}",
					      is[i].says ? is[i].says : NULL));

		json_set_string(line, "look", "top");
		err_clear();
		assert_int_equal(rt_ask(sock, "test", line, 10, &value),
				 is[i].rc);
		assert_non_null(strstr(err_text(), is[i].words));
		if (is[i].rc)
			assert_null(value);
		else
			assert_true(json_as_number(json_get(value, "x"), 0) ==
				    1);
		json_free(value);
		peer_end(pid);
	}
}

static void test_asking_who_is_silent(void **state)
{
	pid_t pid = peer_start(SCRIPT("<hello", "~"));
	struct json *line = json_object(), *value;
	double start = clock_monotonic();

	(void)state;
	json_set_string(line, "look", "top");
	assert_int_equal(rt_ask(sock, "test", line, 0.05, &value), -ETIMEDOUT);
	assert_true(clock_monotonic() - start < PATIENCE_S);
	peer_end(pid);
}

/* ---- a client ------------------------------------------------------------ */

struct user {
	struct rt_client *c;
	struct buf said;
	uint64_t leases[16]; /* as they were started */
	size_t starts, ends;
	bool hold;
};

static void on_start(void *arg, const struct rt_grant *g)
{
	struct user *u = arg;

	buf_printf(&u->said, " %s %s", g->hedge ? "hedge" : "start", g->key);
	if (g->payload)
		buf_printf(&u->said, " %s", g->payload);
	if (g->checkpoint)
		buf_printf(&u->said, " from %s", g->checkpoint);
	u->leases[u->starts++] = g->lease;
}

static void on_suspend(void *arg, uint64_t lease)
{
	struct user *u = arg;

	(void)lease;
	buf_puts(&u->said, " suspend");
}

static void on_cancel(void *arg, uint64_t lease)
{
	struct user *u = arg;

	(void)lease;
	buf_puts(&u->said, " cancel");
}

static void on_ended(void *arg, uint64_t id, const char *key,
		     enum rt_state state, const struct rt_outcome *o)
{
	struct user *u = arg;

	(void)id;
	u->ends++;
	buf_printf(&u->said, " ended %s %s", key, rt_state_name(state));
	if (o->error)
		buf_printf(&u->said, " %s", err_name(-o->error));
}

static const struct rt_client_ops ops = {.start = on_start,
					 .suspend = on_suspend,
					 .cancel = on_cancel,
					 .ended = on_ended};

static int user_try(struct user *u, const char *path)
{
	const struct rt_client_opts o = {.agent = "test",
					 .run = "run",
					 .socket = path,
					 .config = &config,
					 .ops = &ops,
					 .arg = u};

	*u = (struct user){0};
	buf_init(&u->said, 1 << 16);
	return rt_client_open(&o, &u->c);
}

/* Where there is no script it is served in this process. */
static pid_t user_open(struct user *u, const char *const *script)
{
	pid_t pid = 0;

	if (script)
		pid = peer_start(script);
	else
		setenv("SCHEDKIT_RUNTIME", "off", 1);
	if (user_try(u, script ? sock : NULL))
		fail_msg("%s", err_text());
	unsetenv("SCHEDKIT_RUNTIME");
	assert_int_equal(rt_client_shared(u->c), script != NULL);
	return pid;
}

static void user_close(struct user *u, pid_t pid)
{
	rt_client_close(u->c);
	buf_release(&u->said);
	if (pid)
		peer_end(pid);
}

static void turn(struct user *u)
{
	struct pollfd p = {rt_client_fd(u->c), POLLIN, 0};

	poll(&p, 1, (int)ceil(fmin(rt_client_wait(u->c), 0.02) * 1e3));
	if (rt_client_step(u->c))
		fail_msg("%s", err_text());
}

/* Until it was told that, then it forgets what it was told. */
static void told(struct user *u, const char *want)
{
	double until = clock_monotonic() + PATIENCE_S;

	while (u->said.len < strlen(want)) {
		turn(u);
		if (clock_monotonic() > until)
			break;
	}
	assert_string_equal(u->said.len ? u->said.data : "", want);
	buf_reset(&u->said);
}

/* A daemon that is to have gone is. */
static void lost(struct user *u)
{
	double until = clock_monotonic() + PATIENCE_S;

	while (rt_client_shared(u->c)) {
		turn(u);
		assert_true(clock_monotonic() < until);
	}
}

static void done(struct user *u, size_t start, int error)
{
	struct rt_outcome o;

	rt_outcome_init(&o);
	o.error = error;
	assert_int_equal(rt_client_done(u->c, u->leases[start], &o), 0);
	rt_outcome_release(&o);
}

/* "KEY" or "KEY after KEY RULE", all in one go. */
static uint64_t submit(struct user *u, size_t n, const char *const *graph)
{
	static const char *const rules[] = {"fail", "skip", "run"};
	struct rt_request *q = mem_zalloc(n, sizeof(*q));
	uint64_t ids[8];
	char key[16], on[16], rule[16];

	for (size_t i = 0; i < n; i++) {
		rt_request_init(&q[i]);
		q[i].kind = RT_TOOL;
		q[i].place = RT_SELF;
		q[i].need.v[RES_CORES] = 1000;
		q[i].idempotent = q[i].preemptible = true;
		if (sscanf(graph[i], "%15s after %15s %15s", key, on, rule) ==
		    3) {
			q[i].deps = mem_zalloc(1, sizeof(*q[i].deps));
			q[i].dep_count = 1;
			q[i].deps[0].key = mem_strdup(on);
			while (strcmp(rules[q[i].deps[0].on_failure], rule))
				q[i].deps[0].on_failure++;
		}
		free(q[i].key);
		q[i].key = mem_strdup(key);
	}
	if (rt_client_submit(u->c, q, n, ids))
		fail_msg("%s", err_text());
	for (size_t i = 0; i < n; i++)
		rt_request_release(&q[i]);
	free(q);
	return ids[0];
}

static uint64_t submit_one(struct user *u, const char *key)
{
	return submit(u, 1, &key);
}

/* ---- at the door --------------------------------------------------------- */

static void test_no_welcome(void **state)
{
	static const char *const first[] = {">{'bye':{'text':'full'}}",
					    ">nonsense", ">7", "|"};
	struct user u;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(first); i++) {
		bool again = *first[i] == '|';
		pid_t pid =
			peer_start(SCRIPT("<hello", again ? NULL : first[i]));

		/* Whom it names has to be there, ... */
		assert_int_equal(user_try(&u, sock), -ENOENT);
		assert_null(u.c);
		buf_release(&u.said);
		peer_end(pid);
	}
}

/* ... and where none is named it goes without. */
static void test_no_welcome_where_none_is_named(void **state)
{
	static const char *const said[] = {"auto", "", "off"};
	char *path = sock, *folder = mem_printf("%s/schedkit", dir);
	struct user u;
	pid_t pid;

	(void)state;
	sock = mem_printf("%s/agentd.sock", folder);
	mkdir(folder, 0700);
	setenv("XDG_RUNTIME_DIR", dir, 1);
	pid = peer_start(SCRIPT("<hello", ">{'bye':{'text':'full'}}"));
	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		setenv("SCHEDKIT_RUNTIME", said[i], 1);
		assert_int_equal(user_try(&u, NULL), 0);
		assert_false(rt_client_shared(u.c));
		submit_one(&u, "a");
		told(&u, " start a");
		user_close(&u, 0);
	}
	peer_end(pid);
	unsetenv("SCHEDKIT_RUNTIME");
	/* A folder that is not named from the root is none. */
	setenv("XDG_RUNTIME_DIR", "schedkit", 1);
	setenv("XDG_STATE_HOME", dir, 1);
	assert_int_equal(user_try(&u, NULL), 0);
	assert_false(rt_client_shared(u.c));
	user_close(&u, 0);
	unsetenv("XDG_RUNTIME_DIR");
	unlink(sock);
	rmdir(folder);
	free(folder);
	free(sock);
	sock = path;
}

/* ---- what it says -------------------------------------------------------- */

/* About requests and leases that are not this client's. */
static void test_of_others(void **state)
{
	struct user u;
	pid_t pid = user_open(
		&u, SCRIPT(WELCOME, "<submit", ">{'ids':[7],'ref':1}",
			   ">{'suspend':{'lease':99}}",
			   ">{'cancel':{'lease':99}}", ">{'cancel':7}",
			   ">{'nothing':{}}", ">{'ref':7,'value':{}}",
			   ">{'ended':{'id':98,'key':'z','state':'done'}}",
			   "<\"id\":98",
			   ">{'start':{'id':55,'lease':5,'key':'z',"
			   "'worker':'host'}}",
			   "<ECANCELED",
			   ">{'start':{'id':7,'lease':8,'key':'a',"
			   "'payload':{'p':1},'worker':'host'}}",
			   "<\"lease\":8", "~"));

	(void)state;
	submit_one(&u, "a");
	told(&u, " start a {\"p\":1}");
	done(&u, 0, 0);
	user_close(&u, pid);
}

/* Stopped, gone on with, and ended in words that nobody knows. */
static void test_what_is_told_of_a_lease(void **state)
{
	static const struct rt_usage used = {.seconds = 1};
	struct user u;
	pid_t pid = user_open(
		&u, SCRIPT(WELCOME, "<submit", ">{'ids':[7],'ref':1}",
			   ">{'start':{'id':7,'lease':8,'key':'a',"
			   "'worker':'host'}}",
			   "<progress", ">{'suspend':{'lease':8}}",
			   "<\"checkpoint\":{\"at\":3}",
			   ">{'start':{'id':7,'lease':9,'key':'a','attempt':2,"
			   "'checkpoint':{'at':4},'worker':'host'}}",
			   "<suspended",
			   ">{'start':{'id':7,'lease':10,'key':'a',"
			   "'worker':'host'}}",
			   "<\"lease\":10",
			   /* Too late. */
			   ">{'suspend':{'lease':10}}",
			   ">{'ended':{'id':7,'key':'a','state':'blessed',"
			   "'error':5}}",
			   "<delivered"));

	(void)state;
	submit_one(&u, "a");
	told(&u, " start a");
	assert_int_equal(rt_client_progress(u.c, u.leases[0], &used), 0);
	told(&u, " suspend");
	assert_int_equal(
		rt_client_suspended(u.c, u.leases[0], "{\"at\":3}", &used), 0);
	assert_int_equal(rt_client_progress(u.c, u.leases[0], &used), -ESTALE);
	told(&u, " start a from {\"at\":4}");
	assert_int_equal(rt_client_suspended(u.c, u.leases[1], NULL, &used), 0);
	told(&u, " start a");
	done(&u, 2, 0);
	/* Twice is once. */
	assert_int_equal(rt_client_suspended(u.c, u.leases[2], NULL, &used),
			 -ESTALE);
	told(&u, " ended a failed EPROTO");
	assert_int_equal(rt_client_cancel(u.c, 1), -ENOENT);
	user_close(&u, pid);
}

/* A second one, which is cancelled; the first goes on where the daemon is no
 * more, and is not begun again. */
static void test_hedged(void **state)
{
	struct user u;
	pid_t pid =
		user_open(&u, SCRIPT(WELCOME, "<submit", ">{'ids':[7],'ref':1}",
				     ">{'start':{'id':7,'lease':8,'key':'a',"
				     "'worker':'host'}}",
				     ">{'start':{'id':7,'lease':9,'key':'a',"
				     "'worker':'other','hedge':true}}",
				     ">{'cancel':{'lease':9}}"));

	(void)state;
	submit_one(&u, "a");
	told(&u, " start a hedge a cancel");
	lost(&u);
	done(&u, 0, 0);
	told(&u, " ended a done");
	assert_int_equal(u.starts, 2);
	user_close(&u, pid);
}

/* ---- what it dies over --------------------------------------------------- */

static void test_ids_that_lack(void **state)
{
	static const char *const two[] = {"a", "b"};
	struct user u;
	pid_t pid = user_open(
		&u, SCRIPT(WELCOME, "<submit", ">{'ids':[7],'ref':1}", "~"));

	(void)state;
	submit(&u, 2, two);
	told(&u, " start a start b");
	assert_false(rt_client_shared(u.c));
	done(&u, 0, 0);
	done(&u, 1, 0);
	told(&u, " ended a done ended b done");
	user_close(&u, pid);
}

/* What is asked of one that hangs up is asked again, or said to be in vain. */
static void test_gone_while_it_is_asked(void **state)
{
	static const struct vec one = {.v[RES_CORES] = 1000};
	struct user u;
	pid_t pid = user_open(&u, SCRIPT(WELCOME, "<submit"));

	(void)state;
	submit_one(&u, "a");
	told(&u, " start a");
	assert_false(rt_client_shared(u.c));
	user_close(&u, pid);
	pid = user_open(&u, SCRIPT(WELCOME, "<submit", ">{'ids':[7],'ref':1}",
				   ">{'start':{'id':7,'lease':8,'key':'a',"
				   "'worker':'host'}}",
				   "<grow"));
	submit_one(&u, "a");
	told(&u, " start a");
	assert_int_equal(rt_client_grow(u.c, u.leases[0], &one), -EAGAIN);
	lost(&u);
	/* It is the same lease still. */
	done(&u, 0, 0);
	told(&u, " ended a done");
	user_close(&u, pid);
}

/* One that hangs up on everybody is not waited for for ever. */
static void test_gone_again_and_again(void **state)
{
	struct user u;
	pid_t pid = user_open(&u, SCRIPT(WELCOME, "<submit", "|", WELCOME,
					 "<submit", "|", WELCOME, "<submit",
					 "|", WELCOME, "<submit", "|", WELCOME,
					 "<submit", "|", WELCOME, "<submit",
					 "|", WELCOME, "<submit", "|", WELCOME,
					 "<submit", "|", WELCOME, "<submit"));

	(void)state;
	submit_one(&u, "a");
	told(&u, " start a");
	assert_false(rt_client_shared(u.c));
	done(&u, 0, 0);
	told(&u, " ended a done");
	user_close(&u, pid);
}

/* The daemon did not hear of it, the next one does not begin it. */
static void test_cancelled_while_it_dies(void **state)
{
	static const char *const three[] = {"a", "b after a run",
					    "c after a fail"};
	struct user u;
	pid_t pid = user_open(
		&u, SCRIPT(WELCOME, "<submit", ">{'ids':[7,8,9],'ref':1}"));
	uint64_t id;

	(void)state;
	id = submit(&u, 3, three);
	waitpid(pid, NULL, 0);
	assert_int_equal(rt_client_cancel(u.c, id), 0);
	told(&u, " ended a cancelled ECANCELED ended c failed ECANCELED"
		 " start b");
	done(&u, 0, 0);
	told(&u, " ended b done");
	user_close(&u, 0);
}

static void test_candidate_cancelled_while_it_dies(void **state)
{
	struct rt_request q;
	struct user u;
	pid_t pid =
		user_open(&u, SCRIPT(WELCOME, "<submit", ">{'ids':[7],'ref':1}",
				     "<submit", ">{'ids':[8],'ref':2}"));
	uint64_t id;

	(void)state;
	rt_request_init(&q);
	q.kind = RT_TOOL;
	q.place = RT_SELF;
	free(q.candidate);
	q.candidate = mem_strdup("c");
	free(q.key);
	q.key = mem_strdup("a");
	assert_int_equal(rt_client_submit(u.c, &q, 1, &id), 0);
	rt_request_release(&q);
	submit_one(&u, "b");
	waitpid(pid, NULL, 0);
	assert_int_equal(rt_client_cancel_candidate(u.c, "c"), 0);
	told(&u, " ended a cancelled ECANCELED start b");
	user_close(&u, 0);
}

/* x fails, and those that wait for it, or for one that does, go by their
 * edges: as in the engine, which is asked first. */
static void edges_of(struct user *u, struct buf *ends)
{
	static const char *const graph[] = {"a after x fail", "b after a run",
					    "c after x skip", "d after a skip",
					    "e after c fail", "f after c run"};
	const char *last = "z after e fail";
	double until = clock_monotonic() + PATIENCE_S;

	buf_init(ends, 1 << 12);
	submit(u, ARRAY_LEN(graph), graph);
	submit(u, 1, &last);
	if (u->starts)
		done(u, 0, -EIO);
	while ((u->ends < 6 || u->starts < 2) && clock_monotonic() < until)
		turn(u);
	for (const char *w = u->said.data; (w = strstr(w, "ended ")); w++)
		if (w[6] != 'x')
			buf_printf(ends, " %.*s", (int)strcspn(w + 6, "E"),
				   w + 6);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "KEY STATE" of each, sorted: whoever is told first is told first. */
static char *sorted(struct buf *ends)
{
	char *words[32] = {NULL}, *save = NULL;
	size_t n = 0;
	struct buf out;

	buf_init(&out, 1 << 12);
	for (char *w = strtok_r(ends->data, " ", &save); w;
	     w = strtok_r(NULL, " ", &save)) {
		words[n] = mem_printf("%s=%s", w, strtok_r(NULL, " ", &save));
		n++;
	}
	qsort(words, n, sizeof(*words), by_text);
	for (size_t i = 0; i < n; i++) {
		buf_printf(&out, " %s", words[i]);
		free(words[i]);
	}
	buf_release(ends);
	return buf_take(&out);
}

static void test_edges_of_a_loss(void **state)
{
	static const char want[] =
		" a=failed c=skipped d=skipped e=skipped z=skipped";
	struct buf ends;
	struct user u;
	char *text;
	pid_t pid;

	(void)state;
	user_open(&u, NULL);
	submit_one(&u, "x");
	told(&u, " start x");
	edges_of(&u, &ends);
	text = sorted(&ends);
	assert_string_equal(text, want);
	free(text);
	user_close(&u, 0);
	pid = user_open(&u, SCRIPT(WELCOME, "<submit", ">{'ids':[1],'ref':1}",
				   "<submit", ">{'ids':[2,3,4,5,6,7],'ref':2}",
				   "<submit", ">{'ids':[8],'ref':3}",
				   ">{'ended':{'id':1,'key':'x','state':"
				   "'failed','error':{'errno':'EIO'}}}",
				   "<delivered"));
	submit_one(&u, "x");
	edges_of(&u, &ends);
	text = sorted(&ends);
	assert_string_equal(text, want);
	free(text);
	/* Those that run all the same have begun. */
	assert_int_equal(u.starts, 2);
	user_close(&u, pid);
}

/* A worker is told of again, and heard of. */
static void test_a_worker_of_the_next(void **state)
{
	struct rt_worker_spec w;
	struct user u;
	pid_t pid = user_open(
		&u, SCRIPT(WELCOME, "<worker",
			   ">{'ref':1,'error':{'errno':'EACCES','text':''}}",
			   "<worker", ">{'ref':2,'value':{}}", "<beat", "|",
			   WELCOME, "<worker", "|", WELCOME, "<worker",
			   ">{'ref':4,'value':{}}", "<beat"));

	(void)state;
	rt_worker_spec_init(&w);
	free(w.name);
	w.name = mem_strdup("w");
	w.kinds = 1u << RT_MEMORY;
	w.beat_s = 0.01;
	assert_int_equal(rt_client_worker(u.c, &w, true), -EACCES);
	assert_true(isinf(rt_client_wait(u.c)));
	assert_int_equal(rt_client_worker(u.c, &w, true), 0);
	assert_true(rt_client_wait(u.c) <= 0.01);
	/* Gone again: it is this process's, and heard of here. */
	lost(&u);
	for (int i = 0; i < 5; i++)
		turn(&u);
	assert_true(rt_client_wait(u.c) <= 0.01);
	/* There it is known already. */
	assert_int_equal(rt_client_worker(u.c, &w, true), -EEXIST);
	rt_worker_spec_release(&w);
	user_close(&u, pid);
}

/* ---- around -------------------------------------------------------------- */

static int setup(void **state)
{
	static const char text[] =
		"{\"policy\":\"fifo\",\"workers\":[{\"name\":\"host\","
		"\"kinds\":[\"tool\"],\"capacity\":{\"cores\":2}}]}";
	char *path;
	FILE *f;
	int rc;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	setenv("XDG_CONFIG_HOME", dir, 1);
	sock = mem_printf("%s/sock", dir);
	path = mem_printf("%s/runtime.json", dir);
	f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
	rc = rt_config_load(path, &config);
	unlink(path);
	free(path);
	return rc;
}

static int teardown(void **state)
{
	(void)state;
	unlink(sock);
	rmdir(dir);
	rt_config_release(&config);
	free(sock);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asking),
		cmocka_unit_test(test_asking_who_is_silent),
		cmocka_unit_test(test_no_welcome),
		cmocka_unit_test(test_no_welcome_where_none_is_named),
		cmocka_unit_test(test_of_others),
		cmocka_unit_test(test_what_is_told_of_a_lease),
		cmocka_unit_test(test_hedged),
		cmocka_unit_test(test_ids_that_lack),
		cmocka_unit_test(test_gone_while_it_is_asked),
		cmocka_unit_test(test_gone_again_and_again),
		cmocka_unit_test(test_cancelled_while_it_dies),
		cmocka_unit_test(test_candidate_cancelled_while_it_dies),
		cmocka_unit_test(test_edges_of_a_loss),
		cmocka_unit_test(test_a_worker_of_the_next),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
