/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Roles: front matter, and the system text made of the pages it names. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/prompt/prompt.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strs.h"
#include "doc/utf8.h"

#define MAX_FILE   (64u << 10)
#define MIN_TOKENS 64
#define MAX_TOKENS 200000

/* Before everything else in every role, whatever the user's file says. */
#define FIRST_PAGE "data"

const char *const role_names[] = {"planner",	"coder",    "fixer", "critic",
				  "summariser", "declarer", NULL};

struct front {
	struct strs include;
	char *schema;
	long max_tokens;
	bool tools;
	unsigned seen; /* bits of keys[] */
};

/* One value of the front matter, NUL-terminated; in `where` "FILE:LINE". */
typedef int reader(struct front *f, const char *value, const char *where);

static void front_release(struct front *f)
{
	strs_release(&f->include);
	free(f->schema);
}

static int read_tokens(struct front *f, const char *value, const char *where)
{
	char *end;
	long n = strtol(value, &end, 10);

	if (*end || end == value || n < MIN_TOKENS || n > MAX_TOKENS)
		return err_set(EINVAL, "%s: max_tokens: '%s' is not %d … %d",
			       where, value, MIN_TOKENS, MAX_TOKENS);
	f->max_tokens = n;
	return 0;
}

static int read_tools(struct front *f, const char *value, const char *where)
{
	f->tools = !strcmp(value, "true");
	if (!f->tools && strcmp(value, "false"))
		return err_set(EINVAL, "%s: tools: '%s' is not true or false",
			       where, value);
	return 0;
}

static bool is_name(const char *s)
{
	return *s && !s[strspn(s, "abcdefghijklmnopqrstuvwxyz_")];
}

static int read_include(struct front *f, const char *value, const char *where)
{
	char *list = mem_strdup(value), *save = NULL;
	int rc = 0;

	strs_release(&f->include);
	f->include = (struct strs){0};
	for (char *w = strtok_r(list, ", \t", &save); w && !rc;
	     w = strtok_r(NULL, ", \t", &save)) {
		if (is_name(w))
			strs_add(&f->include, w);
		else
			rc = err_set(EINVAL,
				     "%s: include: '%s' is not a page's name; "
				     "names are lower-case letters, with "
				     "commas between",
				     where, w);
	}
	free(list);
	return rc;
}

static int read_schema(struct front *f, const char *value, const char *where)
{
	static const char folder[] = "schemas/", suffix[] = ".json";
	size_t len = strlen(value), edge = sizeof(folder) + sizeof(suffix) - 2;
	const char *name = value + sizeof(folder) - 1;

	if (len <= edge || strncmp(value, folder, sizeof(folder) - 1) ||
	    strcmp(value + len - sizeof(suffix) + 1, suffix) ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz_") != len - edge)
		return err_set(EINVAL,
			       "%s: schema: '%s' is not schemas/NAME.json",
			       where, value);
	free(f->schema);
	f->schema = mem_strdup(value);
	return 0;
}

static bool is_kind(const char *word)
{
	for (size_t i = 0; doc_kinds[i]; i++)
		if (!strcmp(doc_kinds[i], word))
			return true;
	return !strcmp(word, "answer");
}

/* These say what a role is for; nothing is done with them. */
static int read_kinds(struct front *f, const char *value, const char *where)
{
	char *list = mem_strdup(value), *save = NULL;
	int rc = 0;

	(void)f;
	for (char *w = strtok_r(list, ", \t", &save); w && !rc;
	     w = strtok_r(NULL, ", \t", &save))
		if (!is_kind(w))
			rc = err_set(EINVAL, "%s: '%s' is no kind of document",
				     where, w);
	free(list);
	return rc;
}

/* Compared by read_line(). */
static int read_name(struct front *f, const char *value, const char *where)
{
	(void)f;
	(void)value;
	(void)where;
	return 0;
}

static const struct {
	const char *name;
	reader *read;
	bool ours; /* part of the protocol: not for a user's file */
	bool must;
} keys[] = {
	{"role", read_name, false, true},
	{"in", read_kinds, true, true},
	{"out", read_kinds, true, true},
	{"max_tokens", read_tokens, false, true},
	{"tools", read_tools, false, true},
	{"include", read_include, false, false},
	{"schema", read_schema, true, true},
};

/* A role's file while it is read. */
struct source {
	const char *role;
	const char *path;
	bool users;
};

static int read_line(const struct source *s, char *line, int number,
		     struct front *f)
{
	char *where = mem_printf("%s:%d", s->path, number);
	char *colon = strchr(line, ':');
	const char *value = colon ? colon + 1 : "";
	size_t i = 0, end;
	int rc;

	if (colon)
		*colon = '\0';
	while (i < ARRAY_LEN(keys) && strcmp(keys[i].name, line))
		i++;
	value += strspn(value, " \t");
	for (end = strlen(value); end && isspace((unsigned char)value[end - 1]);
	     end--)
		((char *)value)[end - 1] = '\0';
	if (!colon)
		rc = err_set(EINVAL, "%s: '%s' is not 'key: value'", where,
			     line);
	else if (i == ARRAY_LEN(keys))
		rc = err_set(EINVAL,
			     "%s: '%s' is no key; there are role, in, out, "
			     "max_tokens, tools, include and schema",
			     where, line);
	else if (f->seen & 1u << i)
		rc = err_set(EINVAL, "%s: '%s' is there twice", where, line);
	else if (s->users && keys[i].ours)
		rc = err_set(EINVAL,
			     "%s: '%s' is part of the protocol and cannot be "
			     "changed; leave the line out",
			     where, line);
	else if (i == 0 && strcmp(value, s->role))
		rc = err_set(EINVAL, "%s: role: '%s' in the file of '%s'",
			     where, value, s->role);
	else
		rc = keys[i].read(f, value, where);
	if (!rc)
		f->seen |= 1u << i;
	free(where);
	return rc;
}

static int missing(const struct source *s, const struct front *f)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (keys[i].must && !(f->seen & 1u << i))
			return err_set(EINVAL, "%s:1: '%s:' is missing",
				       s->path, keys[i].name);
	return 0;
}

