/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/steward/hand.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/steward/approve.h"
#include "agents/steward/jobs.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "rt/audit.h"

#define AUDIT_TRIES 20
#define AUDIT_MS    100
#define QUICK_MAX   16 /* short ones at once */
#define NOTED_MAX   120
#define CHUNK	    4096

struct running {
	pid_t pid;
	char id[STEWARD_JOB_LEN];
	struct running *next;
};

struct hand {
	int fd;
	const struct steward_config *cfg;
	const char *only;
	char *jobs, *texts, *audit;
	struct running *running;
	struct buf in;
};

static void say(struct hand *h, struct json *v)
{
	char *text = json_canonical(v), *line = mem_printf("%s\n", text);

	/* A front that is gone is found by the next read. */
	io_write(h->fd, line, strlen(line));
	free(line);
	free(text);
	json_free(v);
}

static void say_error(struct hand *h, double n, int rc)
{
	struct json *v = json_object();

	json_set_number(v, "n", n);
	json_set_string(v, "error", err_name(-rc));
	json_set_string(v, "text", err_text());
	say(h, v);
}

/*
 * One line of the log.  Several servers share it, each for as long as a line
 * takes.
 */
static int note(const struct hand *h, const char *client, const char *what,
		const struct json *args, const char *outcome, const char *text)
{
	char *agent = mem_printf("mcp:%s", client);
	char *resource = args ? json_canonical(args) : NULL;
	struct rt_peer who = {geteuid(), getpid(), agent};
	struct rt_audit *a = NULL;
	int rc = -EAGAIN;

	for (int i = 0; i < AUDIT_TRIES && rc == -EAGAIN; i++) {
		if (i)
			poll(NULL, 0, AUDIT_MS);
		rc = rt_audit_open(h->audit, &a);
	}
	if (!rc) {
		rt_audit_add(a, &who, what, resource, outcome, text);
		rc = rt_audit_commit(a);
		rt_audit_close(a);
	}
	free(resource);
	free(agent);
	return rc;
}

/* ---- run ---------------------------------------------------------------- */

/* What runs, of all servers of this user. */
static int check_room(const struct hand *h, const struct steward_order *o)
{
	struct steward_job *all;
	size_t n;
	long in_all = 0, of_client = 0, quick = 0;
	int rc = steward_jobs_read(h->jobs, &all, &n);

	if (rc)
		return rc;
	for (size_t i = 0; i < n; i++) {
		bool runs = all[i].state == STEWARD_JOB_RUNS;

		if (runs && steward_job_is_long(&all[i])) {
			in_all++;
			of_client += !strcmp(steward_job_client(&all[i]),
					     o->who->name);
		} else if (runs) {
			quick++;
		}
		steward_job_release(&all[i]);
	}
	free(all);
	if (!(o->flags & STEWARD_LONG))
		rc = quick >= QUICK_MAX;
	else
		rc = in_all >= h->cfg->jobs || of_client >= h->cfg->jobs_each;
	if (!rc)
		return 0;
	return err_set(EAGAIN,
		       "%ld jobs run, %ld of them this client's: wait for one, "
		       "or cancel one by the tool job",
		       in_all, of_client);
}

/* Nothing of the path below the folder is a link, and it is a plain file. */
static int open_below(const struct steward_order *o)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS,
	};
	struct stat st;

	for (size_t i = 0; i < o->cfg->read.len; i++) {
		const char *dir = o->cfg->read.v[i];
		const char *rest = steward_below(dir, o->file);
		int at, fd;

		if (!rest)
			continue;
		at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		fd = at < 0 ? -1
			    : (int)syscall(SYS_openat2, at, rest, &how,
					   sizeof(how));
		if (at >= 0)
			close(at);
		if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return err_set(EACCES, "file: there is no such plain file, or a link "
			       "is on the way to it");
}

/* 1: it waits for a person, under this code. */
static int check_agreed(const struct steward_order *o, const struct json *args,
			bool said, char code[static STEWARD_CODE_LEN])
{
	double now = (double)clock_wall();

	if (!o->agree || (said && o->who->approval == STEWARD_ELICIT) ||
	    !steward_approval_take(o, args, now))
		return 0;
	return steward_approval_ask(o, args, now, code) ? -EAGAIN : 1;
}

