/* Reading command lines by the tables, and the help that is printed from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sysexits.h>
#include "app/commands.h"

#define WORDS(...) ((const char *const[]){__VA_ARGS__})
#define COUNT(...) ((int)(sizeof(WORDS(__VA_ARGS__)) / sizeof(char *)))
#define READ(a, e, ...) read_line(a, e, COUNT(__VA_ARGS__), WORDS(__VA_ARGS__))

static int read_line(struct args *a, struct err *e, int argc, const char *const *argv)
{
	const struct command *cmd;
	int used = 0;

	*e = (struct err){""};
	cmd = command_find(argc, argv, &used, e);
	return cmd ? args_read(a, cmd, argc - used, argv + used, e) : -1;
}

static void options_are_read_in_both_forms(void **state)
{
	struct args a;
	struct err e;

	(void)state;
	assert_int_equal(READ(&a, &e, "user", "add", "--username", "a b", "--email=a@b=c", "--role", "regular", "--json"), 0);
	assert_string_equal(a.value[OPT_USERNAME], "a b");
	assert_string_equal(a.value[OPT_EMAIL], "a@b=c");
	assert_true(args_has(&a, OPT_JSON));
	assert_false(args_has(&a, OPT_ACCOUNT));
	assert_int_equal(READ(&a, &e, "send", "--username", "x", "--to", "1", "--text", "--help", "--flash"), 0);
	assert_string_equal(a.value[OPT_TEXT], "--help");
	assert_int_equal(READ(&a, &e, "message", "show", "--no-text", "--", "--id"), 0);
	assert_string_equal(a.argument[0], "--id");
	assert_int_equal(READ(&a, &e, "user", "disable", "-"), 0);
	assert_int_equal(READ(&a, &e, "webhook", "set", "--header", "A: 1", "--header", "B: 2"), 0);
	assert_int_equal(a.listed_count, 2);
	assert_string_equal(a.listed[1], "B: 2");
}

static void faults_are_told(void **state)
{
	static const struct {
		const char *line[8];
		int n, code;
		const char *words;
	} rows[] = {
		{{"user", "list", "--nonsense"}, 3, EX_USAGE, "no such option"},
		{{"user", "list", "--username", "x"}, 4, EX_USAGE, "no such option"},
		{{"user", "list", "extra"}, 3, EX_USAGE, "extra: not expected"},
		{{"user", "list", "-x"}, 3, EX_USAGE, "options begin with --"},
		{{"user", "add", "--username"}, 3, EX_USAGE, "--username needs a value"},
		{{"user", "add", "--username", "a", "--username", "b"}, 6, EX_USAGE, "given twice"},
		{{"user", "add", "--username", "a", "--role", "regular"}, 6, EX_USAGE, "--email MAIL is missing"},
		{{"user", "list", "--json=yes"}, 3, EX_USAGE, "takes no value"},
		{{"user", "disable"}, 2, EX_USAGE, "NAME is missing"},
		{{"webhook", "set", "--voice", "http://x"}, 4, EX_UNAVAILABLE, "not supported yet"},
		{{"user", "disable", "\xff"}, 3, EX_USAGE, "not UTF-8"},
		{{"nonsense"}, 1, -1, "no command nonsense"},
		{{"user"}, 1, -1, "needs one of: add, list"},
		{{"user", "--config", "x"}, 3, -1, "needs one of: add, list"},
		{{"user", "fly"}, 2, -1, "has no fly"},
	};
	struct args a;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(read_line(&a, &e, rows[i].n, rows[i].line), rows[i].code);
		assert_non_null(strstr(e.text, rows[i].words));
	}
}

static void repeated_headers_are_limited(void **state)
{
	const char *line[2 + 2 * (LISTED_MAX + 1)] = {"webhook", "set"};
	struct args a;
	struct err e;

	(void)state;
	for (int i = 0; i <= LISTED_MAX; i++) {
		line[2 + 2 * i] = "--header";
		line[3 + 2 * i] = "A: 1";
	}
	assert_int_equal(read_line(&a, &e, 2 + 2 * LISTED_MAX, line), 0);
	assert_int_equal(read_line(&a, &e, 4 + 2 * LISTED_MAX, line), EX_USAGE);
}

static void later_commands_take_any_line(void **state)
{
	struct args a;
	struct err e;

	(void)state;
	assert_int_equal(READ(&a, &e, "store", "migrate", "--name", "x", "y", "--text=z"), 0);
	assert_true(a.command->flags & CMD_LATER);
}

/* Each name in a command's list is an option of the table, each command runs something, and no two have one name. */
static void the_tables_agree(void **state)
{
	(void)state;
	for (size_t i = 0; i < command_count; i++) {
		const struct command *c = &commands[i];

		assert_true(c->max <= ARGUMENTS_MAX && c->min <= c->max);
		assert_int_equal(!c->run + !c->raw, c->flags & CMD_LATER ? 2 : 1);
		assert_true(c->help[0] >= 'a' && c->help[0] <= 'z');
		for (const char *p = c->options; *p;) {
			size_t n = strcspn(p, " !~"), found = 0;

			for (size_t k = 0; k < OPTION_COUNT; k++)
				found += str_eqz((struct str){p, n}, option_rows[k].name);
			assert_int_equal(found, 1);
			p += n;
			p += strspn(p, " !~");
		}
		for (size_t k = 0; k < i; k++)
			assert_false(strcmp(c->group, commands[k].group) == 0 &&
				     (!c->verb || !commands[k].verb || strcmp(c->verb, commands[k].verb) == 0));
	}
}

static void help_tells_options_and_what_is_missing(void **state)
{
	struct args a;
	struct err e;
	struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(READ(&a, &e, "webhook", "set", "--help"), 0);
	assert_true(a.help);
	help_command(&b, a.command);
	assert_non_null(strstr(buf_cstr(&b), "Usage: pombo webhook set [--username NAME]"));
	assert_non_null(strstr(buf_cstr(&b), "where call events go (not supported yet)"));
	buf_clear(&b);
	assert_true(help_group(&b, "store"));
	assert_non_null(strstr(buf_cstr(&b), "pombo store backup PATH"));
	assert_false(help_group(&b, "nonsense"));
	buf_clear(&b);
	assert_true(help_man(&b, "user"));
	assert_non_null(strstr(buf_cstr(&b), ".TH POMBO\\-user 1"));
	assert_non_null(strstr(buf_cstr(&b), "\\fB\\-\\-grace\\fR \\fITIME\\fR"));
	assert_null(strstr(buf_cstr(&b), "--"));
	assert_false(help_man(&b, "nonsense"));
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_read_in_both_forms),
		cmocka_unit_test(faults_are_told),
		cmocka_unit_test(repeated_headers_are_limited),
		cmocka_unit_test(later_commands_take_any_line),
		cmocka_unit_test(the_tables_agree),
		cmocka_unit_test(help_tells_options_and_what_is_missing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
