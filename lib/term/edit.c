/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "term/edit.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <readline/readline.h>
#include <readline/history.h>

#include "base/buf.h"
#include "base/mem.h"
#include "term/table.h"
#include "term/text.h"

#define SPECIAL	   " \t\n\\\"'|<>;&()$`#"
#define LIST_MAX   60
#define LIST_BYTES (64u << 10)
#define GAP	   2

static struct {
	edit_complete *complete;
	void *arg;
	struct edit_choices choices; /* of the word that is being completed */
	size_t next;
	char *line;
	bool done;
	int wake[2]; /* what a signal handler writes to */
} edit = {.wake = {-1, -1}};

/* ---- quoting of file names -------------------------------------------- */

static char *quote_name(char *s, int match, char *quote)
{
	struct buf b;

	(void)match;
	if (*quote == '\'' || *quote == '"') {
		char *out = mem_printf("%c%s", *quote, s);

		*quote = '\0'; /* readline adds the closing one */
		return out;
	}
	buf_init(&b, LIST_BYTES);
	for (; *s; s++) {
		if (strchr(SPECIAL, *s))
			buf_puts(&b, "\\");
		buf_add(&b, s, 1);
	}
	return buf_take(&b);
}

static char *dequote_name(char *s, int quote)
{
	struct buf b;

	buf_init(&b, LIST_BYTES);
	for (; *s; s++) {
		if (*s == '\\' && s[1] && quote != '\'')
			s++;
		buf_add(&b, s, 1);
	}
	return buf_take(&b);
}

static int is_quoted(char *s, int at)
{
	int n = 0;

	while (at > 0 && s[--at] == '\\')
		n++;
	return n % 2;
}

/* ---- completion ------------------------------------------------------- */

void edit_choice_add(struct edit_choices *c, char *text, char *note)
{
	c->v = mem_realloc(c->v, c->len + 1, sizeof(*c->v));
	c->v[c->len++] = (struct edit_choice){text, note};
}

static void release_choices(void)
{
	for (size_t i = 0; i < edit.choices.len; i++) {
		free(edit.choices.v[i].text);
		free(edit.choices.v[i].note);
	}
	free(edit.choices.v);
	edit.choices = (struct edit_choices){0};
}

static char *next_choice(const char *text, int state)
{
	if (!state)
		edit.next = 0;
	while (edit.next < edit.choices.len) {
		const char *s = edit.choices.v[edit.next++].text;

		if (!strncmp(s, text, strlen(text)))
			return mem_strdup(s);
	}
	return NULL;
}

static char **attempt(const char *text, int start, int end)
{
	char **found = NULL;

	release_choices();
	edit.complete(edit.arg, rl_line_buffer, (size_t)start, (size_t)end,
		      &edit.choices);
	if (edit.choices.len)
		found = rl_completion_matches(text, next_choice);
	rl_attempted_completion_over = found || !edit.choices.files;
	return found;
}

static const char *note_of(const char *text)
{
	for (size_t i = 0; i < edit.choices.len; i++)
		if (!strcmp(edit.choices.v[i].text, text))
			return edit.choices.v[i].note;
	return NULL;
}

/* Of a path only the last part is news. */
static const char *news(const char *match)
{
	const char *slash =
		rl_filename_completion_desired ? strrchr(match, '/') : NULL;

	return slash && slash[1] ? slash + 1 : match;
}

static void list_notes(char **match, size_t n, int columns, struct buf *out)
{
	struct table *t = table_new();

	table_column(t, "", TABLE_LEFT);
	table_column(t, "", TABLE_LEFT);
	for (size_t i = 1; i <= n; i++) {
		const char *note = note_of(match[i]);

		table_cell(t, "%s", match[i]);
		table_cell(t, "%s", note ? note : "");
	}
	table_render(t, columns, out);
	table_free(t);
}

/* In columns, from left to right. */
static void list_names(char **match, size_t n, int columns, struct buf *out)
{
	size_t width = 1, across, at = 0;

	for (size_t i = 1; i <= n; i++) {
		size_t w = text_width(news(match[i])) + GAP;

		width = w > width ? w : width;
	}
	across = (size_t)columns / width ? (size_t)columns / width : 1;
	for (size_t i = 1; i <= n; i++) {
		size_t w = text_width(news(match[i]));

		text_clean(out, news(match[i]), (size_t)columns);
		at = (at + 1) % across;
		if (!at || i == n)
			buf_puts(out, "\n");
		else
			buf_printf(out, "%*s", (int)(width - w), "");
	}
}

