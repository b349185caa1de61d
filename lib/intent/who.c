/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which rule is for a task. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cgroup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/task.h"
#include "intent/intent.h"

#define TAG_NAME   "user.schedkit.tag"
#define STATUS_MAX 16384
#define LINK_MAX   4096

/* ---- patterns --------------------------------------------------------- */

/* As the kernel's side does it: '?' is any byte, '*' any number of them. */
bool intent_command_holds(const char *pattern, const char *name)
{
	size_t n = strlen(pattern), have = strlen(name);
	bool open = n && pattern[n - 1] == '*';

	if (*pattern == '*') {
		pattern++;
		n--;
		open = false;
		if (have < n)
			return false;
		name += have - n;
	} else if (open) {
		n--;
	}
	if (open ? have < n : strlen(name) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (pattern[i] != '?' && pattern[i] != name[i])
			return false;
	return true;
}

static bool is_unit(const char *part, size_t len)
{
	static const char *const kinds[] = {".service", ".scope", ".slice",
					    ".socket",	".mount", ".swap"};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t n = strlen(kinds[i]);

		if (len > n && !memcmp(part + len - n, kinds[i], n))
			return true;
	}
	return false;
}

static bool unit_holds(const char *pattern, const char *cgroup)
{
	const char *at = cgroup, *unit = "";
	size_t len = 0;
	char *name;
	bool holds;

	while (*at) {
		size_t n;

		at += strspn(at, "/");
		n = strcspn(at, "/");
		if (is_unit(at, n)) {
			unit = at;
			len = n;
		}
		at += n;
	}
	if (!len)
		return false;
	name = mem_strndup(unit, len);
	holds = !fnmatch(pattern, name, 0);
	free(name);
	return holds;
}

bool intent_cgroup_holds(const struct intent_rule *r, const char *cgroup,
			 const char *tag)
{
	const char *const *match = (const char *const *)r->match;

	if ((match[INTENT_CGROUP] || match[INTENT_UNIT]) && !cgroup)
		return false;
	if (match[INTENT_CGROUP] && fnmatch(match[INTENT_CGROUP], cgroup, 0))
		return false;
	if (match[INTENT_UNIT] && !unit_holds(match[INTENT_UNIT], cgroup))
		return false;
	return !match[INTENT_TAG] ||
	       (tag && !fnmatch(match[INTENT_TAG], tag, 0));
}

bool intent_holds(const struct intent_rule *r, enum intent_condition c,
		  const struct intent_who *w)
{
	struct intent_rule only = {0};

	if (!r->match[c])
		return true;
	switch (c) {
	case INTENT_COMMAND:
		return intent_command_holds(r->match[c], w->command) ||
		       intent_command_holds(r->match[c], w->process);
	case INTENT_EXECUTABLE:
		return w->executable && !fnmatch(r->match[c], w->executable,
						 FNM_PATHNAME | FNM_PERIOD);
	case INTENT_USER:
		return r->uid == w->uid;
	default:
		only.match[c] = r->match[c];
		return intent_cgroup_holds(&only, w->cgroup, w->tag);
	}
}

bool intent_matches(const struct intent_rule *r, const struct intent_who *w)
{
	for (int c = 0; c < INTENT_CONDITIONS; c++)
		if (!intent_holds(r, (enum intent_condition)c, w))
			return false;
	return true;
}

bool intent_is_over(const struct intent_rule *r, time_t now)
{
	return r->until && now >= r->until;
}

int intents_find(const struct intents *i, const struct intent_who *w,
		 time_t now)
{
	for (size_t k = 0; k < i->count; k++)
		if (!intent_is_over(&i->v[k], now) &&
		    intent_matches(&i->v[k], w))
			return (int)k;
	return -1;
}

/* ---- a task ----------------------------------------------------------- */

char *intent_tag(const char *root, const char *folder)
{
	char *dir = mem_strdup(folder), tag[INTENT_PATTERN_MAX + 1];
	ssize_t n = -1;

	while (dir && n <= 0) {
		char *up = cgroup_parent(root, dir);

		n = getxattr(dir, TAG_NAME, tag, sizeof(tag) - 1);
		free(dir);
		dir = up;
	}
	free(dir);
	if (n <= 0)
		return NULL;
	tag[n] = '\0';
	return mem_strdup(tag);
}

/* Tgid and Uid of /proc/TID/status; names of tasks have no newline there. */
static int read_status(pid_t tid, struct intent_who *w)
{
	const char *at, *uids;
	char path[64];
	struct buf b;
	int rc = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	buf_init(&b, STATUS_MAX);
	buf_read_file(&b, path);
	at = b.len ? strstr(b.data, "\nTgid:") : NULL;
	uids = b.len ? strstr(b.data, "\nUid:") : NULL;
	if (at && uids) {
		w->pid = (pid_t)strtol(at + 6, NULL, 10);
		w->uid = (uid_t)strtoul(uids + 5, NULL, 10);
	} else {
		rc = err_set(ESRCH, "there is no task %d", (int)tid);
	}
	buf_release(&b);
	return rc;
}

static char *read_executable(pid_t tid)
{
	char path[64], to[LINK_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)tid);
	n = readlink(path, to, sizeof(to));
	return n > 0 && n < (ssize_t)sizeof(to) ? mem_strndup(to, (size_t)n)
						: NULL;
}

static void read_cgroup(pid_t tid, struct intent_who *w)
{
	char *root = cgroup_root();
	char *dir = root ? cgroup_of(root, tid) : NULL;

	if (dir) {
		const char *below = dir + strlen(root);

		w->cgroup = mem_strdup(*below ? below : "/");
		w->tag = intent_tag(root, dir);
	}
	free(dir);
	free(root);
}

int intent_who_read(pid_t tid, struct intent_who *out)
{
	struct task_stat task, process;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = read_status(tid, out);
	if (rc)
		return rc;
	out->tid = tid;
	if (task_stat(tid, &task) || task_stat(out->pid, &process))
		return err_set(ESRCH, "task %d has ended", (int)tid);
	memcpy(out->command, task.name, sizeof(out->command));
	memcpy(out->process, process.name, sizeof(out->process));
	out->executable = read_executable(tid);
	read_cgroup(tid, out);
	return 0;
}

void intent_who_release(struct intent_who *w)
{
	free(w->executable);
	free(w->cgroup);
	free(w->tag);
	memset(w, 0, sizeof(*w));
}
