/* commands_options.c - reading a command line by the tables. getopt keeps its state in globals, and the server reads several command
 * lines at once. */
#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "app/commands.h"
#include "sandbox/sandbox.h"

#define OPTION(id, name, value, help) {name, value, help},
const struct option_row option_rows[] = {
#include "app/commands_options.def"
};
#undef OPTION

#define COMMAND(group, verb, arguments, min, max, options, flags, run, help) \
	{group, verb, arguments, min, max, options, flags, run, NULL, help},
#define RAW(group, raw, help) {group, NULL, "[...]", 0, 0, "", CMD_RAW, NULL, raw, help},
#define LATER(group, verb, arguments, help) {group, verb, arguments, 0, 0, "", CMD_LATER, NULL, NULL, help},
const struct command commands[] = {
#include "app/commands.def"
};
#undef COMMAND
#undef RAW
#undef LATER
const size_t command_count = COUNT_OF(commands);

void command_name(const struct command *cmd, struct buf *out)
{
	buf_puts(out, cmd->group);
	if (cmd->verb)
		buf_fmt(out, " %s", cmd->verb);
}

static int no_verb(const char *group, const char *verb, struct err *e)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < command_count; i++)
		if (strcmp(commands[i].group, group) == 0 && !(commands[i].flags & CMD_LATER))
			buf_fmt(&b, "%s%s", b.n ? ", " : "", commands[i].verb);
	if (!b.n)
		err_set(e, 0, "pombo %s is not supported yet", group);
	else if (verb && *verb != '-')
		err_set(e, 0, "pombo %s has no %s; there is: %s", group, verb, buf_cstr(&b));
	else
		err_set(e, 0, "pombo %s needs one of: %s", group, buf_cstr(&b));
	buf_done(&b);
	return -EINVAL;
}

const struct command *command_find(int argc, const char *const *argv, int *used, struct err *e)
{
	bool group = false;

	for (size_t i = 0; i < command_count && argc > 0; i++) {
		const struct command *c = &commands[i];

		if (strcmp(c->group, argv[0]) != 0)
			continue;
		group = true;
		if (c->verb && (argc < 2 || strcmp(c->verb, argv[1]) != 0))
			continue;
		*used = c->verb ? 2 : 1;
		return c;
	}
	if (group)
		no_verb(argv[0], argc > 1 ? argv[1] : NULL, e);
	else
		err_set(e, 0, "there is no command %s; pombo --help lists them", argc > 0 ? argv[0] : "");
	return NULL;
}

/* The name's mark in the command's list: ' ' taken, '!' must be given, '~' later, 0 not in it. */
static char taken(const struct command *cmd, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = cmd->options; *p; p += strcspn(p, " "), p += *p == ' ') {
		if (strncmp(p, name, n) == 0 && (!p[n] || strchr(" !~", p[n])))
			return p[n] ? p[n] : ' ';
	}
	return strcmp(name, "config") == 0 || strcmp(name, "json") == 0 ? ' ' : 0;
}

static int find_option(const struct command *cmd, struct str name, enum option_id *id, struct err *e)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		char mark = str_eqz(name, option_rows[i].name) ? taken(cmd, option_rows[i].name) : 0;

		if (mark == '~')
			return err_set(e, EX_UNAVAILABLE, "--%s is not supported yet", option_rows[i].name);
		*id = (enum option_id)i;
		if (mark)
			return 0;
	}
	command_name(cmd, &b);
	err_set(e, 0, "--%.*s: pombo %s knows no such option; see pombo %s --help", (int)MIN(name.n, 64u),
		name.p, buf_cstr(&b), buf_cstr(&b));
	buf_done(&b);
	return EX_USAGE;
}

static int put(struct args *a, enum option_id id, const char *value, struct err *e)
{
	if (id == OPT_HEADER_TEXT) {
		if (a->listed_count == LISTED_MAX)
			return err_set(e, EX_USAGE, "--header: at most %d", LISTED_MAX);
		a->listed[a->listed_count++] = value;
	} else if (a->value[id]) {
		return err_set(e, EX_USAGE, "--%s is given twice", option_rows[id].name);
	}
	a->value[id] = value;
	return 0;
}

/* One option at argv[*i], which begins with "--". */
static int read_option(struct args *a, int argc, const char *const *argv, int *i, struct err *e)
{
	const char *name = argv[*i] + 2, *eq = strchr(name, '=');
	struct str word = {name, eq ? (size_t)(eq - name) : strlen(name)};
	enum option_id id = OPT_CONFIG;
	int r = find_option(a->command, word, &id, e);

	if (r)
		return r;
	if (!option_rows[id].value) {
		if (eq)
			return err_set(e, EX_USAGE, "--%s takes no value", option_rows[id].name);
		return put(a, id, "", e);
	}
	if (eq)
		return put(a, id, eq + 1, e);
	if (*i + 1 >= argc)
		return err_set(e, EX_USAGE, "--%s needs a value: %s", option_rows[id].name, option_rows[id].value);
	return put(a, id, argv[++*i], e);
}

static int complete(const struct args *a, struct err *e)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (!a->value[i] && taken(a->command, option_rows[i].name) == '!')
			return err_set(e, EX_USAGE, "--%s %s is missing", option_rows[i].name, option_rows[i].value);
	if (a->count < a->command->min)
		return err_set(e, EX_USAGE, "%s is missing", a->command->arguments);
	return 0;
}

int args_read(struct args *ret, const struct command *cmd, int argc, const char *const *argv, struct err *e)
{
	bool options = true;
	int r;

	*ret = (struct args){.command = cmd};
	for (int i = 0; i < argc; i++)
		if (!utf8_valid(str_of(argv[i]), NULL))
			return err_set(e, EX_USAGE, "argument %d is not UTF-8", i + 1);
	for (int i = 0; i < argc; i++) {
		if (options && strcmp(argv[i], "--") == 0) {
			options = false;
		} else if (options && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
			ret->help = true;
			return 0;
		} else if (cmd->flags & CMD_LATER) {
			continue;
		} else if (options && strncmp(argv[i], "--", 2) == 0) {
			r = read_option(ret, argc, argv, &i, e);
			if (r)
				return r;
		} else if (options && argv[i][0] == '-' && argv[i][1]) {
			return err_set(e, EX_USAGE, "%s: options begin with --", argv[i]);
		} else if (ret->count == cmd->max) {
			return err_set(e, EX_USAGE, "%s: not expected", argv[i]);
		} else {
			ret->argument[ret->count++] = argv[i];
		}
	}
	return cmd->flags & CMD_LATER ? 0 : complete(ret, e);
}

bool args_has(const struct args *a, enum option_id id) { return a->value[id] != NULL; }
