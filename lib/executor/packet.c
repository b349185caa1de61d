/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "executor/packet.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define JOB_MAGIC    "schedkit job 1"
#define ANSWER_MAGIC "schedkit answer 1"
#define DIGITS	     12 /* of any number of a head */

/* ---- reading ---------------------------------------------------------- */

struct reader {
	const char *at, *end;
	bool bad;
};

/* The rest of the next line after "WORD "; its length.  Lines of a head are
 * short. */
static const char *line_after(struct reader *r, const char *word, size_t *len)
{
	size_t n = strlen(word), left = (size_t)(r->end - r->at);
	const char *nl = memchr(r->at, '\n', left < 128 ? left : 128), *text;

	*len = 0;
	if (r->bad || !nl || (size_t)(nl - r->at) < n + 1 ||
	    memcmp(r->at, word, n) != 0 || r->at[n] != ' ') {
		r->bad = true;
		return "";
	}
	text = r->at + n + 1;
	*len = (size_t)(nl - text);
	r->at = nl + 1;
	return text;
}

static size_t number_after(struct reader *r, const char *word, size_t most)
{
	size_t len, x = 0;
	const char *text = line_after(r, word, &len);

	if (!len || len > DIGITS)
		r->bad = true;
	for (size_t i = 0; !r->bad && i < len; i++) {
		if (!isdigit((unsigned char)text[i]))
			r->bad = true;
		x = 10 * x + (size_t)(text[i] - '0');
	}
	r->bad |= x > most;
	return r->bad ? 0 : x;
}

static void magic(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(r->end - r->at) <= n || memcmp(r->at, word, n) != 0 ||
	    r->at[n] != '\n')
		r->bad = true;
	else
		r->at += n + 1;
}

static void take_words(struct reader *r, size_t n, struct strs *out)
{
	for (size_t i = 0; i < n && !r->bad; i++) {
		const char *nul = memchr(r->at, '\0', (size_t)(r->end - r->at));

		if (!nul) {
			r->bad = true;
			return;
		}
		strs_add(out, r->at);
		r->at = nul + 1;
	}
}

static const char *take_bytes(struct reader *r, size_t len)
{
	const char *at = r->at;

	if (r->bad || (size_t)(r->end - r->at) < len) {
		r->bad = true;
		return "";
	}
	r->at += len;
	return at;
}

static int finish(const struct reader *r, const char *what)
{
	if (r->bad || r->at != r->end)
		return err_set(EBADMSG, "this is no whole %s of ours", what);
	return 0;
}

int job_packet_read(const char *data, size_t len, struct job_packet *p)
{
	struct reader r = {data, data + len, false};
	size_t argc, envc;
	int rc;

	*p = (struct job_packet){0};
	magic(&r, JOB_MAGIC);
	argc = number_after(&r, "argv", PACKET_WORDS);
	envc = number_after(&r, "env", PACKET_WORDS);
	p->input_len = number_after(&r, "input", PACKET_JOB_MAX);
	take_words(&r, argc, &p->argv);
	take_words(&r, envc, &p->env);
	p->input = take_bytes(&r, p->input_len);
	r.bad |= !argc;
	rc = finish(&r, "job");
	if (rc)
		job_packet_release(p);
	return rc;
}

int answer_packet_read(const char *data, size_t len, struct answer_packet *p)
{
	struct reader r = {data, data + len, false};
	char node[PACKET_NODE_LEN] = "";
	const char *text;
	size_t n;

	*p = (struct answer_packet){0};
	magic(&r, ANSWER_MAGIC);
	p->exit_status = (int)number_after(&r, "status", 255);
	p->gave_up = number_after(&r, "gave_up", 1);
	p->seconds = (double)number_after(&r, "ms", 1000000000000u) / 1e3;
	text = line_after(&r, "node", &n);
	memcpy(node, text, n < sizeof(node) ? n : sizeof(node) - 1);
	packet_node(node, p->node);
	p->out_len = number_after(&r, "out", PACKET_OUT_MAX);
	p->said_len = number_after(&r, "said", PACKET_SAID_MAX);
	p->out = take_bytes(&r, p->out_len);
	p->said = take_bytes(&r, p->said_len);
	return finish(&r, "answer");
}

void job_packet_release(struct job_packet *p)
{
	strs_release(&p->argv);
	strs_release(&p->env);
	*p = (struct job_packet){0};
}

/* ---- writing ---------------------------------------------------------- */

static void put_words(struct buf *out, const struct strs *l)
{
	for (size_t i = 0; i < l->len; i++)
		buf_add(out, l->v[i], strlen(l->v[i]) + 1);
}

void job_packet_write(const struct job_packet *p, struct buf *out)
{
	buf_printf(out, JOB_MAGIC "\nargv %zu\nenv %zu\ninput %zu\n",
		   p->argv.len, p->env.len, p->input_len);
	put_words(out, &p->argv);
	put_words(out, &p->env);
	buf_add(out, p->input, p->input_len);
}

void answer_packet_write(const struct answer_packet *p, struct buf *out)
{
	char node[PACKET_NODE_LEN];

	packet_node(p->node, node);
	buf_printf(out,
		   ANSWER_MAGIC "\nstatus %d\ngave_up %d\nms %.0f\nnode %s\n"
				"out %zu\nsaid %zu\n",
		   p->exit_status & 255, p->gave_up, 1e3 * p->seconds, node,
		   p->out_len, p->said_len);
	buf_add(out, p->out, p->out_len);
	buf_add(out, p->said, p->said_len);
}

void packet_node(const char *name, char out[static PACKET_NODE_LEN])
{
	size_t n = 0;

	for (; *name && n < PACKET_NODE_LEN - 1; name++)
		if (isalnum((unsigned char)*name) || strchr("._-:@", *name))
			out[n++] = *name;
	if (!n)
		out[n++] = '?';
	out[n] = '\0';
}
