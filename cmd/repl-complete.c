/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a word could become.  Options and commands are those that the tool's
 * own --help lists; ids come out of sched-history; nothing is kept twice.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/proc.h"
#include "cmd/repl.h"
#include "history/words.h"
#include "repl/tools.h"
#include "term/manual.h"

#define HELP_BYTES  (64u << 10)
#define HELP_TIME   5.0
#define LOG_BYTES   (32u << 20)
#define LOG_TIME    10.0
#define LOG_COUNT   "100"
#define PAST_WORDS  200
#define TITLE_BYTES 400

/* ---- what tools say --------------------------------------------------- */

static char *output_of(char *const *argv, size_t max, double seconds)
{
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res = {0};
	struct buf out, err;
	int rc;

	buf_init(&out, max);
	buf_init(&err, HELP_BYTES);
	spec.argv = argv;
	spec.stdin_fd = -1;
	spec.out = &out;
	spec.out_fd = -1;
	spec.err = &err;
	spec.err_fd = -1;
	spec.timeout_s = seconds;
	rc = proc_run(&spec, &res);
	buf_release(&err);
	if (!rc && !res.exit_status && out.len)
		return buf_take(&out);
	buf_release(&out);
	return NULL;
}

/* The --help of a tool, or of a command of one; asked once. */
static const char *help_of(const char *tool, const char *command)
{
	static struct {
		char *tool, *command, *text;
	} * known;
	static size_t count;
	char *argv[4] = {0};
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (!strcmp(known[i].tool, tool) &&
		    !strcmp(known[i].command, command))
			return known[i].text;
	argv[n++] = tools_find(tool);
	if (!argv[0])
		return NULL;
	if (*command)
		argv[n++] = (char *)command;
	argv[n] = (char *)"--help";
	known = mem_realloc(known, count + 1, sizeof(*known));
	known[count].tool = mem_strdup(tool);
	known[count].command = mem_strdup(command);
	known[count].text = output_of(argv, HELP_BYTES, HELP_TIME);
	free(argv[0]);
	return known[count++].text;
}

/* ---- choices ---------------------------------------------------------- */

struct wanted {
	const char *text; /* the beginning of the word */
	size_t len;
	struct edit_choices *out;
};

static void offer(const struct wanted *w, const char *text, const char *note)
{
	if (strncmp(text, w->text, w->len))
		return;
	for (size_t i = 0; i < w->out->len; i++)
		if (!strcmp(w->out->v[i].text, text))
			return;
	edit_choice_add(w->out, mem_strdup(text),
			note ? mem_strdup(note) : NULL);
}

/* What stands behind the name in a line of --help, or in the next one. */
static char *note_in(const char *from)
{
	size_t n = strcspn(from, "\n");
	const char *gap = memmem(from, n, "  ", 2);

	from = gap ? gap : from + n;
	from += strspn(from, " \n");
	return mem_strndup(from, strcspn(from, "\n"));
}

/* "  -n, --count N   propose N policies" */
static void offer_options(const struct wanted *w, const char *help)
{
	for (const char *s = help; s && *s; s = strchrnul(s, '\n')) {
		const char *name;
		char *option, *note;

		s += *s == '\n';
		name = memmem(s, strcspn(s, "\n"), "--", 2);
		if (strncmp(s, "  ", 2) || !name || name - s > 6)
			continue;
		option = mem_strndup(name, strcspn(name, " \n"));
		note = note_in(name);
		offer(w, option, note);
		free(option);
		free(note);
	}
}

/* "  show ID  one document": what stands in two columns under the options */
static bool offer_commands(const struct wanted *w, const char *help)
{
	bool any = false;

	for (const char *s = help; s && *s; s = strchrnul(s, '\n')) {
		char *name, *note;

		s += *s == '\n';
		if (strncmp(s, "  ", 2) || !islower((unsigned char)s[2]))
			continue;
		any = true;
		name = mem_strndup(s + 2, strcspn(s + 2, " \n"));
		note = note_in(s + 2);
		offer(w, name, note);
		free(name);
		free(note);
	}
	return any;
}

