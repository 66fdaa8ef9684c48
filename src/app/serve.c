/* serve.c - pombo serve and pombo check. The main thread waits for signals; all work is on the gateway's threads.
 *
 *   SIGTERM, SIGINT   stop accepting, finish what is under way within a bound, end with 0
 *   SIGHUP            read the configuration again; with faults the old one stays
 * When the store fails the process ends at once with EX_IOERR (gateway.c). */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "api/api.h"
#include "app/commands.h"
#include "app/control_folder.h"
#include "base/log.h"

#define GRACE_MS 10000
#define LOCK_WAIT_MS 10000 /* a command that works without a server is quick */

int check_command(struct context *c, const struct args *a)
{
	struct config_faults faults = {0};
	struct settings *s = NULL;
	struct buf b = BUF_INIT;
	int r = config_read(context_file(c->file), &s, &faults);

	(void)a;
	for (size_t i = 0; i < faults.count; i++) {
		const struct config_fault *f = &faults.list[i];

		if (!c->json) {
			buf_fmt(&b, "%s\n", f->text);
			continue;
		}
		buf_fmt(&b, "%s{\"line\":%d,\"key\":", b.n ? "," : "", f->line);
		buf_json(&b, str_of(f->key));
		buf_puts(&b, ",\"text\":");
		buf_json(&b, str_of(f->text));
		buf_putc(&b, '}');
	}
	if (c->json)
		say(c, "{\"ok\":%s,\"faults\":[%s]}\n", r == 0 ? "true" : "false", buf_cstr(&b));
	else
		say(c, "%s", r == 0 ? "ok\n" : buf_cstr(&b));
	buf_done(&b);
	config_faults_done(&faults);
	settings_free(s);
	return r == 0 ? EX_OK : 1;
}

static void set_log(const struct settings *s)
{
	static const char *const levels[] = {"error", "warn", "info", "debug"};
	enum log_level level = LOG_INFO;

	for (size_t i = 0; i < COUNT_OF(levels); i++)
		if (s->log.level && strcmp(s->log.level, levels[i]) == 0)
			level = (enum log_level)i;
	log_setup(level, s->log.format && strcmp(s->log.format, "json") == 0 ? LOG_JSON : LOG_TEXT);
}

/* Sockets of customers and carriers are many; the soft limit is often 1024. */
static void raise_descriptors(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur >= l.rlim_max)
		return;
	l.rlim_cur = l.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &l);
}

static void reload(struct gateway *g)
{
	struct buf note = BUF_INIT;
	struct err e;

	if (gateway_reload(g, &note, &e) < 0) {
		log_error("reload_refused", "why=%s", log_quote(str_of(e.text)).s);
	} else {
		set_log(g->settings);
		log_info("reloaded", "file=%s", g->file);
		if (note.n)
			log_warn("reload_partly", "restart_for=%s", log_quote(buf_view(&note)).s);
	}
	buf_done(&note);
}

static void wait_for_end(struct gateway *g, const sigset_t *signals)
{
	int sig;

	while (sigwait(signals, &sig) == 0) {
		if (sig != SIGHUP) {
			log_info("stopping", "signal=%d", sig);
			return;
		}
		reload(g);
	}
}

static int print_ready(struct gateway *g)
{
	struct buf b = BUF_INIT;
	int r;

	api_addresses(g->api, &b);
	r = printf("ready %s\n", buf_cstr(&b)) < 0 || fflush(stdout) != 0 ? -EIO : 0;
	log_info("ready", "addresses=%s version=%s", log_quote(buf_view(&b)).s, POMBO_VERSION);
	buf_done(&b);
	return r;
}

static int exit_code_of(int error)
{
	switch (-error) {
	case EINVAL:
	case EPROTO: return EX_CONFIG;
	case EADDRINUSE:
	case EBUSY: return EX_UNAVAILABLE;
	case EACCES:
	case EPERM: return EX_NOPERM;
	default: return EX_IOERR;
	}
}

int serve_command(struct context *c, const struct args *a)
{
	struct gateway g = {.file = context_file(c->file)};
	sigset_t signals;
	struct err e;
	int r;

	(void)a;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before any thread is made: they inherit it */
	r = context_settings(c);
	if (r)
		return r;
	g.settings = c->own_settings;
	set_log(g.settings);
	raise_descriptors();
	c->folder = folder_lock(g.settings->data, LOCK_WAIT_MS, &e);
	if (c->folder < 0)
		return complain(c, exit_code_of(c->folder), "%s", e.text);
	c->own_settings = NULL; /* the gateway frees them */
	r = gateway_open(&g, &e);
	if (r < 0)
		return complain(c, exit_code_of(r), "%s", e.text);
	print_ready(&g);
	wait_for_end(&g, &signals);
	gateway_close(&g, GRACE_MS);
	log_info("stopped", "clean=yes");
	return EX_OK;
}