static void remember(struct hand *h, const char *id, pid_t pid)
{
	struct running *r = mem_zalloc(1, sizeof(*r));

	r->pid = pid;
	memcpy(r->id, id, STEWARD_JOB_LEN);
	r->next = h->running;
	h->running = r;
}

static int start(struct hand *h, const struct steward_order *o,
		 const struct json *args, const char *words, double n)
{
	char id[STEWARD_JOB_LEN];
	struct json *v;
	int input = -1, rc = 0;
	pid_t pid;

	if (o->file) {
		input = open_below(o);
		rc = input < 0 ? input : 0;
	}
	/* What cannot be accounted for is not done. */
	if (!rc)
		rc = note(h, o->who->name, o->tool->name, args, "allowed", "");
	if (!rc)
		rc = steward_job_start(h->jobs, o, args, words, input, id,
				       &pid);
	if (input >= 0)
		close(input);
	if (rc)
		return rc;
	remember(h, id, pid);
	v = json_object();
	json_set_number(v, "n", n);
	json_set_string(v, "job", id);
	say(h, v);
	return 0;
}

static void ask_person(struct hand *h, const char *code, double n)
{
	struct json *v = json_object();

	json_set_number(v, "n", n);
	json_set_string(v, "code", code);
	say(h, v);
}

/* A front that was taken over may call itself what it likes. */
static int check_client(const struct hand *h, const char *client)
{
	bool stdio = !strcmp(client, "stdio");

	if (*client && (h->only ? !strcmp(client, h->only) : !stdio))
		return 0;
	return err_set(EACCES, "there is no such client here");
}

static void run(struct hand *h, const struct json *v, double n)
{
	const char *client = json_text_at(v, "client");
	const char *tool = json_text_at(v, "tool");
	const char *name = json_text_at(v, "words");
	const struct json *args = json_get(v, "arguments");
	const struct steward_client *who =
		steward_config_client(h->cfg, client);
	/* Of who is not named, too, jobs belong to one client. */
	struct steward_client as = *who;
	char code[STEWARD_CODE_LEN], *words = NULL;
	struct steward_order o;
	int rc;

	as.name = client;
	rc = steward_order_make(&o, h->cfg, &as, tool, args, *name);
	if (!rc)
		rc = check_client(h, client);
	if (!rc && !o.argv.len)
		rc = err_set(EINVAL, "nothing is run for this tool");
	if (!rc && *name && !steward_job_is_name(name))
		rc = err_set(EINVAL, "that is no file of words");
	if (!rc && *name)
		words = mem_printf("%s/%s", h->texts, name);
	/* Before what was agreed to is spent. */
	if (!rc)
		rc = check_room(h, &o);
	if (!rc)
		rc = check_agreed(&o, args,
				  json_as_bool(json_get(v, "agreed"), false),
				  code);
	if (rc == 1)
		ask_person(h, code, n);
	else if (!rc)
		rc = start(h, &o, args, words, n);
	if (rc < 0) {
		char *why = mem_strdup(err_text());

		note(h, client, tool, args, "refused", why);
		err_set(-rc, "%s", why);
		say_error(h, n, rc);
		free(why);
	}
	if (words && rc)
		unlink(words);
	free(words);
	steward_order_release(&o);
}

static void cancel(struct hand *h, const struct json *v)
{
	const char *id = json_text_at(v, "job");
	const char *client = json_text_at(v, "client");
	struct steward_job j;

	if (check_client(h, client) || steward_job_read(h->jobs, id, &j))
		return;
	if (!strcmp(steward_job_client(&j), client)) {
		steward_job_cancel(h->jobs, id);
		note(h, client, "cancel", json_get(v, "job"), "allowed", "");
	}
	steward_job_release(&j);
}

