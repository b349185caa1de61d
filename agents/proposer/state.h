/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the proposer share, and whoever has its roles played by
 * another's model. */
#ifndef SCHEDKIT_AGENTS_PROPOSER_STATE_H
#define SCHEDKIT_AGENTS_PROPOSER_STATE_H

#include "agents/observer/features.h"
#include "agents/proposer/model_tools.h"
#include "agents/prompt/prompt.h"
#include "agents/proposer/proposer.h"
#include "crypt/digest.h"

#define TALK_ROUNDS	6 /* answers of one call that may want tools */
#define TALK_CALLS	8 /* tools of one answer */
#define TALK_TEXT	(16u << 10) /* of one message kept in a transcript */
#define TALK_TRANSCRIPT (256u << 10)
#define PAST_MAX	(24u << 10) /* more is shortened by the summariser */
#define PROMPT_MAX	(1u << 20)
#define FINDINGS_MAX	12
#define FINDING_TEXT	400

/* As in role_names[] of agents/prompt/prompt.h. */
enum role_id {
	ROLE_PLANNER,
	ROLE_CODER,
	ROLE_FIXER,
	ROLE_CRITIC,
	ROLE_SUMMARISER,
	ROLE_COUNT,
};

/* What was said about one thing, and what it cost. */
struct talk {
	struct json *entries;  /* {"role","messages","answer"} */
	struct json *accounts; /* {ROLE:{"calls","tokens_in",…}} */
	char *model;	       /* as the endpoint names it; NULL */
};

/* What this stream and the history have. */
struct past {
	const struct doc **docs; /* first the stream's */
	size_t count;
	struct doc **owned;
	size_t owned_count;
	struct json *dead; /* {FINGERPRINT: why} */
};

enum draft_state { DRAFT_OPEN, DRAFT_ACCEPTED, DRAFT_DEAD, DRAFT_DROPPED };

/* A proposal on its way up the ladder. */
struct draft {
	enum draft_state state;
	struct json *body; /* of the policy */
	struct talk talk;
	struct json *findings; /* {"rule","file","line","text"} */
	struct json *earlier;  /* what the fixer said of its earlier turns */
	char *advice;	       /* the critic's */
	long climbs, turns;
	char fingerprint[DIGEST_HEX_LEN]; /* of the last climb; "": none */
	char object[DIGEST_HEX_LEN];
	char *metric; /* the goal in the simulator; NULL: none */
	double ratio; /* to EEVDF */
	long seeds;
	struct doc *verdict; /* of the last climb */
	char *why;	     /* it is dead or was dropped */
};

struct proposer {
	struct stream *stream;
	const struct doc *profile;
	struct switchboard *board; /* NULL: nobody is asked */
	struct model *model;
	const struct ladder_gate *gate;
	const struct proposer_opts *o;
	struct model_tools *tools;
	struct role roles[ROLE_COUNT];
	struct features features;
	struct past past;
	struct talk planning;
	char *summary; /* the planner's */
	struct draft *drafts;
	size_t count;
};

void proposer_say(const struct proposer *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* What a model may call, with this one's profile, cancel and gate. */
void proposer_tools(struct proposer *p);
/* Loads it when it is not yet there. */
int proposer_role(struct proposer *p, enum role_id id, const struct role **out);

/* account.c */
void talk_release(struct talk *t);
void talk_account(struct talk *t, const char *role, const struct json *answer);
/* Messages from `first` on: those before are in an earlier entry. */
void talk_record(struct talk *t, const char *role, const struct json *messages,
		 size_t first, const struct json *answer);
/* {"backend","model","calls","tokens_in",…,"cost_usd"} of all roles. */
struct json *talk_provenance(const struct talk *t, const char *backend);
/* The entries, cut to TALK_TRANSCRIPT bytes: the oldest lose their messages.
 */
struct json *talk_transcript(const struct talk *t);

/* talk.c: one question to a role, with the tools it calls for */
/* What talk_ask() would send first: {"role","system","messages",…}. */
int talk_request(struct proposer *p, enum role_id id, const char *text,
		 struct json **out);
/*
 * *value: the answer, by the role's schema, the caller's.  -EBADMSG: the model
 * gave none that can be used; other errors as model_ask().
 */
int talk_ask(struct proposer *p, struct talk *t, enum role_id id,
	     const char *text, struct json **value);

/* body.c: policy bodies */
/*
 * Of one experiment of the planner's; without code.  -EINVAL: it is none, and
 * why.
 */
int body_of_experiment(const struct json *experiment,
		       const struct json *profile, struct json **out);
/*
 * A digest of what a policy does, whatever it is called: equal for equal
 * normalised parameters, and for code that differs in white space and comments
 * only.
 */
void body_fingerprint(const struct json *body, char out[static DIGEST_HEX_LEN]);
bool body_has_code(const struct json *body);
/* The coder's answer goes in.  -EINVAL: it holds no code. */
int body_add_code(struct json *body, const struct json *answer,
		  const struct json *profile);
/*
 * The fixer's answer goes in: *out is a changed copy.  -EPERM: it would be
 * another experiment (the message says how); -EINVAL: it changes nothing that
 * this form has.
 */
int body_fix(const struct json *body, const struct json *answer,
	     const struct json *profile, struct json **out);

/* past.c */
int proposer_past(struct past *past, const struct proposer *p);
void past_release(struct past *past);
/* Why this must not be tried again; NULL: nothing speaks against it. */
const char *past_is_dead(const struct past *past, const char *fingerprint);
/* The newest verdict about a policy; NULL. */
const struct doc *past_verdict(const struct past *past, const char *policy);
/* What is worth telling a planner, with headings; may be empty. */
void past_words(const struct past *past, const struct proposer *p,
		struct buf *out);

/* words.c: the messages */
/* past: what past_words() said, or its summary. */
void words_for_planner(struct buf *b, const struct proposer *p,
		       const char *past);
void words_for_summariser(struct buf *b, const char *past);
/* body: the experiment, without code. */
void words_for_coder(struct buf *b, const struct proposer *p,
		     const struct json *body);
void words_for_critic(struct buf *b, const struct proposer *p,
		      const struct json *body);
void words_for_fixer(struct buf *b, const struct proposer *p,
		     const struct draft *d);

/* findings.c */
/* Of the stages of a verdict that failed; array. */
struct json *findings_of(const struct json *verdict);
/* A copy with one more before them: what has to be known first. */
struct json *findings_with(const struct json *findings, const char *rule,
			   const char *text);

/* draft.c: a draft up the ladder, and what to do when it fell */
/* 0 whatever became of it; -errno ends the whole run. */
int draft_develop(struct proposer *p, struct draft *d);
void draft_release(struct draft *d);
/* Ends it.  DRAFT_DEAD or DRAFT_DROPPED. */
void draft_end(struct draft *d, enum draft_state state, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* json.c: a draft from process to process; its findings, advice and
 * verdict stay behind */
struct json *draft_json(const struct draft *d);
/* -EBADMSG: it is none. */
int draft_take(const struct json *v, struct draft *out);

/* crew.c: all of them */
/* -errno: what ended it before all were developed. */
int crew_develop(struct proposer *p);

/* emit.c: plan, policies and notes */
int emit_all(struct proposer *p, const char *stopped, size_t *accepted);

#endif
