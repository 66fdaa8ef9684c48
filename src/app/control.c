/* control.c - the server's side of the control socket: a thread that accepts, and one for each connection. Commands are few and may
 * wait, so threads are the simplest thing; their number is limited. */
#include "app/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/control_folder.h"
#include "base/log.h"
#include "base/time.h"
#include "wire/json.h"

#define REQUEST_MS 5000 /* for the whole request to come */
#define WRITE_S 10      /* for a client that does not read */
#define ARGUMENTS_LIMIT 256

struct control {
	struct gateway *g;
	int folder, listener, wake;
	pthread_t thread;
	bool running;
	_Atomic bool stopping;
	pthread_mutex_t lock; /* clients */
	pthread_cond_t none;  /* clients became 0 */
	unsigned clients;
};
struct client {
	struct control *control;
	int fd;
	uid_t uid;
	bool broken; /* it cannot be written to */
};

/* -- one connection ------------------------------------------------------------------------------------------------- */

static void send_all(struct client *k, const struct buf *b)
{
	for (size_t at = 0; at < b->n && !k->broken;) {
		ssize_t n = send(k->fd, b->p + at, b->n - at, MSG_NOSIGNAL);

		if (n > 0)
			at += (size_t)n;
		else if (errno != EINTR)
			k->broken = true;
	}
}

static void on_write(void *ctx, bool error, struct str text)
{
	struct buf b = BUF_INIT;

	if (!utf8_valid(text, NULL))
		text = STR("(text that is not UTF-8)\n");
	buf_puts(&b, error ? "{\"err\":" : "{\"out\":");
	buf_json(&b, text);
	buf_puts(&b, "}\n");
	send_all(ctx, &b);
	buf_done(&b);
}

/* The client hung up, or the server ends. */
static bool on_gone(void *ctx)
{
	struct client *k = ctx;
	struct pollfd p = {.fd = k->fd, .events = POLLRDHUP};

	return k->broken || k->control->stopping || (poll(&p, 1, 0) > 0 && p.revents);
}

static void send_exit(struct client *k, int code)
{
	struct buf b = BUF_INIT;

	buf_fmt(&b, "{\"exit\":%d}\n", code);
	send_all(k, &b);
	buf_done(&b);
}

static int refuse(struct client *k, int code, const char *text)
{
	struct buf b = BUF_INIT;

	buf_fmt(&b, "pombo: %s\n", text);
	on_write(k, true, buf_view(&b));
	buf_done(&b);
	return code;
}

