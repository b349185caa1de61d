/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tool's place in a pipe. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "doc/stream.h"

/* ---- what goes in and what comes out -------------------------------- */

static struct doc *note(const char *text, const char *parent)
{
	struct json *body = json_object();
	struct doc *d;

	json_set_string(body, "text", text);
	d = doc_new("note", "test", body, &parent, parent ? 1 : 0);
	assert_non_null(d);
	return d;
}

/* Adds the line of a note, and its newline. */
static void add_note(struct buf *b, const char *text, const char *parent)
{
	struct doc *d = note(text, parent);
	char *line = doc_line(d);

	buf_puts(b, line);
	buf_puts(b, "\n");
	free(line);
	doc_free(d);
}

static void note_id(const char *text, char id[static DOC_ID_LEN])
{
	struct doc *d = note(text, NULL);

	memcpy(id, d->id, DOC_ID_LEN);
	doc_free(d);
}

static int file_with(const void *data, size_t len)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void read_back(int fd, struct buf *b)
{
	buf_init(b, 1u << 30);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(buf_read_fd(b, fd), 0);
	buf_add(b, "", 0);
}

struct run {
	struct stream *s;
	struct buf out;
	size_t good, bad;
	struct buf messages; /* of bad lines, one a line */
};

/* The whole input through a stream. */
static void run(struct run *r, const void *data, size_t len)
{
	int in = file_with(data, len), out = file_with("", 0), rc;
	const struct doc *d;

	*r = (struct run){.s = stream_open(in, out, "sched-x")};
	buf_init(&r->messages, 1 << 20);
	while ((rc = stream_next(r->s, &d)) != 0) {
		if (rc == 1) {
			assert_non_null(d);
			r->good++;
			continue;
		}
		assert_int_equal(rc, -EINVAL);
		assert_null(d);
		r->bad++;
		buf_printf(&r->messages, "%s\n", err_text());
	}
	assert_int_equal(stream_bad_lines(r->s), r->bad);
	assert_int_equal(stream_count(r->s), r->good + r->bad);
	read_back(out, &r->out);
	close(in);
	close(out);
}

static void run_free(struct run *r)
{
	stream_free(r->s);
	buf_release(&r->out);
	buf_release(&r->messages);
}

static void passes_unchanged(const char *data, size_t len, size_t documents)
{
	struct run r;

	run(&r, data, len);
	assert_int_equal(r.good, documents);
	assert_int_equal(r.bad, 0);
	assert_int_equal(r.out.len, len);
	assert_memory_equal(r.out.data, data, len);
	run_free(&r);
}

/* ---- good lines ------------------------------------------------------ */

static void good_lines_pass_byte_for_byte(void **state)
{
	struct buf b;
	struct doc *d = note("id", NULL);

	(void)state;
	buf_init(&b, 1 << 20);
	passes_unchanged("", 0, 0);
	passes_unchanged("\n\n \t\r\n", 6, 0);
	add_note(&b, "one", NULL);
	buf_puts(&b, "\n");
	/* Untidy, of an unknown kind, with keys of a later version. */
	buf_printf(
		&b,
		"  {\"kind\":\"brand_new\",\t\"x\":[1.0,\"\\u0041\"],\"v\":1,"
		"\"by\":\"\",\"time\":\"\",\"parent\":[ ],\"id\":\"%s\","
		"\"body\":{\"text\":\"\\u0069d\"}} \r\n",
		d->id);
	add_note(&b, "one", NULL);
	add_note(&b, "zwei \xc3\xa9\n", d->id);
	passes_unchanged(b.data, b.len, 4);
	doc_free(d);
	buf_release(&b);
}

static void a_last_line_may_lack_its_newline(void **state)
{
	struct run r;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	add_note(&b, "one", NULL);
	add_note(&b, "two", NULL);
	run(&r, b.data, b.len - 1);
	assert_int_equal(r.good, 2);
	assert_int_equal(r.bad, 0);
	assert_int_equal(r.out.len, b.len);
	assert_memory_equal(r.out.data, b.data, b.len);
	run_free(&r);
	buf_release(&b);
}

