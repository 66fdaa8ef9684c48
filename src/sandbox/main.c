/* main.c - the command `pombo sandbox`. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <event2/event.h>
#include "base/loop.h"
#include "base/time.h"
#include "sandbox/handset.h"
#include "sandbox/sandbox.h"

#define LINES_PER_SECOND 20 /* of the telephone; a terminal is no place for a load test */

struct options {
	struct sandbox_settings settings;
	bool telephone, help;
};
/* The terminal: at most so many lines a second, the rest is counted. */
struct telephone {
	int64_t second;
	unsigned lines, skipped;
	struct buf line;
};

static void on_message(void *ctx, const struct handset_message *m)
{
	struct telephone *t = ctx;
	int64_t now = mono_us() / 1000000;

	if (now != t->second) {
		if (t->skipped)
			printf("… and %u more\n", t->skipped);
		t->second = now;
		t->lines = t->skipped = 0;
	}
	if (t->lines++ >= LINES_PER_SECOND) {
		t->skipped++;
		return;
	}
	buf_clear(&t->line);
	telephone_print(m, &t->line);
	printf("%s\n", buf_cstr(&t->line));
	fflush(stdout);
}

static void on_signal(evutil_socket_t sig, short what, void *ctx)
{
	(void)sig;
	(void)what;
	loop_stop(ctx);
}

static void print_help(void)
{
	struct buf b = BUF_INIT;

	sandbox_settings_help(&b);
	printf("Usage: pombo sandbox [--config FILE] [--set NAME=VALUE]... [--smpp ADDRESS] [--http ADDRESS] "
	       "[--telephone]\n"
	       "       pombo sandbox reply NUMBER SHORT_CODE TEXT [OPTIONS]: a handset of one that runs "
	       "sends a text\n"
	       "\n"
	       "A telephone network in a box: an SMPP server that delivers, fails and answers as the last "
	       "four digits of\n"
	       "the number tell it, and its handset as a web page. --telephone prints a line for each "
	       "message.\n"
	       "FILE is YAML, one setting a line:\n\n"
	       "  %-16s %-16s\n%s",
	       "setting", "default", buf_cstr(&b));
	buf_done(&b);
}

static int set_pair(struct sandbox_settings *s, const char *pair, struct err *e)
{
	const char *eq = strchr(pair, '=');

	if (!eq)
		return err_set(e, -EINVAL, "--set %s: NAME=VALUE expected", pair);
	return sandbox_settings_set(s, (struct str){pair, (size_t)(eq - pair)}, str_of(eq + 1), e);
}

static int read_options(struct options *o, int argc, char **argv, struct err *e)
{
	static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
					      {"set", required_argument, NULL, 's'},
					      {"smpp", required_argument, NULL, 'p'},
					      {"http", required_argument, NULL, 'w'},
					      {"telephone", no_argument, NULL, 't'},
					      {"help", no_argument, NULL, 'h'},
					      {0}};
	int c, r = 0;

	sandbox_settings_default(&o->settings);
	optind = 0; /* the program may have read options before */
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no other threads yet */
	while (r == 0 && (c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		switch (c) {
		case 'c': r = sandbox_settings_load(&o->settings, optarg, e); break;
		case 's': r = set_pair(&o->settings, optarg, e); break;
		case 'p': r = sandbox_settings_set(&o->settings, STR("smpp"), str_of(optarg), e); break;
		case 'w': r = sandbox_settings_set(&o->settings, STR("http"), str_of(optarg), e); break;
		case 't': o->telephone = true; break;
		case 'h': o->help = true; break;
		default: r = err_set(e, -EINVAL, "pombo sandbox --help tells the options");
		}
	}
	if (r == 0 && optind < argc)
		r = err_set(e, -EINVAL, "%s: not expected", argv[optind]);
	return r;
}

static void print_ready(const struct sandbox *s)
{
	printf("ready");
	if (*sandbox_smpp(s))
		printf(" smpp=%s", sandbox_smpp(s));
	if (*sandbox_smpps(s))
		printf(" smpps=%s", sandbox_smpps(s));
	if (*sandbox_http(s))
		printf(" http=http://%s", sandbox_http(s));
	printf("\n");
	fflush(stdout);
}

static int serve(const struct options *o)
{
	struct loop *l = loop_new();
	struct event *term = evsignal_new(loop_base(l), SIGTERM, on_signal, l);
	struct event *intr = evsignal_new(loop_base(l), SIGINT, on_signal, l);
	struct telephone t = {0};
	struct sandbox *s = NULL;
	struct err e;
	int code = EX_OK;

	if (sandbox_open(&s, l, &o->settings, &e) < 0) {
		fprintf(stderr, "pombo sandbox: %s\n", e.text);
		code = EX_UNAVAILABLE;
	} else {
		if (o->telephone)
			sandbox_on_message(s, on_message, &t);
		event_add(term, NULL);
		event_add(intr, NULL);
		print_ready(s);
		loop_run(l);
	}
	sandbox_close(s);
	event_free(term);
	event_free(intr);
	loop_free(l);
	buf_done(&t.line);
	return code;
}

int sandbox_main(int argc, char **argv)
{
	struct options o = {0};
	struct err e;

	if (argc > 1 && strcmp(argv[1], "reply") == 0)
		return sandbox_reply_main(argc - 1, argv + 1);
	if (read_options(&o, argc, argv, &e) < 0) {
		fprintf(stderr, "pombo sandbox: %s\n", e.text);
		return EX_USAGE;
	}
	if (o.help) {
		print_help();
		return EX_OK;
	}
	signal(SIGPIPE, SIG_IGN);
	return serve(&o);
}
