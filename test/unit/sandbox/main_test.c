/* main_test.c - the command: its one line, its end, its complaints. */
#include "esme.h"
#include <signal.h>
#include <sys/wait.h>
#include <sysexits.h>

/* Runs the command in a child; its output so far in out until the text occurs, or to its end with NULL. */
struct child {
	pid_t pid;
	int fd;
};

static struct child spawn(const char *const *args)
{
	struct child c = {0};
	char *argv[16] = {NULL};
	int fd[2], argc = 0;

	for (; args[argc]; argc++)
		argv[argc] = xstrdup(args[argc]);
	assert_int_equal(pipe(fd), 0);
	fflush(NULL);
	c.pid = fork();
	assert_true(c.pid >= 0);
	if (c.pid == 0) {
		dup2(fd[1], 1);
		dup2(fd[1], 2);
		close(fd[0]);
		close(fd[1]);
		exit(sandbox_main(argc, argv));
	}
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	close(fd[1]);
	c.fd = fd[0];
	return c;
}

static void read_until(struct child *c, const char *text, char *out, size_t size)
{
	size_t n = strlen(out);

	while (!text || !strstr(out, text)) {
		struct pollfd p = {.fd = c->fd, .events = POLLIN};
		ssize_t r;

		assert_true(poll(&p, 1, WAIT_MS) > 0);
		r = read(c->fd, out + n, size - 1 - n);
		if (r <= 0)
			break;
		n += (size_t)r;
		out[n] = '\0';
	}
	if (text && !strstr(out, text))
		fail_msg("%s not in %s", text, out);
}

static int ended(struct child *c)
{
	int status;

	close(c->fd);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void says_ready_shows_messages_and_ends(void **state)
{
	const char *const argv[] = {"sandbox",     "--smpp", "127.0.0.1:0", "--http", "127.0.0.1:0",
				    "--telephone", "--set",  "delay=1ms",   NULL};
	struct child c = spawn(argv);
	struct smpp_pdu m = {.id = SMPP_BIND_TRANSMITTER, .system_id = "x"};
	struct esme x = {.n = 0};
	char out[4096] = "", address[128];

	(void)state;
	read_until(&c, "\n", out, sizeof(out));
	assert_int_equal(sscanf(out, "ready smpp=%100s http=http://127.0.0.1:", address), 1);
	x.fd = dial(address);
	esme_send(&x, &m);
	esme_want(&x, &m, SMPP_BIND_TRANSMITTER_RESP);
	esme_submit(&x, "5511990000001", "Ola!");
	read_until(&c, "\n55119…0001  <- Ola!  1 part GSM  delivered ", out, sizeof(out));
	kill(c.pid, SIGTERM);
	assert_int_equal(ended(&c), EX_OK);
	esme_close(&x);
}

static void complains_about_what_it_does_not_know(void **state)
{
	static const char *const wrong[][4] = {
		{"sandbox", "--set", "speed=1", NULL},         {"sandbox", "--set", "delay", NULL},
		{"sandbox", "--smpp", "--unknown", "x"},       {"sandbox", "file", NULL},
		{"sandbox", "--config", "/nonexistent", NULL}, {"sandbox", "reply", "1", NULL},
		{"sandbox", "reply", "--skip=256", NULL},      {"sandbox", "reply", "--unknown", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		const char *const argv[] = {wrong[i][0], wrong[i][1], wrong[i][2], wrong[i][3], NULL};
		char out[4096] = "";
		struct child c = spawn(argv);

		read_until(&c, NULL, out, sizeof(out));
		assert_int_equal(ended(&c), EX_USAGE);
		assert_non_null(strstr(out, "pombo sandbox"));
	}
}

/* Runs `pombo sandbox reply` and returns its exit code; what it said in out. */
static int reply(const char *http, char *out, size_t size)
{
	const char *const argv[] = {"sandbox", "reply", "5511990000001", "27182", "Ola!", "--http",
				    http,      NULL};
	struct child c = spawn(argv);

	out[0] = '\0';
	read_until(&c, NULL, out, size);
	return ended(&c);
}

static void a_handset_sends_by_command(void **state)
{
	const char *const argv[] = {"sandbox", "--smpp", "127.0.0.1:0", "--http", "127.0.0.1:0", NULL};
	struct child c = spawn(argv);
	struct smpp_pdu m = {.id = SMPP_BIND_TRANSCEIVER, .system_id = "x"};
	struct esme x = {.n = 0};
	char out[4096] = "", smpp[128], web[128];

	(void)state;
	read_until(&c, "\n", out, sizeof(out));
	assert_int_equal(sscanf(out, "ready smpp=%100s http=http://%100s", smpp, web), 2);
	assert_int_equal(reply(web, out, sizeof(out)), EX_UNAVAILABLE);
	assert_non_null(strstr(out, "nobody is bound"));
	x.fd = dial(smpp);
	esme_send(&x, &m);
	esme_want(&x, &m, SMPP_BIND_TRANSCEIVER_RESP);
	assert_int_equal(reply(web, out, sizeof(out)), EX_OK);
	assert_true(out[0] >= '0' && out[0] <= '9');
	esme_want(&x, &m, SMPP_DELIVER_SM);
	assert_int_equal(m.short_message.n, 4);
	assert_memory_equal(m.short_message.p, "Ola!", 4);
	esme_close(&x);
	kill(c.pid, SIGTERM);
	assert_int_equal(ended(&c), EX_OK);
	assert_int_equal(reply(web, out, sizeof(out)), EX_UNAVAILABLE);
}

static void helps(void **state)
{
	const char *const argv[] = {"sandbox", "--help", NULL};
	char out[16384] = "";
	struct child c = spawn(argv);

	(void)state;
	read_until(&c, NULL, out, sizeof(out));
	assert_int_equal(ended(&c), EX_OK);
	assert_non_null(strstr(out, "late_delay"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_ready_shows_messages_and_ends),
		cmocka_unit_test(complains_about_what_it_does_not_know),
		cmocka_unit_test(a_handset_sends_by_command),
		cmocka_unit_test(helps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