static void own_documents_follow(void **state)
{
	int in, out;
	struct stream *s;
	const struct doc *d;
	struct doc *own;
	char *line;
	struct buf b, got;

	(void)state;
	buf_init(&b, 1 << 20);
	add_note(&b, "one", NULL);
	add_note(&b, "two", NULL);
	in = file_with(b.data, b.len);
	out = file_with("", 0);
	s = stream_open(in, out, "sched-x");
	assert_int_equal(stream_next(s, &d), 1);
	assert_int_equal(stream_next(s, &d), 1);
	assert_int_equal(stream_next(s, &d), 0);
	assert_int_equal(stream_next(s, &d), 0);
	own = note("mine", d ? d->id : NULL);
	line = doc_line(own);
	buf_printf(&b, "%s\n", line);
	assert_int_equal(stream_emit(s, own), 0);
	read_back(out, &got);
	assert_string_equal(got.data, b.data);
	assert_ptr_equal(stream_find(s, own->id), own);
	assert_ptr_equal(stream_last(s, "note"), own);
	assert_ptr_equal(stream_at(s, 2), own);
	assert_null(stream_at(s, 3));
	assert_null(stream_last(s, "plan"));
	assert_null(stream_find(s, "short"));
	assert_null(stream_find(s, "0000000000000000000000000000000000000000"
				   "000000000000000000000000"));
	stream_free(s);
	free(line);
	buf_release(&b);
	buf_release(&got);
	close(in);
	close(out);
}

static void no_input_and_no_output(void **state)
{
	struct stream *s = stream_open(-1, -1, "sched-x");
	const struct doc *d;

	(void)state;
	assert_int_equal(stream_next(s, &d), 0);
	assert_int_equal(stream_emit(s, note("x", NULL)), 0);
	assert_int_equal(stream_count(s), 1);
	assert_null(doc_new("note", "x", json_object(), NULL, 0));
	assert_int_equal(stream_emit(s, NULL), -EINVAL);
	assert_string_equal(err_text(), "body.text: missing");
	stream_free(s);
	stream_free(NULL);
}

/* SCHEDKIT_DOCUMENTS: what people get no line of is kept all the same. */
static void documents_are_copied(void **state)
{
	char path[] = "/tmp/streamXXXXXX", *v;
	int in, fd = mkstemp(path);
	struct stream *s, *second;
	const struct doc *d;
	char *line;
	struct buf b;

	(void)state;
	assert_true(fd >= 0);
	assert_true(asprintf(&v, "%ld:%s", (long)getpid(), path) > 0);
	setenv("SCHEDKIT_DOCUMENTS", v, 1);
	in = file_with("\n", 1);
	s = stream_open(in, -1, "sched-x");
	second = stream_open(-1, -1, "sched-x");
	assert_null(getenv("SCHEDKIT_DOCUMENTS"));
	assert_int_equal(stream_next(s, &d), 0);
	assert_int_equal(stream_emit(s, note("x", NULL)), 0);
	assert_int_equal(stream_emit(second, note("y", NULL)), 0);
	line = doc_line(stream_last(s, "note"));
	stream_free(s);
	stream_free(second);
	read_back(fd, &b);
	assert_int_equal(b.len, 1 + strlen(line) + 1);
	assert_memory_equal(b.data + 1, line, strlen(line));
	/* Another process's, and a file that is not there, are left alone. */
	setenv("SCHEDKIT_DOCUMENTS", "1:/tmp/x", 1);
	s = stream_open(-1, -1, "sched-x");
	assert_int_equal(stream_emit(s, note("x", NULL)), 0);
	stream_free(s);
	unlink(path);
	setenv("SCHEDKIT_DOCUMENTS", v, 1);
	s = stream_open(-1, -1, "sched-x");
	assert_int_equal(stream_emit(s, note("x", NULL)), 0);
	stream_free(s);
	assert_int_equal(access(path, F_OK), -1);
	free(line);
	free(v);
	buf_release(&b);
	close(in);
	close(fd);
}

static void errors_become_documents(void **state)
{
	struct stream *s = stream_open(-1, -1, "sched-x");
	char id[DOC_ID_LEN];
	const struct doc *d;

	(void)state;
	note_id("x", id);
	err_set(ENOENT, "no such \xff file");
	assert_int_equal(stream_emit_error(s, -ENOENT, id), 0);
	d = stream_last(s, "error");
	assert_string_equal(json_as_string(json_get(d->body, "code"), ""),
			    "ENOENT");
	assert_string_equal(json_as_string(json_get(d->body, "text"), ""),
			    "no such \ufffd file");
	assert_string_equal(json_as_string(json_get(d->body, "about"), ""), id);
	assert_int_equal(stream_emit_error(s, 99999, NULL), 0);
	d = stream_last(s, "error");
	assert_string_equal(json_as_string(json_get(d->body, "code"), ""),
			    "EIO");
	assert_int_equal(stream_bad_lines(s), 0);
	stream_free(s);
}

