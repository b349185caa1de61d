/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "knob/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/boot.h"
#include "base/err.h"
#include "base/io.h"
#include "base/lines.h"
#include "base/mem.h"
#include "base/path.h"

#define NAME	"knobs.journal"
#define LONGEST 32768
/* As long as another one may need to undo what its asker left. */
#define PATIENCE_S 10.0
#define REWRITE_AT 1000
/* A line that was cut short does not end so: its words hold no blanks. */
#define END_MARK " ."

/* ---- one line --------------------------------------------------------- */

/* "=" and the bytes, those that a line cannot have as %XX. */
static void put_word(struct buf *b, const char *s)
{
	buf_puts(b, " =");
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == '%')
			buf_printf(b, "%%%02x", (unsigned char)*s);
		else
			buf_add(b, s, 1);
}

static void put_attr(struct buf *b, const struct attr *a)
{
	buf_printf(b, " %d %u %" PRIu64, a->nice, a->policy, a->slice_ns);
	for (size_t i = 0; i < KNOBS_CPU_WORDS; i++)
		buf_printf(b, "%c%" PRIx64, i ? ',' : ' ', a->cpus[i]);
}

struct knob_entry knob_entry_of(enum knob_kind kind, const char *dir,
				const char *name, const char *was,
				const char *is)
{
	return (struct knob_entry){.kind = kind,
				   .dir = mem_strdup(dir),
				   .name = mem_strdup(name),
				   .was = mem_strdup(was),
				   .is = mem_strdup(is),
				   .rule = -1};
}

bool knob_entry_holds(const struct knob_entry *e, const char *now)
{
	return !strcmp(now, e->was) || !strcmp(now, e->is) ||
	       (e->before && !strcmp(now, e->before));
}

static void put_entry(struct buf *b, const struct knob_entry *e)
{
	buf_printf(b, "%c", e->kind);
	if (e->kind == KNOB_TASK) {
		buf_printf(b, " %d %" PRIu64 " %" PRIu64 " %u", e->tid,
			   e->start, e->since, e->set);
		put_attr(b, &e->former);
		put_attr(b, &e->ours);
	} else {
		put_word(b, e->dir);
		put_word(b, e->name);
		put_word(b, e->was);
		put_word(b, e->is);
	}
	buf_puts(b, END_MARK "\n");
}

static bool get_number(char **save, int base, uint64_t *out)
{
	char *w = strtok_r(NULL, " ", save), *end = NULL;

	*out = w ? strtoull(w, &end, base) : 0;
	return w && end != w && !*end;
}

static bool get_cpus(char **save, uint64_t cpus[static KNOBS_CPU_WORDS])
{
	char *at = strtok_r(NULL, " ", save);

	for (size_t i = 0; at && i < KNOBS_CPU_WORDS; i++) {
		cpus[i] = strtoull(at, &at, 16);
		if (*at != (i + 1 < KNOBS_CPU_WORDS ? ',' : '\0'))
			return false;
		at++;
	}
	return at != NULL;
}

static bool get_attr(char **save, struct attr *a)
{
	uint64_t nice, policy;

	if (!get_number(save, 10, &nice) || !get_number(save, 10, &policy) ||
	    !get_number(save, 10, &a->slice_ns))
		return false;
	a->nice = (int)nice;
	a->policy = (uint32_t)policy;
	return get_cpus(save, a->cpus);
}

static char *get_word(char **save)
{
	char *w = strtok_r(NULL, " ", save), *out, *to;
	unsigned byte;

	if (!w || *w++ != '=')
		return NULL;
	out = to = mem_zalloc(strlen(w) + 1, 1);
	for (; *w; w++)
		if (*w == '%' && sscanf(w + 1, "%2x", &byte) == 1 && w[2]) {
			*to++ = (char)byte;
			w += 2;
		} else {
			*to++ = *w;
		}
	return out;
}

static void release(struct knob_entry *e)
{
	free(e->dir);
	free(e->name);
	free(e->was);
	free(e->is);
	free(e->before);
}

static bool get_entry(char *line, struct knob_entry *e)
{
	char *save = NULL, *kind = strtok_r(line, " ", &save);
	uint64_t tid, set;

	*e = (struct knob_entry){.kind = (enum knob_kind)(kind ? *kind : 0),
				 .rule = -1};
	switch (e->kind) {
	case KNOB_TASK:
		if (!get_number(&save, 10, &tid) ||
		    !get_number(&save, 10, &e->start) ||
		    !get_number(&save, 10, &e->since) ||
		    !get_number(&save, 10, &set) || tid > INT32_MAX ||
		    !get_attr(&save, &e->former) || !get_attr(&save, &e->ours))
			return false;
		e->tid = (pid_t)tid;
		e->set = (unsigned)set & ~KNOB_CGROUP;
		return true;
	case KNOB_FILE:
	case KNOB_GROUP:
	case KNOB_CONTROL:
		e->dir = get_word(&save);
		e->name = get_word(&save);
		e->was = get_word(&save);
		e->is = get_word(&save);
		if (e->dir && e->name && e->was && e->is)
			return true;
	}
	release(e);
	return false;
}