/* One line. 0 or -errno. */
static int read_line(struct client *k, struct buf *b)
{
	int64_t until = mono_us() + (int64_t)REQUEST_MS * 1000;

	b->max = CONTROL_REQUEST_MAX;
	while (!b->n || b->p[b->n - 1] != '\n') {
		struct pollfd p[2] = {{.fd = k->fd, .events = POLLIN}, {.fd = k->control->wake, .events = POLLIN}};
		int64_t left = (until - mono_us()) / 1000;
		char *to = buf_space(b, 4096);
		ssize_t n;

		if (!to)
			return -EMSGSIZE;
		if (left <= 0 || (poll(p, 2, (int)left) < 0 && errno != EINTR) || p[1].revents)
			return -ETIMEDOUT;
		n = recv(k->fd, to, 4096, MSG_DONTWAIT);
		if (n == 0)
			return -ECONNRESET;
		if (n > 0)
			b->n += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	return 0;
}

static int run_command(struct client *k, int argc, char **argv, const char *cwd)
{
	struct context c = {.folder = -1, .cwd = cwd, .write = on_write, .gone = on_gone, .ctx = k};
	struct buf name = BUF_INIT;
	const struct command *cmd;
	struct args args;
	struct err e;
	int used = 0, code;

	cmd = command_find(argc, (const char *const *)argv, &used, &e);
	if (!cmd || (cmd->flags & (CMD_LOCAL | CMD_RAW | CMD_LATER)))
		return refuse(k, EX_USAGE, cmd ? "not a command for the server" : e.text);
	code = args_read(&args, cmd, argc - used, (const char *const *)argv + used, &e);
	if (code)
		return refuse(k, code, e.text);
	command_name(cmd, &name);
	c.name = buf_cstr(&name);
	snprintf(c.actor, sizeof c.actor, "uid %u", (unsigned)k->uid);
	context_borrow(&c, k->control->g);
	log_info("command", "name=\"%s\" uid=%u", c.name, (unsigned)k->uid);
	code = command_run(&c, &args);
	context_done(&c);
	buf_done(&name);
	return code;
}

static int answer(struct client *k, struct json *request)
{
	struct json *list = json_get(request, "argv");
	size_t n = json_count(list);
	char *argv[ARGUMENTS_LIMIT + 1], *cwd;
	int code = EX_PROTOCOL;

	if (json_kind(list) != JSON_KIND_ARRAY || n > ARGUMENTS_LIMIT)
		return refuse(k, EX_PROTOCOL, "argv is not a list of texts");
	for (size_t i = 0; i < n; i++) {
		struct str s = json_str(json_at(list, i));

		argv[i] = xstrndup(s.n ? s.p : "", s.n);
	}
	argv[n] = NULL;
	cwd = xstrndup(json_str(json_get(request, "cwd")).n ? json_str(json_get(request, "cwd")).p : "/",
		       MAX(json_str(json_get(request, "cwd")).n, 1u));
	code = run_command(k, (int)n, argv, cwd);
	for (size_t i = 0; i < n; i++)
		free(argv[i]);
	free(cwd);
	return code;
}

static void *client_main(void *arg)
{
	struct client *k = arg;
	struct control *c = k->control;
	struct buf b = BUF_INIT;
	struct json_doc *doc = NULL;
	struct err e;
	int code;

	if (read_line(k, &b) == 0) {
		doc = json_read(b.p, b.n, &e);
		code = doc ? answer(k, json_root(doc)) : refuse(k, EX_PROTOCOL, e.text);
		send_exit(k, code);
	}
	json_free(doc);
	buf_done(&b);
	close(k->fd);
	free(k);
	pthread_mutex_lock(&c->lock);
	if (--c->clients == 0)
		pthread_cond_broadcast(&c->none);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* -- accepting ------------------------------------------------------------------------------------------------------ */

static bool allowed(int fd, uid_t *uid)
{
	struct ucred peer;
	socklen_t n = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
		return false;
	*uid = peer.uid;
	return peer.uid == geteuid() || peer.uid == 0;
}

static bool take_place(struct control *c)
{
	bool ok;

	pthread_mutex_lock(&c->lock);
	ok = c->clients < CONTROL_CLIENTS_MAX;
	c->clients += ok;
	pthread_mutex_unlock(&c->lock);
	return ok;
}

static void give_place(struct control *c)
{
	pthread_mutex_lock(&c->lock);
	if (--c->clients == 0)
		pthread_cond_broadcast(&c->none);
	pthread_mutex_unlock(&c->lock);
}

static void begin(struct control *c, int fd)
{
	static const struct timeval patience = {.tv_sec = WRITE_S};
	struct client *k = xnew(struct client);
	pthread_attr_t attr;
	pthread_t t;
	int code = 0;

	k->control = c;
	k->fd = fd;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (!allowed(fd, &k->uid)) {
		code = refuse(k, EX_NOPERM, "this server belongs to another user");
	} else if (!take_place(c)) {
		code = refuse(k, EX_TEMPFAIL, "too many commands at once");
	} else {
		pthread_attr_init(&attr);
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		if (pthread_create(&t, &attr, client_main, k) != 0) {
			give_place(c);
			code = refuse(k, EX_OSERR, "no thread");
		}
		pthread_attr_destroy(&attr);
	}
	if (code) {
		send_exit(k, code);
		close(fd);
		free(k);
	}
}

static void *accept_main(void *arg)
{
	struct control *c = arg;

	while (!c->stopping) {
		struct pollfd p[2] = {{.fd = c->listener, .events = POLLIN}, {.fd = c->wake, .events = POLLIN}};
		int fd;

		if (poll(p, 2, -1) < 0 || p[1].revents)
			continue;
		fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			begin(c, fd);
		else if (errno == EMFILE || errno == ENFILE)
			usleep(100000); /* no descriptor: the connection stays in the queue */
	}
	return NULL;
}

static int listen_at(struct control *c, struct err *e)
{
	struct sockaddr_un a;

	c->folder = open(c->g->settings->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->folder < 0)
		return err_set(e, -errno, "%s: %s", c->g->settings->data, strerrordesc_np(errno));
	folder_socket(c->folder, &a);
	/* A dead server's socket; a living one would hold the folder's lock. */
	unlinkat(c->folder, CONTROL_SOCKET, 0);
	c->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->listener < 0 || bind(c->listener, (const struct sockaddr *)&a, sizeof a) < 0 ||
	    fchmodat(c->folder, CONTROL_SOCKET, 0600, 0) < 0 || listen(c->listener, CONTROL_CLIENTS_MAX) < 0)
		return err_set(e, -errno, "control socket: %s", strerrordesc_np(errno));
	c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return c->wake < 0 ? err_set(e, -errno, "eventfd: %s", strerrordesc_np(errno)) : 0;
}

int control_open(struct control **ret, struct gateway *g, struct err *e)
{
	struct control *c = xnew(struct control);
	int r;

	c->g = g;
	c->folder = c->listener = c->wake = -1;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->none, NULL);
	r = listen_at(c, e);
	if (r == 0) {
		r = -pthread_create(&c->thread, NULL, accept_main, c);
		if (r < 0)
			err_set(e, r, "no thread for the control socket: %s", strerrordesc_np(-r));
		c->running = r == 0;
	}
	if (r < 0)
		control_close(c);
	else
		*ret = c;
	return r;
}

void control_close(struct control *c)
{
	if (!c)
		return;
	c->stopping = true;
	if (c->wake >= 0)
		(void)!write(c->wake, &(uint64_t){1}, sizeof(uint64_t));
	if (c->running)
		pthread_join(c->thread, NULL);
	pthread_mutex_lock(&c->lock);
	while (c->clients)
		pthread_cond_wait(&c->none, &c->lock);
	pthread_mutex_unlock(&c->lock);
	if (c->listener >= 0) {
		unlinkat(c->folder, CONTROL_SOCKET, 0);
		close(c->listener);
	}
	if (c->wake >= 0)
		close(c->wake);
	if (c->folder >= 0)
		close(c->folder);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->none);
	free(c);
}