/* ---- bad lines ------------------------------------------------------- */

/* The line, then an error of this code; before and after it good lines. */
static void reported(const char *bad, size_t len, const char *code,
		     const char *text)
{
	const struct doc *d;
	struct buf b, want;
	struct run r;
	char *line;

	buf_init(&b, 64 << 20);
	buf_init(&want, 64 << 20);
	add_note(&b, "before", NULL);
	buf_add(&b, bad, len);
	buf_puts(&b, "\n");
	buf_add(&want, b.data, b.len);
	add_note(&b, "after", NULL);
	run(&r, b.data, b.len);
	assert_int_equal(r.good, 2);
	assert_int_equal(r.bad, 1);
	d = stream_last(r.s, "error");
	assert_ptr_equal(d, stream_at(r.s, 1));
	assert_string_equal(json_as_string(json_get(d->body, "text"), ""),
			    text);
	assert_string_equal(json_as_string(json_get(d->body, "code"), ""),
			    code);
	assert_true(json_as_number(json_get(d->body, "line"), 0) == 2);
	line = mem_printf("line 2: %s\n", text);
	assert_string_equal(r.messages.data, line);
	free(line);
	line = doc_line(d);
	buf_printf(&want, "%s\n", line);
	add_note(&want, "after", NULL);
	assert_int_equal(r.out.len, want.len);
	assert_memory_equal(r.out.data, want.data, want.len);
	free(line);
	buf_release(&b);
	buf_release(&want);
	run_free(&r);
}

static void bad_lines_are_reported_and_pass(void **state)
{
	struct doc *d = note("x", NULL);
	char *line = doc_line(d), *at;

	(void)state;
	reported(line, strlen(line) - 9, "EINVAL",
		 "byte 142: the string has no end");
	reported("[]", 2, "EINVAL", "an object is needed, not an array");
	reported("nonsense", 8, "EINVAL",
		 "byte 0: 'n' where a value should be");
	reported("\0", 1, "EINVAL",
		 "byte 0: byte 0x00 where a value should be");
	reported("{\"v\":\"\xff\"}", 9, "EILSEQ", "byte 6: not UTF-8");
	reported("\xfe\xff", 2, "EILSEQ", "byte 0: not UTF-8");
	at = strstr(line, "\"note\"");
	memcpy(at, "\"plan\"", 6);
	reported(line, strlen(line), "EINVAL", "body.profile: missing");
	memcpy(at, "\"No t\"", 6);
	reported(line, strlen(line), "EINVAL",
		 "kind: a word of a to z and _ is needed");
	memcpy(at, "  1234", 6);
	reported(line, strlen(line), "EINVAL",
		 "kind: a string is needed, not a number");
	free(line);
	doc_free(d);
}

static void a_wrong_id_is_reported(void **state)
{
	struct doc *d = note("x", NULL);
	char *line = doc_line(d), *text;
	char id[DOC_ID_LEN];

	(void)state;
	strstr(line, "\"x\"")[1] = 'y';
	note_id("y", id);
	text = mem_printf("id: %s is not the body's, which is %s", d->id, id);
	reported(line, strlen(line), "EINVAL", text);
	free(text);
	free(line);
	doc_free(d);
}

static void a_cut_stream_is_truncated(void **state)
{
	struct run r;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	add_note(&b, "one", NULL);
	add_note(&b, "two", NULL);
	run(&r, b.data, b.len - 10);
	assert_int_equal(r.good, 1);
	assert_int_equal(r.bad, 1);
	assert_string_equal(r.messages.data,
			    "line 2: truncated, no newline at its end: "
			    "byte 144: the string has no end\n");
	assert_memory_equal(r.out.data, b.data, b.len - 10);
	assert_memory_equal(r.out.data + b.len - 10, "\n{\"body\":", 9);
	assert_int_equal(r.out.data[r.out.len - 1], '\n');
	run_free(&r);
	buf_release(&b);
}

/* ---- size ------------------------------------------------------------ */

/* A note whose line has this many bytes, without the newline. */
static char *line_of(size_t len)
{
	char *text = mem_zalloc(len, 1), *line;
	struct doc *d = note("", NULL);
	size_t bare;

	line = doc_line(d);
	bare = strlen(line);
	free(line);
	doc_free(d);
	memset(text, 'x', len - bare);
	d = note(text, NULL);
	line = doc_line(d);
	assert_int_equal(strlen(line), len);
	doc_free(d);
	free(text);
	return line;
}