static void offer_tools(const struct wanted *w)
{
	struct strs names = {0};

	tools_list(&names);
	for (size_t i = 0; i < names.len; i++) {
		char *whole = mem_printf("sched-%s", names.v[i]);

		offer(w, names.v[i], NULL);
		/* Who types the whole name shall find it. */
		if (w->len)
			offer(w, whole, NULL);
		free(whole);
	}
	strs_release(&names);
}

static void offer_programs(const struct wanted *w)
{
	const char *path = getenv("PATH");
	char *copy = mem_strdup(path ? path : ""), *save = NULL;

	for (char *dir = strtok_r(copy, ":", &save); dir && w->len;
	     dir = strtok_r(NULL, ":", &save)) {
		DIR *d = opendir(dir);
		struct dirent *e;

		while (d && (e = readdir(d)))
			if (*e->d_name != '.' &&
			    !strncmp(e->d_name, w->text, w->len) &&
			    faccessat(dirfd(d), e->d_name, X_OK, 0) == 0)
				offer(w, e->d_name, NULL);
		if (d)
			closedir(d);
	}
	free(copy);
}

static void offer_pages(const struct wanted *w)
{
	struct strs pages = {0};

	manual_pages(&pages);
	for (size_t i = 0; i < pages.len; i++) {
		char *name = pages.v[i];

		*strrchr(name, '.') = '\0';
		if (!strncmp(name, "schedkit-", 9))
			offer(w, name + 9, NULL);
		else if (!strncmp(name, "sched-", 6))
			offer(w, name + 6, NULL);
		else
			offer(w, name, NULL);
	}
	strs_release(&pages);
	for (const struct repl_word *r = repl_words; r->name; r++)
		if (islower((unsigned char)*r->name))
			offer(w, r->name, NULL);
}

/* ---- ids -------------------------------------------------------------- */

/* The newest of the history, as documents; asked again after each line. */
static char *history;
static bool asked;

void repl_complete_forget(void)
{
	free(history);
	history = NULL;
	asked = false;
}

static void ask_history(void)
{
	char *path = tools_find("history");
	char *argv[] = {path,	      (char *)"log",	 (char *)"--json",
			(char *)"-n", (char *)LOG_COUNT, NULL};

	if (path && !asked)
		history = output_of(argv, LOG_BYTES, LOG_TIME);
	asked = true;
	free(path);
}

static void offer_id(const struct wanted *w, const struct doc *d)
{
	struct words_context c = {0};
	char *id = mem_strndup(d->id, w->len > 12 ? w->len : 12);
	struct buf b;

	buf_init(&b, TITLE_BYTES);
	if (words_known(d->kind))
		words_subject(&b, d, &c);
	offer(w, id, b.len ? b.data : d->kind);
	buf_release(&b);
	free(id);
}

static void offer_ids(const struct wanted *w)
{
	ask_history();
	for (char *s = history; s && *s;) {
		size_t n = strcspn(s, "\n");
		struct doc *d;

		if (n && doc_parse(s, n, &d) == 0) {
			offer_id(w, d);
			doc_free(d);
		}
		s += n + (s[n] == '\n');
	}
}

static bool is_hex(const struct wanted *w)
{
	return w->len && strspn(w->text, "0123456789abcdef") == w->len;
}

/* ---- earlier words ---------------------------------------------------- */

static void offer_past(const struct wanted *w)
{
	const char *line;

	if (!w->len)
		return;
	for (size_t i = 0; i < PAST_WORDS && (line = edit_remembered(i)); i++) {
		struct line_context c;

		/* All words of its last stage but an unfinished one. */
		line_context(line, strlen(line), &c);
		for (size_t k = 0; k < c.words.len; k++)
			offer(w, c.words.v[k], NULL);
		line_context_release(&c);
	}
}

/* ---- what is wanted --------------------------------------------------- */

static void complete_command(const struct wanted *w, bool first)
{
	for (const struct repl_word *r = repl_words; first && r->name; r++)
		if (islower((unsigned char)*r->name))
			offer(w, r->name, r->purpose);
	offer_tools(w);
	if (!w->out->len)
		offer_programs(w);
	/* A path of a program. */
	w->out->files = memchr(w->text, '/', w->len) != NULL;
}