/* ---- what is in it ---------------------------------------------------- */

/* The slot of a task, or the one that it would get. */
static uint32_t *slot_of(const struct knob_journal *j, pid_t tid,
			 uint64_t start)
{
	size_t at = ((uint32_t)tid * 2654435761u) & (j->slot_count - 1);

	while (j->slots[at]) {
		const struct knob_entry *e = &j->v[j->slots[at] - 1];

		if (e->tid == tid && e->start == start)
			break;
		at = (at + 1) & (j->slot_count - 1);
	}
	return &j->slots[at];
}

/* Anew for all of v: at most half of the slots are taken. */
static void index_tasks(struct knob_journal *j)
{
	free(j->slots);
	j->slot_count = 2 * j->cap;
	j->slots = mem_zalloc(j->slot_count, sizeof(*j->slots));
	for (size_t i = 0; i < j->count; i++)
		if (j->v[i].kind == KNOB_TASK)
			*slot_of(j, j->v[i].tid, j->v[i].start) =
				(uint32_t)i + 1;
}

struct knob_entry *knob_journal_task(const struct knob_journal *j, pid_t tid,
				     uint64_t start)
{
	uint32_t at = j->slot_count ? *slot_of(j, tid, start) : 0;

	return at ? &j->v[at - 1] : NULL;
}

static struct knob_entry *same(struct knob_journal *j,
			       const struct knob_entry *e)
{
	if (e->kind == KNOB_TASK)
		return knob_journal_task(j, e->tid, e->start);
	for (size_t i = 0; i < j->count; i++)
		if (j->v[i].kind == e->kind && !strcmp(j->v[i].dir, e->dir) &&
		    !strcmp(j->v[i].name, e->name))
			return &j->v[i];
	return NULL;
}

static struct knob_entry *keep(struct knob_journal *j,
			       const struct knob_entry *e)
{
	struct knob_entry *was = same(j, e);
	struct attr prior;
	char *before = NULL;

	if (was) {
		before = was->is;
		was->is = NULL;
		release(was);
		j->dropped++;
	} else {
		if (j->count == j->cap) {
			j->cap = j->cap ? 2 * j->cap : 64;
			j->v = mem_realloc(j->v, j->cap, sizeof(*j->v));
		}
		was = &j->v[j->count++];
		*was = *e;
		was->prior = e->ours;
		if (j->slot_count < 2 * j->cap)
			index_tasks(j);
		else if (e->kind == KNOB_TASK)
			*slot_of(j, e->tid, e->start) = (uint32_t)j->count;
		return was;
	}
	prior = was->ours;
	*was = *e;
	was->prior = prior;
	was->before = before;
	return was;
}

static int take_line(void *arg, const char *line, size_t len)
{
	const size_t mark = strlen(END_MARK);
	struct knob_journal *j = arg;
	struct knob_entry e;
	char *text;

	/* What nobody acted upon. */
	if (len < mark || memcmp(line + len - mark, END_MARK, mark))
		return 0;
	text = mem_strndup(line, len - mark);
	if (get_entry(text, &e))
		keep(j, &e);
	free(text);
	return 0;
}

struct head {
	char *boot;
	bool seen, ours;
};

static int take_head(void *arg, const char *line, size_t len)
{
	struct head *h = arg;

	h->seen = true;
	h->ours = len == strlen(h->boot) && !memcmp(line, h->boot, len);
	return 1;
}

/* "boot ID ." */
static int head_line(char **out)
{
	char id[BOOT_ID_LEN];
	int rc = boot_id(id);

	if (!rc)
		*out = mem_printf("boot %s" END_MARK, id);
	return rc;
}

/* Reads all that counts; *begun: it has a head of this boot. */
static int read_all(struct knob_journal *j, bool *begun)
{
	struct head h = {0};
	off_t at = 0;
	int rc = head_line(&h.boot);

	*begun = false;
	if (rc)
		return rc;
	rc = lines_read(j->fd, &at, LONGEST, take_head, &h);
	*begun = h.ours;
	at = 0;
	if (rc >= 0)
		rc = h.ours ? lines_read(j->fd, &at, LONGEST, take_line, j) : 0;
	free(h.boot);
	return rc < 0 ? rc : 0;
}

/* ---- the file --------------------------------------------------------- */

