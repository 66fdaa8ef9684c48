/* commands_help.c - help and man pages out of the tables. */
#include <string.h>
#include <sysexits.h>

#include "app/commands.h"

static const char exit_codes[] = "0 done; 64 wrong use; 65 a value that cannot be used; 66 there is no such "
				 "thing; 69 not possible now or not "
				 "supported yet; 73 it exists already; 74 a disk failed; 77 not permitted; "
				 "78 the configuration is wrong. "
				 "pombo check ends with 1 when it found faults.";

/* Calls fn for each option of the command, in the order of its list, with its mark. */
static void each_option(const struct command *cmd,
			void (*fn)(struct buf *out, const struct option_row *o, char mark), struct buf *out)
{
	for (const char *p = cmd->options; *p;) {
		size_t n = strcspn(p, " !~");

		for (size_t i = 0; i < OPTION_COUNT; i++)
			if (str_eqz((struct str){p, n}, option_rows[i].name))
				fn(out, &option_rows[i], p[n] ? p[n] : ' ');
		p += n;
		p += strspn(p, " !~");
	}
}

static void synopsis_option(struct buf *out, const struct option_row *o, char mark)
{
	if (mark == '~')
		return;
	buf_fmt(out, mark == '!' ? " --%s" : " [--%s", o->name);
	if (o->value)
		buf_fmt(out, " %s", o->value);
	if (mark != '!')
		buf_putc(out, ']');
}

static void synopsis(struct buf *out, const struct command *cmd)
{
	buf_puts(out, "pombo ");
	command_name(cmd, out);
	if (*cmd->arguments)
		buf_fmt(out, " %s", cmd->arguments);
	each_option(cmd, synopsis_option, out);
	if (!(cmd->flags & (CMD_RAW | CMD_LATER)))
		buf_puts(out, " [--config FILE]");
}

static void later(struct buf *out, const struct command *cmd)
{
	if (cmd->flags & CMD_LATER)
		buf_puts(out, " (not supported yet)");
}

static void option_line(struct buf *out, const struct option_row *o, char mark)
{
	struct buf left = BUF_INIT;

	buf_fmt(&left, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
	buf_fmt(out, "  %-28s %s%s\n", buf_cstr(&left), o->help, mark == '~' ? " (not supported yet)" : "");
	buf_done(&left);
}

void help_all(struct buf *out)
{
	struct buf name = BUF_INIT;

	buf_puts(out, "Usage: pombo COMMAND [OPTIONS]\n\nA messaging gateway: Wavy/Sinch Messaging API in, "
		      "SMS over SMPP out.\n\n");
	for (size_t i = 0; i < command_count; i++) {
		if (commands[i].flags & CMD_LATER)
			continue;
		buf_clear(&name);
		command_name(&commands[i], &name);
		buf_fmt(out, "  %-18s %s\n", buf_cstr(&name), commands[i].help);
	}
	buf_done(&name);
	buf_puts(out, "\nOf every command:\n");
	option_line(out, &option_rows[OPT_CONFIG], ' ');
	option_line(out, &option_rows[OPT_JSON], ' ');
	buf_puts(out, "  --help                       options of the command\n  pombo --version              "
		      "which this is\n");
	buf_fmt(out, "\nExit codes: %s\n", exit_codes);
}

void help_command(struct buf *out, const struct command *cmd)
{
	buf_puts(out, "Usage: ");
	synopsis(out, cmd);
	buf_fmt(out, "\n\n%c%s%s.", cmd->help[0] - 'a' + 'A', cmd->help + 1, "");
	later(out, cmd);
	buf_puts(out, "\n\n");
	each_option(cmd, option_line, out);
	if (cmd->flags & CMD_LATER)
		return;
	option_line(out, &option_rows[OPT_CONFIG], ' ');
	option_line(out, &option_rows[OPT_JSON], ' ');
}

bool help_group(struct buf *out, const char *group)
{
	bool any = false;

	for (size_t i = 0; i < command_count; i++) {
		if (strcmp(commands[i].group, group) != 0)
			continue;
		any = true;
		buf_puts(out, "  ");
		synopsis(out, &commands[i]);
		buf_fmt(out, "\n      %s", commands[i].help);
		later(out, &commands[i]);
		buf_putc(out, '\n');
	}
	return any;
}

/* -- man pages (man(7)) --------------------------------------------------------------------------------------------- */

/* Text for roff: a hyphen that is to be copied is \-, and no line begins with a control character. */
static void roff(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '-' || s.p[i] == '\\')
			buf_putc(out, '\\');
		buf_putc(out, s.p[i]);
	}
}

