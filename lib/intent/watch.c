/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The folder itself is watched, and the one above it, for the name by which it
 * comes and goes; while that is not there the next one above, and so on.
 */
#include "intent/watch.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/mem.h"

#define INSIDE                                                        \
	(IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |        \
	 IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | \
	 IN_ONLYDIR)
#define ABOVE                                                              \
	(IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | \
	 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct intent_watch {
	int fd;
	char *folder;
	int inside, above; /* -1: it is not there */
	char *name;	   /* what matters of the one above */
};

/* Cuts the last part off a path; NULL: there is none left. */
static char *cut(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || !slash[1])
		return NULL;
	*slash = '\0';
	return slash + 1;
}

static void leave(struct intent_watch *w, int wd)
{
	if (wd >= 0 && wd != w->inside && wd != w->above)
		inotify_rm_watch(w->fd, wd);
}

/* The nearest folder above that is there. */
static void watch_above(struct intent_watch *w)
{
	char *path = mem_strdup(w->folder), *name;
	int was = w->above;

	free(w->name);
	w->name = NULL;
	w->above = -1;
	while (w->above < 0 && (name = cut(path))) {
		w->above = inotify_add_watch(w->fd, *path ? path : "/", ABOVE);
		if (w->above >= 0)
			w->name = mem_strdup(name);
	}
	leave(w, was);
	free(path);
}

/* To watch a folder again changes nothing. */
static void renew(struct intent_watch *w)
{
	int was = w->inside;

	/* In this order: it may be made just now. */
	watch_above(w);
	w->inside = inotify_add_watch(w->fd, w->folder, INSIDE);
	leave(w, was);
}

struct intent_watch *intent_watch_new(const char *folder)
{
	struct intent_watch *w = mem_zalloc(1, sizeof(*w));
	char *path = *folder == '/' ? mem_strdup(folder) : NULL, *here = NULL;
	size_t n;

	if (!path && (here = getcwd(NULL, 0)))
		path = mem_printf("%s/%s", here, folder);
	free(here);
	*w = (struct intent_watch){.fd = -1, .inside = -1, .above = -1};
	w->folder = path;
	for (n = path ? strlen(path) : 0; n > 1 && path[n - 1] == '/'; n--)
		path[n - 1] = '\0';
	if (path)
		w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd >= 0)
		renew(w);
	if (w->inside >= 0 || w->above >= 0)
		return w;
	intent_watch_free(w);
	return NULL;
}

void intent_watch_free(struct intent_watch *w)
{
	if (!w)
		return;
	if (w->fd >= 0)
		close(w->fd);
	free(w->folder);
	free(w->name);
	free(w);
}

int intent_watch_fd(const struct intent_watch *w)
{
	return w ? w->fd : -1;
}

static bool matters(const struct intent_watch *w, const struct inotify_event *e)
{
	if (e->wd == w->inside || (e->mask & IN_Q_OVERFLOW))
		return true;
	return e->wd == w->above && w->name &&
	       (!e->len || !strcmp(e->name, w->name));
}

bool intent_watch_read(struct intent_watch *w)
{
	char data[4096]
		__attribute__((aligned(__alignof__(struct inotify_event))));
	bool any = false;
	ssize_t n;

	while ((n = read(w->fd, data, sizeof(data))) > 0) {
		const struct inotify_event *e;

		for (ssize_t at = 0; at < n;
		     at += (ssize_t)(sizeof(*e) + e->len)) {
			e = (const struct inotify_event *)(data + at);
			any |= matters(w, e);
		}
	}
	renew(w);
	return any;
}