bool steward_is_noted(const char *name)
{
	static const char in[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789_-./:";
	size_t n = strspn(name, in);

	return n > 0 && n <= NOTED_MAX && !name[n];
}

static void note_call(struct hand *h, const struct json *v)
{
	static const char *const kinds[] = {"tool", "resource", "prompt",
					    "completion"};
	const char *client = json_text_at(v, "client");
	const char *kind = json_text_at(v, "what");
	const struct json *name = json_get(v, "name");
	bool allowed = json_as_bool(json_get(v, "allowed"), false);

	if (check_client(h, client))
		return;
	if (!steward_is_noted(json_as_string(name, "")))
		name = NULL;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcmp(kind, kinds[i]))
			note(h, client, kinds[i], name,
			     allowed ? "allowed" : "refused", "");
}

/* ---- the loop ----------------------------------------------------------- */

static void take_line(struct hand *h, const char *line, size_t len)
{
	struct json *v = json_parse(line, len);
	const char *verb = json_text_at(v, "do");
	double n = json_as_number(json_get(v, "n"), -1);

	if (!strcmp(verb, "run")) {
		run(h, v, n);
	} else if (!strcmp(verb, "cancel")) {
		cancel(h, v);
	} else if (!strcmp(verb, "note")) {
		note_call(h, v);
	} else {
		err_set(EINVAL, "there is no such order");
		say_error(h, n, -EINVAL);
	}
	json_free(v);
}

/* -EPIPE: the front is gone, or says what is no line. */
static int take_bytes(struct hand *h)
{
	char chunk[CHUNK], *nl;
	ssize_t got = read(h->fd, chunk, sizeof(chunk));
	size_t used = 0;

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (got <= 0 || buf_add(&h->in, chunk, (size_t)got))
		return -EPIPE;
	while ((nl = memchr(h->in.data + used, '\n', h->in.len - used))) {
		take_line(h, h->in.data + used,
			  (size_t)(nl - h->in.data) - used);
		used = (size_t)(nl - h->in.data) + 1;
	}
	memmove(h->in.data, h->in.data + used, h->in.len - used);
	h->in.len -= used;
	return 0;
}

static void reap(struct hand *h)
{
	for (struct running **at = &h->running; *at;) {
		struct running *r = *at;
		struct json *v;

		if (!waitpid(r->pid, NULL, WNOHANG)) {
			at = &r->next;
			continue;
		}
		v = json_object();
		json_set_string(v, "ended", r->id);
		say(h, v);
		*at = r->next;
		free(r);
		steward_jobs_tidy(h->jobs, h->cfg);
	}
}

/* 1: a signal came. */
static int serve(struct hand *h, int signals)
{
	struct pollfd f[2] = {{h->fd, POLLIN, 0}, {signals, POLLIN, 0}};
	struct signalfd_siginfo info;

	for (;;) {
		if (poll(f, 2, -1) < 0)
			continue;
		if (f[1].revents && read(signals, &info, sizeof(info)) > 0) {
			if (info.ssi_signo != SIGCHLD)
				return 1;
			reap(h);
		}
		if (f[0].revents && take_bytes(h))
			return 0;
	}
}

static int open_signals(sigset_t *before)
{
	static const int heard[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(heard); i++)
		sigaddset(&set, heard[i]);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_set(errno, "cannot wait for children: %s",
			       strerror(errno));
	sigprocmask(SIG_BLOCK, &set, before);
	return fd;
}

int steward_hand(int fd, const struct steward_config *cfg, const char *only)
{
	struct hand h = {.fd = fd, .cfg = cfg, .only = only};
	sigset_t before;
	int signals, rc = steward_dirs_make();

	if (rc)
		return rc;
	signals = open_signals(&before);
	if (signals < 0)
		return signals;
	h.jobs = steward_jobs_dir();
	h.texts = steward_texts_dir();
	h.audit = path_state("mcp/audit.jsonl");
	/* With the end of a line the beginning of the next may come. */
	buf_init(&h.in, STEWARD_MAX_ORDER + CHUNK);
	steward_jobs_tidy(h.jobs, cfg);
	rc = serve(&h, signals);
	for (struct running *r = h.running, *next; r; r = next) {
		next = r->next;
		free(r);
	}
	buf_release(&h.in);
	close(signals);
	sigprocmask(SIG_SETMASK, &before, NULL);
	free(h.jobs);
	free(h.texts);
	free(h.audit);
	return rc;
}