static void complete_help(const struct wanted *w, const struct strs *words)
{
	if (words->len == 1)
		offer_pages(w);
	else if (words->len == 2)
		offer_options(w, help_of(words->v[1], ""));
}

/* The words of the command that stands behind "--"; -1: there is none. */
static long behind_dashes(const struct strs *words)
{
	for (size_t i = 1; i < words->len; i++)
		if (!strcmp(words->v[i], "--"))
			return (long)(words->len - i - 1);
	return -1;
}

static void complete_tool(const struct wanted *w, const char *tool,
			  const struct strs *words)
{
	struct edit_choices none = {0};
	struct wanted unseen = {.text = "", .out = &none};
	const char *help = help_of(tool, "");
	bool has_commands = offer_commands(&unseen, help);
	const char *command = "";

	if (has_commands && words->len > 1)
		for (size_t i = 0; i < none.len; i++)
			if (!strcmp(none.v[i].text, words->v[1]))
				command = words->v[1];
	for (size_t i = 0; i < none.len; i++) {
		free(none.v[i].text);
		free(none.v[i].note);
	}
	free(none.v);
	if (w->len && *w->text == '-') {
		offer_options(w, help_of(tool, command));
		return;
	}
	w->out->files = true;
	if (has_commands && words->len == 1)
		offer_commands(w, help);
	else if (is_hex(w) || (!w->len && !strcmp(tool, "history")))
		offer_ids(w);
}

/* Leaves the words that count: not "sched", nor "watch" and its options. */
static void drop_front(struct strs *w)
{
	size_t n = 0;

	if (w->len && !strcmp(w->v[0], "watch")) {
		n = 1;
		if (w->len > 1 && !strncmp(w->v[1], "-n", 2))
			n += w->v[1][2] ? 1 : 2;
	}
	if (n < w->len && !strcmp(w->v[n], "sched"))
		n++;
	n = n > w->len ? w->len : n;
	for (size_t i = 0; i < n; i++)
		free(w->v[i]);
	if (w->v)
		memmove(w->v, w->v + n, (w->len - n + 1) * sizeof(*w->v));
	w->len -= n;
}

static void complete_words(const struct wanted *w, struct line_context *c)
{
	const char *name = c->words.len ? c->words.v[0] : NULL;
	long behind = behind_dashes(&c->words);
	char *tool;

	if (!name) {
		complete_command(w, c->first_stage);
		return;
	}
	name += strncmp(name, "sched-", 6) ? 0 : 6;
	tool = tools_find(name);
	if (!strcmp(name, "help"))
		complete_help(w, &c->words);
	else if (behind == 0)
		offer_programs(w);
	else if (tool && behind < 0)
		complete_tool(w, name, &c->words);
	else
		w->out->files = strcmp(name, "last") && strcmp(name, "exit");
	free(tool);
}

/* Whether a file's name begins so is readline's to find out, if there is no
 * other choice: words of earlier lines are one only where no file is. */
static bool file_begins(const struct wanted *w)
{
	char *dir = mem_strndup(w->text, w->len), *name = strrchr(dir, '/');
	bool found = false;
	struct dirent *e;
	DIR *d;

	if (name)
		*name++ = '\0';
	d = opendir(!name ? "." : *dir ? dir : "/");
	name = name ? name : dir;
	while (d && !found && (e = readdir(d)))
		found = !strncmp(e->d_name, name, strlen(name));
	if (d)
		closedir(d);
	free(dir);
	return found;
}

void repl_complete(void *arg, const char *line, size_t start, size_t cursor,
		   struct edit_choices *out)
{
	struct wanted w = {
		.text = line + start, .len = cursor - start, .out = out};
	struct line_context c;

	(void)arg;
	line_context(line, start, &c);
	/* Plain words, and a shell's, have names of files at most. */
	if (line[strspn(line, " \t")] == '!') {
		out->files = true;
	} else if (c.file) {
		out->files = true;
	} else {
		drop_front(&c.words);
		complete_words(&w, &c);
	}
	line_context_release(&c);
	if (out->files && !out->len && !file_begins(&w))
		offer_past(&w);
}