static int lock(struct knob_journal *j)
{
	char *path = mem_printf("%s.lock", j->path);
	int rc;

	j->lock = lines_open(path);
	rc = j->lock < 0 ? j->lock : io_lock(j->lock, PATIENCE_S);
	if (j->lock >= 0 && rc)
		rc = rc == -EAGAIN
			     ? err_set(EBUSY,
				       "another process is setting or undoing "
				       "knobs on this host: wait for its end")
			     : err_set(-rc, "cannot lock '%s': %s", path,
				       strerror(-rc));
	free(path);
	return rc;
}

static int begin(struct knob_journal *j)
{
	char *head;
	int rc = head_line(&head);

	if (rc)
		return rc;
	/* Of an earlier boot, or its first writer died over it. */
	if (ftruncate(j->fd, 0) < 0)
		rc = err_set(errno, "cannot begin '%s': %s", j->path,
			     strerror(errno));
	else
		rc = lines_append(j->fd, head, true);
	free(head);
	return rc;
}

/* Takes path. */
static void init(struct knob_journal *j, char *path)
{
	*j = (struct knob_journal){.path = path, .lock = -1, .fd = -1};
	buf_init(&j->out, SIZE_MAX);
}

int knob_journal_open(struct knob_journal *j)
{
	bool begun;
	int rc;

	init(j, path_run(NAME));
	rc = lock(j);
	if (!rc) {
		j->fd = lines_open(j->path);
		rc = j->fd < 0 ? j->fd : 0;
	}
	/* What is set is no secret: status works for everybody. */
	if (!rc && fchmod(j->fd, 0644) < 0)
		rc = err_set(errno, "cannot open up '%s': %s", j->path,
			     strerror(errno));
	if (!rc)
		rc = read_all(j, &begun);
	if (!rc && !begun)
		rc = begin(j);
	if (rc)
		knob_journal_close(j);
	return rc;
}

int knob_journal_read(struct knob_journal *j, bool roots)
{
	char *path = roots ? path_run_root(NAME) : path_run(NAME);
	bool begun;
	int rc = 0;

	*j = (struct knob_journal){0};
	if (!path)
		return 0;
	init(j, path);
	j->fd = open(j->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (j->fd >= 0)
		rc = read_all(j, &begun);
	else if (errno != ENOENT)
		rc = err_set(errno, "cannot read '%s': %s", j->path,
			     strerror(errno));
	if (rc)
		knob_journal_close(j);
	return rc;
}

void knob_journal_close(struct knob_journal *j)
{
	if (!j->path)
		return;
	for (size_t i = 0; i < j->count; i++)
		release(&j->v[i]);
	free(j->v);
	free(j->slots);
	free(j->path);
	buf_release(&j->out);
	if (j->fd >= 0)
		close(j->fd);
	if (j->lock >= 0)
		close(j->lock);
	*j = (struct knob_journal){0};
}

void knob_journal_put(struct knob_journal *j, const struct knob_entry *e)
{
	put_entry(&j->out, e);
}

struct knob_entry *knob_journal_add(struct knob_journal *j,
				    const struct knob_entry *e)
{
	knob_journal_put(j, e);
	return keep(j, e);
}

int knob_journal_sync(struct knob_journal *j)
{
	int rc;

	if (!j->out.len)
		return 0;
	/* Its own newline comes with the appending. */
	j->out.data[j->out.len - 1] = '\0';
	rc = lines_append(j->fd, j->out.data, true);
	buf_reset(&j->out);
	return rc ? err_prefix(rc, "journal '%s'", j->path) : 0;
}

static int rewrite(struct knob_journal *j)
{
	struct buf b;
	char *head;
	int fd, rc = head_line(&head);

	if (rc)
		return rc;
	buf_init(&b, SIZE_MAX);
	buf_printf(&b, "%s\n", head);
	for (size_t i = 0; i < j->count; i++)
		put_entry(&b, &j->v[i]);
	rc = path_write_public(j->path, b.data, b.len);
	fd = rc ? rc : lines_open(j->path);
	if (fd >= 0) {
		close(j->fd);
		j->fd = fd;
		j->dropped = 0;
	}
	buf_release(&b);
	free(head);
	return fd < 0 ? fd : 0;
}

int knob_journal_compact(struct knob_journal *j)
{
	size_t kept = 0;

	for (size_t i = 0; i < j->count; i++)
		if (j->v[i].gone)
			release(&j->v[i]);
		else
			j->v[kept++] = j->v[i];
	j->dropped += j->count - kept;
	j->count = kept;
	if (j->cap)
		index_tasks(j);
	return j->dropped > REWRITE_AT + kept ? rewrite(j) : 0;
}

void knob_journal_end(struct knob_journal *j)
{
	unlink(j->path);
}
