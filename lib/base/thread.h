/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread that no signal interrupts: these are for who waits for them. */
#ifndef SCHEDKIT_BASE_THREAD_H
#define SCHEDKIT_BASE_THREAD_H

#include <pthread.h>

/* To be joined.  -EAGAIN: there is none to be had. */
int thread_start(pthread_t *out, void *(*run)(void *arg), void *arg);

#endif
