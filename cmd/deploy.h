/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of sched-deploy.
 *
 * To add one: cmd/deploy-NAME.c with its struct cli_command, a word here, a row
 * in sched-deploy.c, and its options in man/sched-deploy.1.
 */
#ifndef SCHEDKIT_CMD_DEPLOY_H
#define SCHEDKIT_CMD_DEPLOY_H

#include "agents/deployer/deployer.h"
#include "cmd/cli.h"
#include "doc/json.h"

extern const struct cli_command deploy_status_command, deploy_stop_command,
	deploy_history_command, deploy_rollback_command, deploy_watch_command;

#define DEPLOY_WORDS_MAX (1u << 16)

/* Of every command. */
extern bool deploy_json;
#define DEPLOY_JSON                                              \
	{                                                        \
		.kind = OPT_FLAG, .letter = 'j', .name = "json", \
		.help = "documents, even on a terminal",         \
		.target = &deploy_json                           \
	}

#define DEPLOY_NO_HISTORY(to)                                               \
	{                                                                   \
		.kind = OPT_FLAG, .name = "no-history",                     \
		.help = "record nothing with sched-history", .target = (to) \
	}
#define DEPLOY_FOR(to)                                                        \
	{                                                                     \
		.kind = OPT_DOUBLE, .letter = 'f', .name = "for", .arg = "S", \
		.help = "detach after this many seconds", .target = (to),     \
		.min = 0.1, .max = 31536000                                   \
	}
#define DEPLOY_DRY_RUN(to)                                           \
	{                                                            \
		.kind = OPT_FLAG, .letter = 'n', .name = "dry-run",  \
		.help = "make every check, leave this kernel as it " \
			"is",                                        \
		.target = (to)                                       \
	}

/* What of a crash loop is left alone. */
#define DEPLOY_FALLS(to)                                               \
	{                                                              \
		.kind = OPT_LONG, .name = "falls", .arg = "N",         \
		.help = "leave alone what was taken off so often (3)", \
		.target = (to), .min = 1, .max = 1000                  \
	}
#define DEPLOY_WITHIN(to)                                                     \
	{                                                                     \
		.kind = OPT_DOUBLE, .name = "within", .arg = "S",             \
		.help = "--falls: in so many seconds (3600)", .target = (to), \
		.min = 1, .max = 31536000                                     \
	}

/* A policy is attached, whoever's; of ext_kernel_state(). */
bool deploy_enabled(const struct json *kernel);

/*
 * Deploys from the documents that in_fd gives, and says what became of it; the
 * exit status.  o lacks what every deployment has: where documents and progress
 * go.  *answer, which may be NULL: what deployer_deploy() returned.
 */
int deploy_from(int in_fd, const struct deployer_opts *o, bool record,
		int *answer);

/* The record of who holds what is deployed here, or of what is pinned; NULL:
 * nothing is.  The caller's. */
struct json *deploy_holder(void);

/* Takes off what this program has put in place on this host: 0; 1: there was
 * nothing; -EEXIST: something else is attached; and as holder_stop(). */
int deploy_stop(void);

#endif
