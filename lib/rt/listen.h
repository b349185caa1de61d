/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket that the daemon serves, and the service manager that may hold it.
 */
#ifndef SCHEDKIT_RT_LISTEN_H
#define SCHEDKIT_RT_LISTEN_H

struct rt_listener {
	int fd;	    /* listens, does not block */
	int lock;   /* as long as it is open no other daemon serves path */
	char *path; /* NULL: the service manager's */
};

/*
 * The socket that a service manager passed (LISTEN_FDS, sd_listen_fds(3)): 1,
 * 0: it passed none, -EINVAL: it is no stream socket of AF_UNIX that listens.
 */
int rt_listen_passed(struct rt_listener *out);

/*
 * Makes it, mode 0600, in a folder that is this user's alone; one that a dead
 * daemon left is removed.  -EAGAIN: another daemon serves it; -EACCES: the
 * folder is another user's, or others may write there; -EEXIST: something else
 * has its name.
 */
int rt_listen_make(const char *path, struct rt_listener *out);
/* Removes what was made. */
void rt_listen_close(struct rt_listener *l);

/*
 * sd_notify(3), in two steps, because the sandbox between them lets nobody make
 * such a socket; without $NOTIFY_SOCKET it is -1, and nothing is said.
 */
int rt_notify_open(void);
void rt_notify(int fd, const char *state);

#endif