static void the_longest_line_is_read(void **state)
{
	char *line = line_of(DOC_MAX_LINE);
	char *longer = mem_printf("%s ", line);

	(void)state;
	line[DOC_MAX_LINE] = '\n';
	passes_unchanged(line, DOC_MAX_LINE + 1, 1);
	reported(longer, DOC_MAX_LINE + 1, "EMSGSIZE",
		 "longer than 16777216 bytes");
	free(line);
	free(longer);
}

#define HUGE_LINE (100u << 20)
#ifdef __SANITIZE_ADDRESS__
#define MAX_RSS_KIB (400 << 10) /* freed memory is kept in quarantine */
#else
#define MAX_RSS_KIB (48 << 10)
#endif

/* The line, a good one, and a last one that is long and has no newline. */
static void write_huge(int fd)
{
	static char chunk[1 << 20];
	struct buf b;

	memset(chunk, 'a', sizeof(chunk));
	for (size_t i = 0; i < HUGE_LINE; i += sizeof(chunk))
		if (write(fd, chunk, sizeof(chunk)) != sizeof(chunk))
			_exit(2);
	buf_init(&b, 1 << 20);
	buf_puts(&b, "\n");
	add_note(&b, "after", NULL);
	if (write(fd, b.data, b.len) != (ssize_t)b.len)
		_exit(2);
	buf_release(&b);
	for (size_t i = 0; i < HUGE_LINE / 4; i += sizeof(chunk))
		if (write(fd, chunk, sizeof(chunk)) != sizeof(chunk))
			_exit(2);
}

/* Counts letters and newlines; the exit status says whether they are right. */
static void count_huge(int fd)
{
	static char chunk[1 << 16];
	size_t letters = 0, lines = 0;
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			letters += chunk[i] == 'a';
			lines += chunk[i] == '\n';
		}
	}
	/* Some are in the documents. */
	if (letters < HUGE_LINE + HUGE_LINE / 4 ||
	    letters > HUGE_LINE + HUGE_LINE / 4 + 1000 || lines != 5)
		_exit(1);
}

static void stream_huge(int in, int out)
{
	struct stream *s = stream_open(in, out, "sched-x");
	const struct doc *d;

	if (stream_next(s, &d) != -EINVAL || stream_next(s, &d) != 1 ||
	    stream_next(s, &d) != -EINVAL || stream_next(s, &d) != 0)
		_exit(1);
	stream_free(s);
}