static void list(char **match, int count, int longest)
{
	size_t all = (size_t)count, n = all > LIST_MAX ? LIST_MAX : all;
	int columns = text_columns(STDOUT_FILENO);
	bool notes = false;
	struct buf b;

	(void)longest;
	for (size_t i = 1; i <= n; i++)
		notes = notes || note_of(match[i]);
	buf_init(&b, LIST_BYTES);
	if (notes)
		list_notes(match, n, columns, &b);
	else
		list_names(match, n, columns, &b);
	if (n < all)
		buf_printf(&b, "and %zu more\n", all - n);
	rl_crlf();
	fputs(b.len ? b.data : "", rl_outstream);
	buf_release(&b);
	rl_on_new_line();
	rl_redisplay();
}

/* ---- earlier lines ---------------------------------------------------- */

void edit_remember(const char *line)
{
	for (int i = history_length - 1; i >= 0; i--) {
		HIST_ENTRY *e = history_get(history_base + i);

		if (!e || strcmp(e->line, line))
			continue;
		e = remove_history(i);
		if (e)
			free_history_entry(e);
	}
	add_history(line);
}

const char *edit_remembered(size_t i)
{
	HIST_ENTRY *e = NULL;

	if (i < (size_t)history_length)
		e = history_get(history_base + history_length - 1 - (int)i);
	return e ? e->line : NULL;
}

/* ---- reading ---------------------------------------------------------- */

static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};

static void on_signal(int sig)
{
	unsigned char c = (unsigned char)sig;
	int before = errno;
	ssize_t n = write(edit.wake[1], &c, 1);

	(void)n;
	errno = before;
}

static void on_line(char *line)
{
	edit.line = line;
	edit.done = true;
	/* Before what the line does is seen: the terminal as others know it. */
	rl_callback_handler_remove();
}

void edit_init(const char *name, edit_complete *complete, void *arg)
{
	setlocale(LC_CTYPE, "");
	edit.complete = complete;
	edit.arg = arg;
	if (pipe2(edit.wake, O_CLOEXEC | O_NONBLOCK) < 0)
		edit.wake[0] = edit.wake[1] = -1;
	rl_readline_name = name;
	rl_catch_signals = 0;
	rl_catch_sigwinch = 0;
	rl_change_environment = 0;
	rl_attempted_completion_function = attempt;
	rl_completion_display_matches_hook = list;
	rl_completer_word_break_characters = " \t\n|<>";
	rl_completer_quote_characters = "'\"";
	rl_filename_quote_characters = SPECIAL;
	rl_filename_quoting_function = quote_name;
	rl_filename_dequoting_function = dequote_name;
	rl_char_is_quoted_p = is_quoted;
	using_history();
}

/* What the signals since then ask for; EDIT_LINE: nothing. */
static enum edit_end heed_signals(void)
{
	enum edit_end end = EDIT_LINE;
	unsigned char sig;

	while (read(edit.wake[0], &sig, 1) == 1) {
		if (sig == SIGWINCH)
			rl_resize_terminal();
		else if (sig != SIGINT)
			end = EDIT_DONE;
		else if (end == EDIT_LINE)
			end = EDIT_INTERRUPTED;
	}
	return end;
}

static void give_up(enum edit_end why)
{
	fputs(why == EDIT_INTERRUPTED ? "^C" : "", rl_outstream);
	rl_callback_sigcleanup();
	rl_free_line_state();
	rl_callback_handler_remove();
	fputs("\n", rl_outstream);
	fflush(rl_outstream);
}

static enum edit_end read_line(void)
{
	struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
			       {.fd = edit.wake[0], .events = POLLIN}};
	enum edit_end end = EDIT_LINE;

	while (!edit.done && end == EDIT_LINE) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			end = EDIT_DONE;
		else if (fds[1].revents)
			end = heed_signals();
		else if (fds[0].revents & POLLIN)
			rl_callback_read_char();
		else if (fds[0].revents)
			end = EDIT_DONE;
	}
	if (!edit.done)
		give_up(end);
	return end;
}

enum edit_end edit_line(const char *prompt, char **line)
{
	struct sigaction before[ARRAY_LEN(caught)];
	struct sigaction sa = {.sa_handler = on_signal};
	enum edit_end end;

	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(caught); i++)
		sigaction(caught[i], &sa, &before[i]);
	edit.done = false;
	edit.line = NULL;
	rl_callback_handler_install(prompt, on_line);
	end = read_line();
	for (size_t i = 0; i < ARRAY_LEN(caught); i++)
		sigaction(caught[i], &before[i], NULL);
	*line = edit.line;
	if (end == EDIT_LINE && !edit.line)
		return EDIT_DONE;
	return end;
}
