/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plain words on their way past the hand. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agents/steward/order.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"

int steward_words_write(const char *path, const struct strs *words)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc = fd < 0 ? -errno : 0;

	for (size_t i = 0; !rc && i < words->len; i++)
		rc = io_write(fd, words->v[i], strlen(words->v[i]) + 1);
	if (fd >= 0)
		close(fd);
	if (rc)
		return err_set(-rc, "cannot write '%s': %s", path,
			       strerror(-rc));
	return 0;
}

static int split(const struct buf *b, struct strs *words)
{
	const char *at = b->data, *end = b->data + b->len;

	if (!b->len || end[-1])
		return err_set(EINVAL, "the words have no end");
	for (; at < end; at += strlen(at) + 1) {
		if (!steward_is_plain(at))
			return err_set(EINVAL,
				       "a word has what acts on a terminal");
		if (words->len == STEWARD_MAX_WORDS)
			return err_set(EINVAL, "there are too many words");
		strs_add(words, at);
	}
	return 0;
}

int steward_words_read(const char *path, struct strs *words)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct buf b;
	int rc;

	if (fd < 0)
		return err_set(errno, "cannot read '%s': %s", path,
			       strerror(errno));
	buf_init(&b, STEWARD_MAX_TEXT);
	rc = buf_read_fd(&b, fd);
	if (!rc)
		rc = split(&b, words);
	buf_release(&b);
	close(fd);
	return rc;
}