/* Peak memory of the child in KiB. */
static long child_ends(pid_t pid)
{
	struct rusage ru;
	int status;

	assert_int_equal(wait4(pid, &status, 0, &ru), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	return ru.ru_maxrss;
}

/*
 * Three processes in a pipe.  Must be the first test: a child's peak memory
 * begins with what its parent had.
 */
static void a_huge_line_needs_little_memory(void **state)
{
	int in[2], out[2];
	pid_t writer, tool, reader;

	(void)state;
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	writer = fork();
	if (writer == 0) {
		close(in[0]);
		write_huge(in[1]);
		_exit(0);
	}
	close(in[1]);
	reader = fork();
	if (reader == 0) {
		close(in[0]);
		close(out[1]);
		count_huge(out[0]);
		_exit(0);
	}
	close(out[0]);
	tool = fork();
	if (tool == 0) {
		stream_huge(in[0], out[1]);
		_exit(0);
	}
	close(in[0]);
	close(out[1]);
	child_ends(writer);
	assert_in_range(child_ends(tool), 1, MAX_RSS_KIB);
	child_ends(reader);
}

/* ---- cycles ---------------------------------------------------------- */

static void cycle_reported(const struct buf *b, size_t good, const char *text)
{
	struct run r;

	run(&r, b->data, b->len);
	assert_string_equal(r.messages.data, text);
	assert_int_equal(r.good, good);
	assert_string_equal(
		json_as_string(
			json_get(stream_last(r.s, "error")->body, "code"), ""),
		"ELOOP");
	run_free(&r);
}

static void cycles_are_named(void **state)
{
	char a[DOC_ID_LEN], b[DOC_ID_LEN], c[DOC_ID_LEN], *text;
	struct buf in;

	(void)state;
	note_id("a", a);
	note_id("b", b);
	note_id("c", c);
	buf_init(&in, 1 << 20);
	add_note(&in, "a", a);
	text = mem_printf("line 1: parent: %s is its own parent\n", a);
	cycle_reported(&in, 0, text);
	free(text);

	buf_reset(&in);
	add_note(&in, "a", b);
	add_note(&in, "b", a);
	text = mem_printf("line 2: parent: the chain leads back to itself: "
			  "%s -> %s -> %s\n",
			  b, a, b);
	cycle_reported(&in, 1, text);
	free(text);

	buf_reset(&in);
	add_note(&in, "a", b);
	add_note(&in, "c", a);
	add_note(&in, "b", c);
	text = mem_printf("line 3: parent: the chain leads back to itself: "
			  "%s -> %s -> %s -> %s\n",
			  b, c, a, b);
	cycle_reported(&in, 2, text);
	free(text);

	/* The same body again, now as a child of its own child. */
	buf_reset(&in);
	add_note(&in, "a", NULL);
	add_note(&in, "b", a);
	add_note(&in, "a", b);
	text = mem_printf("line 3: parent: the chain leads back to itself: "
			  "%s -> %s -> %s\n",
			  a, b, a);
	cycle_reported(&in, 2, text);
	free(text);
	buf_release(&in);
}

static void own_cycles_are_not_written(void **state)
{
	int out = file_with("", 0);
	struct stream *s = stream_open(-1, out, "sched-x");
	char a[DOC_ID_LEN];
	struct buf got;
	off_t len;

	(void)state;
	note_id("a", a);
	assert_int_equal(stream_emit(s, note("a", NULL)), 0);
	assert_int_equal(stream_emit(s, note("b", a)), 0);
	len = lseek(out, 0, SEEK_CUR);
	assert_int_equal(stream_emit(s, note("a", a)), -ELOOP);
	assert_int_equal(stream_count(s), 2);
	read_back(out, &got);
	assert_int_equal(got.len, len);
	buf_release(&got);
	stream_free(s);
	close(out);
}

static void a_stream_twice_is_no_cycle(void **state)
{
	char a[DOC_ID_LEN], b[DOC_ID_LEN];
	struct buf in;

	(void)state;
	note_id("a", a);
	note_id("b", b);
	buf_init(&in, 1 << 20);
	for (int i = 0; i < 3; i++) {
		add_note(&in, "a", NULL);
		add_note(&in, "b", a);
		add_note(&in, "c", b);
		add_note(&in, "d", b);
	}
	passes_unchanged(in.data, in.len, 12);
	buf_release(&in);
}

/* ---- the ends of the pipe -------------------------------------------- */

static void a_reader_that_left_is_an_error(void **state)
{
	struct stream *s;
	const struct doc *d;
	struct buf b;
	int out[2], in;

	(void)state;
	buf_init(&b, 1 << 20);
	add_note(&b, "one", NULL);
	in = file_with(b.data, b.len);
	assert_int_equal(pipe(out), 0);
	close(out[0]);
	s = stream_open(in, out[1], "sched-x");
	/* SIGPIPE has its default action here. */
	assert_int_equal(stream_next(s, &d), -EPIPE);
	assert_string_equal(err_text(), "cannot write the stream: Broken pipe");
	assert_int_equal(stream_next(s, &d), -EPIPE);
	assert_int_equal(stream_emit(s, note("x", NULL)), -EPIPE);
	stream_free(s);
	buf_release(&b);
	close(in);
	close(out[1]);
}

static void a_full_disk_is_an_error(void **state)
{
	int out = open("/dev/full", O_WRONLY);
	struct stream *s = stream_open(-1, out, "sched-x");

	(void)state;
	assert_int_equal(stream_emit(s, note("x", NULL)), -ENOSPC);
	assert_string_equal(err_text(), "cannot write the stream: No space "
					"left on device");
	stream_free(s);
	close(out);
}

static void an_unreadable_input_is_an_error(void **state)
{
	int in = open("/", O_RDONLY);
	struct stream *s = stream_open(in, -1, "sched-x");
	const struct doc *d;

	(void)state;
	assert_int_equal(stream_next(s, &d), -EISDIR);
	assert_int_equal(stream_next(s, &d), -EISDIR);
	stream_free(s);
	close(in);
}

/* A byte at a time, from a writer that is slower, into a slow reader. */
static void a_slow_pipe_loses_nothing(void **state)
{
	const struct timespec nap = {.tv_nsec = 20000};
	int in[2], out[2];
	struct stream *s;
	const struct doc *d;
	struct buf b, got;
	pid_t pid;

	(void)state;
	buf_init(&b, 1 << 20);
	buf_init(&got, 1 << 20);
	for (int i = 0; i < 5; i++)
		add_note(&b, "one", NULL);
	assert_int_equal(pipe2(in, O_NONBLOCK), 0);
	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		close(in[0]);
		for (size_t i = 0; i < b.len; i++) {
			nanosleep(&nap, NULL);
			if (write(in[1], b.data + i, 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	close(in[1]);
	s = stream_open(in[0], out[1], "sched-x");
	for (int i = 0; i < 5; i++)
		assert_int_equal(stream_next(s, &d), 1);
	assert_int_equal(stream_next(s, &d), 0);
	child_ends(pid);
	close(out[1]);
	assert_int_equal(buf_read_fd(&got, out[0]), 0);
	assert_string_equal(got.data, b.data);
	stream_free(s);
	buf_release(&b);
	buf_release(&got);
	close(in[0]);
	close(out[0]);
}

/* More than a pipe holds, out of a descriptor that never blocks. */
static void a_full_pipe_is_waited_for(void **state)
{
	char *line = line_of(1 << 20);
	struct buf got;
	struct stream *s;
	const struct doc *d;
	int in, out[2];
	pid_t pid;

	(void)state;
	line[1 << 20] = '\n';
	in = file_with(line, (1 << 20) + 1);
	assert_int_equal(pipe2(out, O_NONBLOCK), 0);
	pid = fork();
	if (pid == 0) {
		s = stream_open(in, out[1], "sched-x");
		_exit(stream_next(s, &d) == 1 ? 0 : 1);
	}
	close(out[1]);
	fcntl(out[0], F_SETFL, 0);
	buf_init(&got, 2 << 20);
	assert_int_equal(buf_read_fd(&got, out[0]), 0);
	child_ends(pid);
	assert_int_equal(got.len, (1 << 20) + 1);
	assert_memory_equal(got.data, line, got.len);
	buf_release(&got);
	free(line);
	close(in);
	close(out[0]);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void a_signal_can_end_the_waiting(void **state)
{
	struct sigaction sa = {.sa_handler = on_alarm}, old;
	/* Again and again: the first one may come before anybody waits. */
	const struct itimerval soon = {.it_value = {.tv_usec = 20000},
				       .it_interval = {.tv_usec = 20000}};
	const struct itimerval never = {0};
	struct stream *s;
	const struct doc *d;
	struct buf b;
	int in[2];

	(void)state;
	buf_init(&b, 1 << 20);
	add_note(&b, "one", NULL);
	assert_int_equal(pipe(in), 0);
	assert_int_equal(write(in[1], b.data, b.len / 2), b.len / 2);
	sigaction(SIGALRM, &sa, &old);
	setitimer(ITIMER_REAL, &soon, NULL);
	s = stream_open(in[0], -1, "sched-x");
	assert_int_equal(stream_next(s, &d), -EINTR);
	setitimer(ITIMER_REAL, &never, NULL);
	assert_int_equal(write(in[1], b.data + b.len / 2, b.len - b.len / 2),
			 b.len - b.len / 2);
	close(in[1]);
	assert_int_equal(stream_next(s, &d), 1);
	assert_int_equal(stream_next(s, &d), 0);
	sigaction(SIGALRM, &old, NULL);
	stream_free(s);
	buf_release(&b);
	close(in[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_huge_line_needs_little_memory),
		cmocka_unit_test(good_lines_pass_byte_for_byte),
		cmocka_unit_test(a_last_line_may_lack_its_newline),
		cmocka_unit_test(own_documents_follow),
		cmocka_unit_test(no_input_and_no_output),
		cmocka_unit_test(documents_are_copied),
		cmocka_unit_test(errors_become_documents),
		cmocka_unit_test(bad_lines_are_reported_and_pass),
		cmocka_unit_test(a_wrong_id_is_reported),
		cmocka_unit_test(a_cut_stream_is_truncated),
		cmocka_unit_test(the_longest_line_is_read),
		cmocka_unit_test(cycles_are_named),
		cmocka_unit_test(own_cycles_are_not_written),
		cmocka_unit_test(a_stream_twice_is_no_cycle),
		cmocka_unit_test(a_reader_that_left_is_an_error),
		cmocka_unit_test(a_full_disk_is_an_error),
		cmocka_unit_test(an_unreadable_input_is_an_error),
		cmocka_unit_test(a_slow_pipe_loses_nothing),
		cmocka_unit_test(a_full_pipe_is_waited_for),
		cmocka_unit_test(a_signal_can_end_the_waiting),
	};

	/* The same documents whenever they are made. */
	setenv("SCHEDKIT_TIME", "1795230245", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
