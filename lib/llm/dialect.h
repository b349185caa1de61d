/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dialects: how a request is written and an answer is read.  No network here.
 * Private to lib/llm.
 */
#ifndef SCHEDKIT_LLM_DIALECT_H
#define SCHEDKIT_LLM_DIALECT_H

#include "base/buf.h"
#include "base/strs.h"
#include "llm/provider.h"
#include "llm/sse.h"

/* What an endpoint is known to want, learnt from what it refused. */
struct dialect_opts {
	const char *model;
	bool stream;
	bool no_stream_options;
	bool completion_tokens; /* max_completion_tokens, not max_tokens */
	/* The answer goes on: it has no form of its own.  resume: in the
	 * assistant's turn that stands last. */
	bool slice, resume;
	long slot; /* llama.cpp's, from 1; 0: any */
};

/* An error as an endpoint words it; "" where it says nothing. */
struct api_error {
	bool set;
	long code; /* a number in the body; 0: none */
	char type[64], kind[64];
	char message[320]; /* one line, printable, without secrets */
};

/* A call of a tool, as its fragments come in. */
struct fragment {
	long index;
	char *id, *name; /* NULL: not told yet */
	struct buf arguments;
};

/* An answer that is being put together. */
struct gather {
	struct buf text, refusal;
	struct fragment *calls;
	size_t call_count;
	char *model;
	struct llm_usage usage;
	long cache_made; /* Anthropic's; part of usage.in */
	enum llm_finish finish;
	bool complete; /* it said that this was all */
	struct api_error error;
	/* Most servers send a token at a time. */
	long pieces;
	size_t repeats; /* bytes at the beginning that do not count */
	long repeated;	/* pieces of them */
	bool limited;	/* to so many pieces that count: */
	long most;
	size_t at_most; /* bytes of the text with these */
};

void gather_init(struct gather *g, size_t max_bytes);
void gather_release(struct gather *g);
void gather_text(struct gather *g, const char *s);
/*
 * The call that a fragment belongs to, made when it is new; NULL: too many.
 * An id and a name (NULL or "" where the fragment has none) that another call
 * of this index does not have begin a new one: some count wrong or not at all.
 */
struct fragment *gather_call(struct gather *g, long index, const char *id,
			     const char *name);
/* A string is a piece of the arguments, an object all of them. */
void gather_arguments(struct gather *g, struct fragment *f,
		      const struct json *v);
/* Of what was said, without what was only thought. */
size_t gather_bytes(const struct gather *g);
/* Tokens out so far: what was told, else what seems likely; and those that are
 * no repeat. */
long gather_tokens(const struct gather *g);
long gather_fresh(const struct gather *g);
void gather_model(struct gather *g, const char *model);
/* A count of tokens, whatever was sent; dflt: there is none. */
long token_count(const struct json *v, long dflt);

/*
 * The answer in the neutral form: calls and their ids, <tool_call> in the
 * text, the arguments of ANSWER_TOOL as the text.  -EBADMSG: arguments that
 * are no JSON object, no end.
 */
int gather_finish(struct gather *g, const struct llm_request *r,
		  struct llm_answer *out);

/* The error in a body or an event, if there is one. */
void api_error_read(const struct json *v, struct api_error *e);
/* What an outsider wrote, as one printable line without secrets; cut at size.
 */
void plain_line(char *out, size_t size, const char *s);

struct dialect {
	const char *name;
	/* Below the address: of a request, of the list of models. */
	const char *path, *models;
	/* Where the address already ends in /v1, so that /v1 is left out. */
	bool version_in_path;
	bool trim; /* no white space at the end of an assistant's turn */
	/* The request; NULL: this dialect does not have this shape. */
	struct json *(*request)(const struct llm_request *r,
				enum llm_shape shape,
				const struct dialect_opts *o);
	void (*headers)(const char *key, struct strs *out);
	/* One body, one event of a stream: 0, or -EBADMSG.  An error of the
	 * endpoint goes to g->error. */
	int (*answer)(struct gather *g, const struct json *body);
	int (*event)(struct gather *g, const struct json *data);
	/* An event of the stream that is not JSON but its end. */
	const char *end;
};

extern const struct dialect dialect_openai, dialect_anthropic;

/* data of an SSE event to g; takes care of what is no JSON. */
int dialect_event(const struct dialect *d, struct gather *g,
		  const struct sse_event *e);
int dialect_answer(const struct dialect *d, struct gather *g, const char *body,
		   size_t len);

#endif
