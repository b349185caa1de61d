/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the steward share.  All of it is of the front process: it
 * may read the history, the jobs' folders and /proc, write nowhere but into
 * steward.texts, and start nothing; programs are run by the hand, by order.
 */
#ifndef SCHEDKIT_AGENTS_STEWARD_PARTS_H
#define SCHEDKIT_AGENTS_STEWARD_PARTS_H

#include "agents/steward/steward.h"
#include "agents/steward/config.h"
#include "agents/steward/jobs.h"
#include "agents/steward/tools.h"
#include "base/buf.h"
#include "doc/json.h"
#include "mcp/offer.h"

struct steward_world; /* of resources.c */
struct steward_run;

#define STEWARD_ENDING 64

struct steward {
	struct mcp_offer offer;
	struct steward_opts opts;	  /* changed(), list_changed() */
	const struct steward_config *cfg; /* lent */
	int hand;			  /* our end */
	char *jobs, *texts;		  /* folders */
	struct buf in;			  /* of the hand, not yet whole lines */
	bool gone;			  /* the hand is */
	struct steward_run *runs; /* what was ordered and is waited for */
	/* Jobs that were to end, the last ones: nobody is told otherwise of
	 * them while they do. */
	char ending[STEWARD_ENDING][STEWARD_JOB_LEN];
	size_t ended;
	long runs_made;
	double now;		     /* CLOCK_MONOTONIC, of the last tick */
	struct steward_world *world; /* NULL until it is first needed */
};

/* Up to which class this client may go, and the rest of what is configured for
 * it; never NULL. */
const struct steward_client *steward_client(const struct steward *s,
					    const struct mcp_who *who);

/* ---- running one of our programs ---------------------------------------- */

struct steward_ended {
	const char *job; /* its id, hex */
	int exit_status; /* as a shell has it; -1: it could not be started */
	bool cancelled;
	const char *out; /* lines of documents, NUL-terminated; lent */
	size_t out_len;
	const char *words; /* what it said on standard error; lent */
};

typedef void steward_done(void *arg, const struct steward_ended *e);

/*
 * Runs a tool's program (of tools.h, by the name that clients call it
 * by: "history_show" with {"id":"…"}) for a client, as if it had called the
 * tool; done() comes later, once.  -EINVAL: arguments (the message is for the
 * client); -EACCES: not of its class; -EAGAIN: too many run.
 */
int steward_ask(struct steward *s, const struct mcp_who *who, const char *tool,
		const struct json *arguments, steward_done *done, void *arg);
/* done() of this arg does not come any more, and what runs for it is ended. */
void steward_forget(struct steward *s, void *arg);

/* ---- run.c ------------------------------------------------------ */

/* Something that was ordered of the hand, or is waited for. */
struct steward_run {
	struct steward_run *next;
	long n;			   /* of the order; 0: none */
	char job[STEWARD_JOB_LEN]; /* "": the hand has not answered yet */
	const struct steward_tool *tool;
	char *client;
	struct mcp_call *call; /* NULL: nobody waits for an answer */
	bool as_task;	       /* the call becomes one */
	bool background;       /* it is answered with the handle */
	bool unwanted;	       /* to be cancelled once it has a handle */
	bool minded;	       /* in this tick */
	bool looks;	       /* at a job of another call: only that */
	steward_done *done;    /* NULL: a client's own call */
	void *arg;
	double began, until; /* CLOCK_MONOTONIC; 0: no end of waiting */
};

/* A run that belongs to nobody yet. */
struct steward_run *steward_run_new(struct steward *s, const char *client,
				    const struct steward_tool *t);
/* Sends it to the hand; args as the client sent them. */
int steward_run_order(struct steward *s, struct steward_run *r,
		      const struct steward_order *o, const struct json *args,
		      bool agreed);
void steward_run_drop(struct steward *s, struct steward_run *r);
/* Has the hand write into the log what no order is made of. */
void steward_run_note(struct steward *s, const struct mcp_who *who,
		      enum mcp_kind kind, const char *name, bool allowed);
/* Has the hand end a job. */
void steward_run_end(struct steward *s, const char *client, const char *job);
/* What the hand says, and which jobs have ended. */
int steward_runs_take(struct steward *s);
void steward_runs_tick(struct steward *s);

/* ---- call.c ----------------------------------------------------- */

void steward_call(void *arg, struct mcp_call *c);
void steward_cancel(void *arg, struct mcp_call *c);

/* ---- task.c ----------------------------------------------------- */

void steward_task_of(const struct steward *s, const struct steward_job *j,
		     struct mcp_task *out);
int steward_task(void *arg, const struct mcp_who *who, const char *id,
		 struct mcp_task *out);
size_t steward_tasks(void *arg, const struct mcp_who *who, const char *after,
		     struct mcp_task *out, size_t max);
int steward_task_cancel(void *arg, const struct mcp_who *who, const char *id);

/* ---- resources.c ------------------------------------------------ */

struct json *steward_resources_list(struct steward *s, enum mcp_list what,
				    const struct mcp_who *who);
/* Answers c, now or later. */
void steward_resources_call(struct steward *s, struct mcp_call *c);
/* Nobody waits for c any more. */
void steward_resources_cancel(struct steward *s, struct mcp_call *c);
int steward_resources_watch(struct steward *s, const struct mcp_who *who,
			    const char *uri, bool on);
/* As offer.keep; uri NULL: of the lists. */
void steward_resources_keep(struct steward *s, const char *uri, long *ttl_ms,
			    const char **scope);
/* Once a second or so: looks at what is watched, s->opts.changed(). */
void steward_resources_tick(struct steward *s, double now);
/* Frees s->world. */
void steward_resources_close(struct steward *s);

/* ---- prompts.c -------------------------------------------------- */

struct json *steward_prompts_list(struct steward *s, const struct mcp_who *who);
void steward_prompts_call(struct steward *s, struct mcp_call *c);
/* Of prompts and of resource templates. */
void steward_complete(struct steward *s, struct mcp_call *c);

#endif
