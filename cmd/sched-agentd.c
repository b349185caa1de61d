/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent runtime as a service.  It has neither network nor privilege, and
 * of what models wrote it reads nothing: payloads are carried.
 */
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sandbox.h"
#include "cmd/cli.h"
#include "history/history.h"
#include "llm/secret.h"
#include "rt/listen.h"
#include "rt/server.h"
#include "rt/socket.h"

static struct {
	const char *socket, *journal, *audit, *config;
	double idle_s;
} arg;

static const struct opt options[] = {
	{.kind = OPT_STRING,
	 .letter = 's',
	 .name = "socket",
	 .arg = "PATH",
	 .help = "to listen at; $SCHEDKIT_RUNTIME, else the user's own",
	 .target = &arg.socket},
	{.kind = OPT_STRING,
	 .letter = 'c',
	 .name = "config",
	 .arg = "FILE",
	 .help = "settings; else runtime.json of the user's configuration",
	 .target = &arg.config},
	{.kind = OPT_DOUBLE,
	 .letter = 'i',
	 .name = "idle",
	 .arg = "S",
	 .help = "leave after so long without work (300)",
	 .target = &arg.idle_s,
	 .min = 0.1,
	 .max = 365 * 86400.0},
	{.kind = OPT_STRING,
	 .name = "journal",
	 .arg = "FILE",
	 .help = "what was asked and how it ended; 'none' for none",
	 .target = &arg.journal},
	{.kind = OPT_STRING,
	 .name = "audit",
	 .arg = "FILE",
	 .help = "who asked for what; 'none' for none",
	 .target = &arg.audit},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-agentd",
	.purpose = "share models, guests and CPUs between agents",
	.synopsis = "[--socket PATH] [--config FILE] [--idle S] "
		    "[--journal FILE] [--audit FILE]",
	.options = options,
};

static void on_log(void *unused, const char *words)
{
	(void)unused;
	cli_note(&tool, "%s", words);
}

static int notify = -1;

static void on_ready(void *unused)
{
	(void)unused;
	rt_notify(notify, "READY=1");
}

/* The file that an option names, or that of the user's state; NULL: none. */
static char *file_of(const char *said, const char *name)
{
	if (said)
		return strcmp(said, "none") ? mem_strdup(said) : NULL;
	return path_state(name);
}

/* The folder of a file, made if it is not there. */
static int add_folder(struct strs *list, const char *file)
{
	char *copy, *dir;
	int rc;

	if (!file)
		return 0;
	copy = mem_strdup(file);
	dir = dirname(copy);
	rc = path_make_dirs(dir);
	if (!rc)
		strs_add(list, dir);
	free(copy);
	return rc;
}

static void add_programs(struct strs *list, const char *store)
{
	char *lib = path_lib("");

	for (size_t i = 0; sandbox_system[i]; i++)
		strs_add(list, sandbox_system[i]);
	if (store)
		strs_add(list, store);
	strs_add(list, lib);
	free(lib);
}

/* What it writes: its own state, the socket, and the repository, which the
 * store has from it. */
static int shut_in(const struct rt_server_opts *o, const char *socket)
{
	struct strs read = {0}, write = {0};
	struct sandbox s = {.exec = o->store != NULL};
	char *history = history_dir(NULL);
	int rc = add_folder(&write, o->journal);

	if (!rc)
		rc = add_folder(&write, o->audit);
	if (!rc && socket)
		rc = add_folder(&write, socket);
	if (!rc && o->store)
		rc = add_folder(&write, history);
	if (!rc) {
		add_programs(&read, o->store);
		s.read = (const char *const *)read.v;
		s.write = (const char *const *)write.v;
		rc = sandbox_enter(&s);
	}
	/* An old kernel has none; nothing here needs one to be safe. */
	if (rc == -ENOTSUP) {
		cli_note(&tool, "without a sandbox: %s", err_text());
		rc = 0;
	}
	strs_release(&read);
	strs_release(&write);
	free(history);
	return rc;
}

static int listen_somewhere(struct rt_listener *l)
{
	int rc = rt_listen_passed(l);
	char *path;

	if (rc)
		return rc < 0 ? rc : 0;
	path = arg.socket ? mem_strdup(arg.socket) : rt_socket_path();
	rc = rt_listen_make(path, l);
	free(path);
	return rc;
}

/* Each client needs a descriptor. */
static void raise_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return;
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_NOFILE, &l);
}

static int serve(struct rt_server_opts *o)
{
	struct rt_listener l;
	int rc = listen_somewhere(&l);

	if (rc)
		return rc;
	o->listen_fd = l.fd;
	notify = rt_notify_open();
	rc = shut_in(o, l.path);
	if (!rc) {
		rc = rt_serve(o);
		l.fd = -1;
	}
	rt_listen_close(&l);
	return rc;
}

int main(int argc, char **argv)
{
	char *journal, *audit, *store;
	struct rt_config config;
	struct rt_server_opts o = {
		.config = &config,
		.listen_fd = -1,
		.stop = &cli_stop,
		.log = on_log,
		.ready = on_ready,
	};
	int rc;

	if (cli_options(&tool, argc, argv) < argc)
		cli_usage(&tool, "no operand is taken");
	umask(077);
	/* It outlives who fixed the time of its own documents: the audit log,
	 * deadlines and shares that end go by the clock. */
	unsetenv("SCHEDKIT_TIME");
	/* Who asks models has them; neither we nor our store do. */
	secret_leave_env();
	signal(SIGPIPE, SIG_IGN);
	cli_catch_stop();
	raise_limit();
	rc = rt_config_load(arg.config, &config);
	if (rc)
		return cli_fail(&tool, rc);
	if (arg.idle_s > 0)
		config.idle_s = arg.idle_s;
	journal = file_of(arg.journal, "runtime/journal");
	audit = file_of(arg.audit, "runtime/audit.jsonl");
	store = path_libexec("agent-store");
	o.journal = journal;
	o.audit = audit;
	o.store = access(store, X_OK) ? NULL : store;
	rc = serve(&o);
	rt_config_release(&config);
	free(journal);
	free(audit);
	free(store);
	return cli_finish(&tool, rc ? cli_fail(&tool, rc) : CLI_YES);
}