/* *body: what stands behind the front matter, in text, which is changed. */
static int read_front(const struct source *s, char *text, struct front *f,
		      const char **body)
{
	char *line = text, *next;
	int number = 1, rc = 0;

	*body = text;
	f->seen = 0;
	if (strncmp(text, "---\n", 4)) {
		if (s->users)
			return 0;
		return err_set(EINVAL,
			       "%s:1: the front matter is missing: it "
			       "begins with '---'",
			       s->path);
	}
	for (line = text + 4; !rc; line = next) {
		number++;
		next = strchr(line, '\n');
		if (!next)
			return err_set(EINVAL,
				       "%s:%d: the front matter does not end; "
				       "a line '---' is missing",
				       s->path, number);
		*next++ = '\0';
		if (!strcmp(line, "---"))
			break;
		rc = read_line(s, line, number, f);
	}
	*body = next;
	return rc ? rc : s->users ? 0 : missing(s, f);
}

/* The text after the front matter goes to body; text keeps it alive. */
static int read_role(const struct source *s, struct front *f, struct buf *text,
		     const char **body)
{
	int rc = buf_read_file(text, s->path);

	if (rc)
		return rc;
	if (!text->len || strlen(text->data) != text->len ||
	    !utf8_valid(text->data, text->len))
		return err_set(EINVAL, "%s: it is %s", s->path,
			       text->len ? "not UTF-8 text" : "empty");
	rc = read_front(s, text->data, f, body);
	if (!rc && !(*body)[strspn(*body, " \t\r\n")])
		rc = err_set(EINVAL, "%s: there is no text", s->path);
	return rc;
}

static int system_text(const struct source *s, const struct front *f,
		       const char *body, struct role *out)
{
	struct buf b;
	int rc;

	buf_init(&b, ROLE_MAX_SYSTEM);
	rc = prompt_page(&b, FIRST_PAGE);
	for (size_t i = 0; i < f->include.len && !rc; i++) {
		if (!strcmp(f->include.v[i], FIRST_PAGE))
			continue;
		buf_puts(&b, "\n");
		rc = prompt_page(&b, f->include.v[i]);
	}
	if (rc) {
		buf_release(&b);
		return err_prefix(rc, "%s: include", s->path);
	}
	body += strspn(body, "\r\n");
	buf_printf(&b, "\n%s", body);
	if (b.truncated) {
		buf_release(&b);
		return err_set(EINVAL,
			       "%s: with what it includes the text is over %u "
			       "bytes; include less",
			       s->path, ROLE_MAX_SYSTEM);
	}
	out->system = buf_take(&b);
	return 0;
}

static int read_answer(const struct front *f, struct role *out)
{
	char *name = mem_printf("prompts/%s", f->schema);
	char *path = path_lib(name);
	struct buf b;
	int rc;

	buf_init(&b, MAX_FILE);
	rc = buf_read_file(&b, path);
	if (!rc) {
		out->schema = json_parse(b.data ? b.data : "", b.len);
		if (!out->schema)
			rc = err_prefix(-EINVAL, "%s", path);
	}
	buf_release(&b);
	free(path);
	free(name);
	return rc;
}

/* The user's file, if there is one, over ours. */
static int load(const char *name, const char *ours, const char *users,
		struct front *f, struct role *out)
{
	struct source from[] = {{name, ours, false}, {name, users, true}};
	size_t last = access(users, F_OK) ? 0 : 1;
	const char *body = NULL;
	struct buf text[2];
	int rc = 0;

	buf_init(&text[0], MAX_FILE);
	buf_init(&text[1], MAX_FILE);
	for (size_t i = 0; i <= last && !rc; i++)
		rc = read_role(&from[i], f, &text[i], &body);
	if (!rc)
		rc = system_text(&from[last], f, body, out);
	if (!rc)
		rc = read_answer(f, out);
	out->path = mem_strdup(from[last].path);
	buf_release(&text[0]);
	buf_release(&text[1]);
	return rc;
}

int role_load(const char *name, struct role *out)
{
	char *file, *ours, *users;
	struct front f = {0};
	size_t i = 0;
	int rc;

	*out = (struct role){0};
	while (role_names[i] && strcmp(role_names[i], name))
		i++;
	if (!role_names[i])
		return err_set(EINVAL,
			       "no role '%s'; there are planner, coder, fixer, "
			       "critic, summariser and declarer",
			       name);
	file = mem_printf("prompts/%s.md", name);
	ours = path_lib(file);
	users = path_config(file);
	rc = load(name, ours, users, &f, out);
	out->name = mem_strdup(name);
	out->max_tokens = f.max_tokens;
	out->tools = f.tools;
	if (rc)
		role_release(out);
	front_release(&f);
	free(users);
	free(ours);
	free(file);
	return rc;
}

void role_release(struct role *r)
{
	free(r->name);
	free(r->system);
	free(r->path);
	json_free(r->schema);
	*r = (struct role){0};
}
