/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/loop/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/lines.h"
#include "base/mem.h"
#include "base/path.h"
#include "crypt/digest.h"
#include "doc/json_file.h"

#define MAX_STATE  (16u << 20)
#define HOLDER_LEN 64
/* A killed loop's children let go of nothing of it: only a loop that is just
 * starting may keep the lock for a moment. */
#define LOCK_PATIENCE_S 0.2

/* ---- which loop ------------------------------------------------------- */

/* Takes v. */
static void key_of(struct json *v, const char *target,
		   char out[static DOC_ID_LEN])
{
	struct json *key = json_object();
	struct utsname u;
	char *text;

	uname(&u);
	json_set(key, "workload", v);
	json_set_string(key, "target", target);
	json_set_string(key, "host", u.nodename);
	text = json_canonical(key);
	digest_hex(text, strlen(text), out);
	free(text);
	json_free(key);
}

void loop_key(const struct workload *w, const char *target,
	      char out[static DOC_ID_LEN])
{
	struct json *v = workload_json(w);

	/* What it is called, and how it is made short, changes nothing. */
	json_remove(v, "name");
	json_remove(v, "short");
	key_of(v, target, out);
}

void loop_key_profile(const char *profile, const char *target,
		      char out[static DOC_ID_LEN])
{
	key_of(json_string(profile), target, out);
}

char *loop_root(void)
{
	return path_state("loops");
}

static char *dir_of(const char *key)
{
	char *root = loop_root(), *dir = mem_printf("%s/%s", root, key);

	free(root);
	return dir;
}

/* ---- reading ---------------------------------------------------------- */

/* "{}" where there is none. */
static int read_state(const char *dir, struct json **out)
{
	char *path = mem_printf("%s/state.json", dir);
	struct json *v = NULL;
	struct buf b;
	int rc;

	buf_init(&b, MAX_STATE);
	rc = access(path, F_OK) < 0 && errno == ENOENT
		     ? -ENOENT
		     : buf_read_file(&b, path);
	if (rc == -ENOENT)
		v = json_object();
	else if (!rc)
		v = json_parse(b.data, b.len);
	/* What has no members cannot be written to, either. */
	if (v && json_type(v) != JSON_OBJECT) {
		json_free(v);
		v = NULL;
		err_set(EBADMSG, "it is no object");
	}
	if (!v && !rc)
		rc = err_prefix(-EBADMSG,
				"'%s' is damaged (remove it to begin anew)",
				path);
	if (rc == -ENOENT)
		rc = 0;
	buf_release(&b);
	free(path);
	*out = v;
	return rc;
}

bool loop_state_unfinished(const struct json *body)
{
	const char *status = json_text_at(body, "status");

	return !strcmp(status, "running") || !strcmp(status, "later");
}

int loop_state_look(const char *key, struct json **out, bool *alive)
{
	char *dir = dir_of(key), *lock = mem_printf("%s/lock", dir);
	int rc = read_state(dir, out);
	int fd = open(lock, O_RDONLY | O_CLOEXEC);

	*alive = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0;
	if (fd >= 0)
		close(fd);
	if (*out && !json_get(*out, "run")) {
		json_free(*out);
		*out = NULL;
	}
	free(lock);
	free(dir);
	return rc;
}

/* ---- the lock --------------------------------------------------------- */

static int take_lock(struct loop_state *s)
{
	char *path = mem_printf("%s/lock", s->dir), who[HOLDER_LEN] = "";
	struct stat st;
	ssize_t n;
	int rc = 0;

	s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock < 0)
		rc = err_set(errno, "cannot open '%s': %s", path,
			     strerror(errno));
	else
		rc = io_lock(s->lock, LOCK_PATIENCE_S);
	if (rc == -EAGAIN) {
		n = pread(s->lock, who, sizeof(who) - 1, 0);
		who[n > 0 ? n : 0] = '\0';
		who[strcspn(who, "\n")] = '\0';
		err_set(EAGAIN,
			"another loop has this workload already (process %s); "
			"'sched-loop --status' says how far it is",
			*who ? who : "?");
	} else if (!rc && !fstat(s->lock, &st)) {
		s->last_alive = (double)st.st_mtim.tv_sec +
				(double)st.st_mtim.tv_nsec / 1e9;
		snprintf(who, sizeof(who), "%ld\n", (long)getpid());
		/* A full disk is no reason not to hold it. */
		if (ftruncate(s->lock, 0) == 0)
			(void)!pwrite(s->lock, who, strlen(who), 0);
	}
	free(path);
	return rc;
}

int loop_state_open(const char *key, struct loop_state *s)
{
	char *path;
	int rc;

	*s = (struct loop_state){.lock = -1, .file = -1};
	s->dir = dir_of(key);
	rc = path_make_dirs(s->dir);
	if (!rc)
		rc = take_lock(s);
	if (!rc)
		rc = read_state(s->dir, &s->body);
	if (!rc) {
		path = mem_printf("%s/stream.jsonl", s->dir);
		s->file = lines_open(path);
		rc = s->file < 0 ? s->file : 0;
		free(path);
	}
	if (rc)
		loop_state_close(s);
	return rc;
}

void loop_state_close(struct loop_state *s)
{
	if (s->file >= 0)
		close(s->file);
	if (s->lock >= 0)
		close(s->lock);
	json_free(s->body);
	free(s->dir);
	*s = (struct loop_state){.lock = -1, .file = -1};
}

void loop_state_beat(const struct loop_state *s)
{
	if (s->lock >= 0)
		futimens(s->lock, NULL);
}

/* ---- writing ---------------------------------------------------------- */

int loop_state_save(struct loop_state *s)
{
	char *path = mem_printf("%s/state.json", s->dir);
	struct stat st;
	int rc;

	if (!fstat(s->file, &st))
		json_set_number(s->body, "bytes", (double)st.st_size);
	rc = json_save(path, s->body);
	free(path);
	return rc;
}

int loop_state_cut(struct loop_state *s)
{
	double bytes = json_as_number(json_get(s->body, "bytes"), 0);
	struct stat st;

	if (fstat(s->file, &st) < 0 || (double)st.st_size < bytes || bytes < 0)
		return err_set(EBADMSG,
			       "'%s/stream.jsonl' is shorter than it was "
			       "(remove the folder to begin anew)",
			       s->dir);
	if ((double)st.st_size > bytes && ftruncate(s->file, (off_t)bytes) < 0)
		return err_set(errno, "cannot cut '%s/stream.jsonl': %s",
			       s->dir, strerror(errno));
	lseek(s->file, 0, SEEK_SET);
	return 0;
}

int loop_state_fd(const struct loop_state *s)
{
	return s->file;
}

int loop_state_clear(struct loop_state *s)
{
	char *path;

	/* The state first: without it the documents do not count. */
	path = mem_printf("%s/state.json", s->dir);
	if (unlink(path) < 0 && errno != ENOENT) {
		int rc = err_set(errno, "cannot remove '%s': %s", path,
				 strerror(errno));

		free(path);
		return rc;
	}
	free(path);
	json_free(s->body);
	s->body = json_object();
	return loop_state_cut(s);
}

int loop_state_append(struct loop_state *s, const struct doc *d)
{
	char *line = doc_line(d);
	int rc = lines_append(s->file, line, true);

	free(line);
	if (rc)
		err_prefix(rc, "'%s/stream.jsonl'", s->dir);
	return rc;
}
