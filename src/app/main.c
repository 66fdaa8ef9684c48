/* main.c - the program: finds the command, and where it runs: here, or in the server that has the data folder. */
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/control.h"
#include "app/control_folder.h"
#include "base/log.h"
#include "base/time.h"

#define LOCK_SLICE_MS 100
#define BUSY_WAIT_MS 15000 /* a server that starts or ends, or another command */

static void write_here(void *ctx, bool error, struct str text)
{
	(void)ctx;
	fwrite(text.p, 1, text.n, error ? stderr : stdout);
	fflush(error ? stderr : stdout);
}

/* Asks the server if one runs, else takes the folder. While a server starts or ends neither works at once. */
static int run_beside_or_alone(struct context *c, const struct args *a, int argc, char **argv)
{
	int64_t until = mono_us() + (int64_t)BUSY_WAIT_MS * 1000;
	struct err e;
	int r = context_settings(c);

	if (r)
		return r;
	do {
		r = control_ask(c->settings->data, argc, argv, &e);
		if (r >= 0)
			return r;
		if (r != -ENOENT)
			return complain(c, r == -EACCES ? EX_NOPERM : EX_UNAVAILABLE, "%s", e.text);
		c->folder = folder_lock(c->settings->data, LOCK_SLICE_MS, &e);
	} while (c->folder == -EBUSY && mono_us() < until);
	if (c->folder < 0)
		return complain(c, c->folder == -EBUSY ? EX_TEMPFAIL : EX_IOERR, "%s", e.text);
	r = a->command->flags & (CMD_STOPPED | CMD_SERVER) ? 0 : context_open(c, a->command->flags);
	return r ? r : command_run(c, a);
}

static int run(const struct command *cmd, int used, int argc, char **argv)
{
	struct context c = {.folder = -1, .write = write_here};
	struct buf name = BUF_INIT;
	struct args args;
	struct err e;
	int code = args_read(&args, cmd, argc - used, (const char *const *)argv + used, &e);

	command_name(cmd, &name);
	c.name = buf_cstr(&name);
	c.file = code ? NULL : args.value[OPT_CONFIG];
	c.json = !code && args_has(&args, OPT_JSON);
	snprintf(c.actor, sizeof c.actor, "uid %u", (unsigned)getuid());
	if (code) {
		complain(&c, code, "%s", e.text);
	} else if (args.help) {
		help_command(&c.out, cmd);
	} else if (cmd->flags & CMD_LATER) {
		code = complain(&c, EX_UNAVAILABLE, "not supported yet");
	} else if (cmd->flags & CMD_LOCAL) {
		code = cmd->run(&c, &args);
	} else {
		log_setup(LOG_WARN, LOG_TEXT);
		code = run_beside_or_alone(&c, &args, argc, argv);
	}
	say_flush(&c);
	context_done(&c);
	buf_done(&name);
	return code;
}

static int usage(const char *text)
{
	fprintf(stderr, "pombo: %s\n", text);
	return EX_USAGE;
}

static int print_help(const char *group)
{
	struct buf b = BUF_INIT;
	int code = EX_OK;

	if (!group)
		help_all(&b);
	else if (!help_group(&b, group))
		code = usage("there is no such command; pombo --help lists them");
	fwrite(b.p ? b.p : "", 1, b.n, stdout);
	buf_done(&b);
	return code;
}

static bool is_help(const char *word) { return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0; }

static int start(int argc, char **argv)
{
	const struct command *cmd;
	struct err e;
	int used = 0;

	if (argc < 1)
		return usage("a command is missing; pombo --help lists them");
	if (is_help(argv[0]))
		return print_help(NULL);
	if (strcmp(argv[0], "--version") == 0)
		return printf("pombo %s\n", POMBO_VERSION) < 0 ? EX_IOERR : EX_OK;
	cmd = command_find(argc, (const char *const *)argv, &used, &e);
	if (!cmd && argc > 1 && is_help(argv[1]))
		return print_help(argv[0]);
	if (!cmd)
		return usage(e.text);
	return cmd->flags & CMD_RAW ? cmd->raw(argc, argv) : run(cmd, used, argc, argv);
}

int main(int argc, char **argv)
{
	int code;

	umask(077);
	signal(SIGPIPE, SIG_IGN);
	/* Both before any thread: neither may be done twice at once. */
	if (sodium_init() < 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		fprintf(stderr, "pombo: the cryptographic library does not start\n");
		return EX_OSERR;
	}
	code = start(argc - 1, argv + 1);
	curl_global_cleanup();
	return code;
}
