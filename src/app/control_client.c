/* control_client.c - the other end of the control socket, in the process of the command. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "app/control.h"
#include "app/control_folder.h"
#include "base/buf.h"
#include "wire/json.h"

static int send_request(int fd, int argc, char *const *argv)
{
	struct buf b = BUF_INIT;
	char cwd[4096];
	int r = 0;

	buf_puts(&b, "{\"argv\":[");
	for (int i = 0; i < argc; i++) {
		buf_puts(&b, i ? "," : "");
		buf_json(&b, str_of(argv[i]));
	}
	buf_puts(&b, "],\"cwd\":");
	buf_json(&b, str_of(getcwd(cwd, sizeof cwd) && utf8_valid(str_of(cwd), NULL) ? cwd : "/"));
	buf_puts(&b, "}\n");
	for (size_t at = 0; at < b.n && r == 0;) {
		ssize_t n = send(fd, b.p + at, b.n - at, MSG_NOSIGNAL);

		if (n > 0)
			at += (size_t)n;
		else if (errno != EINTR)
			r = -errno;
	}
	buf_done(&b);
	return r;
}

/* One line of the answer. The exit code, or -EAGAIN when more follows, or -EBADMSG. */
static int take_line(struct str line)
{
	struct err e;
	struct json_doc *doc = json_read(line.p, line.n, &e);
	struct json *root = doc ? json_root(doc) : NULL;
	struct str out = json_str(json_get(root, "out")), err = json_str(json_get(root, "err"));
	int r = doc ? -EAGAIN : -EBADMSG;

	if (out.n && (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0))
		r = EX_IOERR; /* nobody reads: `pombo message search | head` */
	if (err.n)
		fwrite(err.p, 1, err.n, stderr);
	if (json_kind(json_get(root, "exit")) == JSON_KIND_INTEGER)
		r = (int)(json_int(json_get(root, "exit")) & 0xff);
	json_free(doc);
	return r;
}

int control_ask(const char *data, int argc, char *const *argv, struct err *e)
{
	struct buf b = BUF_INIT;
	int fd = folder_connect(data), r;

	if (fd < 0)
		return fd == -ECONNREFUSED || fd == -ENOENT
			       ? -ENOENT
			       : err_set(e, fd, "control socket: %s", strerrordesc_np(-fd));
	r = send_request(fd, argc, argv);
	if (r == 0)
		r = -EAGAIN;
	while (r == -EAGAIN) {
		char *to = buf_space(&b, 65536), *end;
		ssize_t n = to ? recv(fd, to, 65536, 0) : -1;

		if (n < 0 && to && errno == EINTR)
			continue;
		if (n <= 0) {
			r = err_set(e, -ECONNRESET, "the server ended before it answered");
			break;
		}
		b.n += (size_t)n;
		while (r == -EAGAIN && b.n && (end = memchr(b.p, '\n', b.n))) {
			size_t line = (size_t)(end - b.p) + 1;

			r = take_line((struct str){b.p, line});
			buf_consume(&b, line);
		}
		if (r == -EBADMSG)
			err_set(e, r, "the server's answer cannot be read");
	}
	close(fd);
	buf_done(&b);
	return r;
}