static void roff_option(struct buf *out, const struct option_row *o, char mark)
{
	buf_puts(out, ".TP\n\\fB");
	roff(out, STR("--"));
	roff(out, str_of(o->name));
	buf_puts(out, "\\fR");
	if (o->value)
		buf_fmt(out, " \\fI%s\\fR", o->value);
	buf_putc(out, '\n');
	roff(out, str_of(o->help));
	buf_puts(out, mark == '~' ? " (not supported yet)\n" : "\n");
}

static void roff_command(struct buf *out, const struct command *cmd)
{
	struct buf line = BUF_INIT;

	synopsis(&line, cmd);
	buf_puts(out, ".SS ");
	roff(out, buf_view(&line));
	buf_puts(out, "\n");
	roff(out, str_of(cmd->help));
	later(out, cmd);
	buf_puts(out, ".\n");
	each_option(cmd, roff_option, out);
	buf_done(&line);
}

static void man_page(struct buf *out, const char *group)
{
	buf_fmt(out, ".TH POMBO%s%s 1 \"\" \"pombo %s\" \"pombo\"\n.SH NAME\npombo", group ? "\\-" : "",
		group ? group : "", POMBO_VERSION);
	if (group) {
		buf_puts(out, "\\-");
		roff(out, str_of(group));
	}
	buf_puts(out, " \\- messaging gateway, ");
	buf_puts(out, group ? "command " : "all commands");
	if (group)
		roff(out, str_of(group));
	buf_puts(out, "\n.SH COMMANDS\n");
}

static const char signals[] = ".SH SIGNALS\n.TP\nSIGTERM, SIGINT\nStops accepting, finishes what is under "
			      "way within a bound, ends with 0.\n"
			      ".TP\nSIGHUP\nReads the configuration and the certificates again; with faults "
			      "the old ones stay, and the log says why.\n";

static void man_ends(struct buf *out, const char *group)
{
	if (group && strcmp(group, "serve") == 0)
		buf_puts(out, signals);
	buf_puts(out, ".SH OPTIONS OF EVERY COMMAND\n");
	roff_option(out, &option_rows[OPT_CONFIG], ' ');
	roff_option(out, &option_rows[OPT_JSON], ' ');
	buf_puts(out, ".SH HOW IT WORKS\n"
		      "Beside a running server a command is run by the server, through a socket in the data "
		      "folder, and takes "
		      "effect at once. With none running it opens the store itself.\n"
		      ".SH EXIT STATUS\n");
	roff(out, str_of(exit_codes));
	buf_puts(out, "\n.SH FILES\n/etc/pombo/pombo.yaml\n.SH SEE ALSO\n.BR sysexits.h (3head)\n");
}

bool help_man(struct buf *out, const char *group)
{
	bool any = false;

	man_page(out, group);
	for (size_t i = 0; i < command_count; i++) {
		if ((commands[i].flags & CMD_LATER) || (group && strcmp(commands[i].group, group) != 0))
			continue;
		any = true;
		roff_command(out, &commands[i]);
	}
	man_ends(out, group);
	return any;
}

void help_groups(struct buf *out)
{
	for (size_t i = 0; i < command_count; i++) {
		bool first = !(commands[i].flags & CMD_LATER);

		for (size_t k = 0; k < i && first; k++)
			first = strcmp(commands[k].group, commands[i].group) != 0 || (commands[k].flags & CMD_LATER);
		if (first)
			buf_fmt(out, "%s\n", commands[i].group);
	}
}

/* pombo help [--man] [GROUP [VERB]]; the argument "groups" with --man lists what has a page. */
int help_run(struct context *c, const struct args *a)
{
	const struct command *cmd = NULL;
	struct buf b = BUF_INIT;
	struct err e;
	int used, code = EX_OK;

	if (args_has(a, OPT_MAN) && a->count && strcmp(a->argument[0], "groups") == 0)
		help_groups(&b);
	else if (args_has(a, OPT_MAN))
		code = help_man(&b, a->count ? a->argument[0] : NULL) ? EX_OK : EX_USAGE;
	else if (!a->count)
		help_all(&b);
	else if (a->count == 1)
		code = help_group(&b, a->argument[0]) ? EX_OK : EX_USAGE;
	else
		cmd = command_find((int)a->count, a->argument, &used, &e);
	if (cmd)
		help_command(&b, cmd);
	else if (a->count == 2 && !args_has(a, OPT_MAN))
		code = EX_USAGE;
	if (code)
		complain(c, code, "there is no command %s", a->argument[0]);
	else
		say(c, "%s", buf_cstr(&b));
	buf_done(&b);
	return code;
}
