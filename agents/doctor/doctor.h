/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this machine can do, and the way to what is missing. */
#ifndef SCHEDKIT_AGENTS_DOCTOR_DOCTOR_H
#define SCHEDKIT_AGENTS_DOCTOR_DOCTOR_H

#include "doc/json.h"

/*
 * The body of a note:
 *   {"text": one sentence, "ready": bool,
 *    "checks": [{"name","status":"ok|missing|warn","text","way_out"}]}
 * way_out is "" where nothing is to be done.  ready: a workload can be
 * observed and a policy measured, in a guest or here.  Looks, tries and asks;
 * changes nothing and needs no network.
 *
 * With root, a folder that holds the /proc, /sys and /boot of a machine, only
 * that machine's kernel is looked at; ready: policies can be attached to it.
 * -ENOENT and the like: there is no such folder.
 */
int doctor_examine(const char *root, struct json **body);

#endif
