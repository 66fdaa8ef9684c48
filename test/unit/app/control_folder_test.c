/* The lock of the data folder and the address of its socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "app/control_folder.h"

static char root[] = "/tmp/pombo-folder-XXXXXX";

static void is_made_private_and_locked_once(void **state)
{
	char path[300];
	struct stat st;
	struct err e;
	int one, two;

	(void)state;
	snprintf(path, sizeof path, "%s/data", root);
	one = folder_lock(path, 0, &e);
	assert_true(one >= 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	two = folder_lock(path, 0, &e);
	assert_int_equal(two, -EBUSY);
	assert_non_null(strstr(e.text, "another pombo"));
	folder_unlock(one);
	two = folder_lock(path, 0, &e);
	assert_true(two >= 0);
	folder_unlock(two);
	folder_unlock(-1);
	rmdir(path);
}

static void waits_for_a_holder_that_ends(void **state)
{
	struct err e;
	int held = folder_lock(root, 0, &e), pipes[2], fd;
	char c;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		/* The lock is the open file's, so the child's copy keeps it. */
		close(pipes[1]);
		_exit(read(pipes[0], &c, 1) == 1 ? 0 : 1);
	}
	assert_true(pid > 0);
	folder_unlock(held);
	assert_int_equal(folder_lock(root, 50, &e), -EBUSY);
	assert_int_equal(write(pipes[1], "x", 1), 1);
	fd = folder_lock(root, 10000, &e);
	assert_true(fd >= 0);
	folder_unlock(fd);
	waitpid(pid, NULL, 0);
	close(pipes[0]);
	close(pipes[1]);
}

static void a_server_that_answers_is_not_waited_for(void **state)
{
	struct sockaddr_un a;
	struct err e;
	int fd = folder_lock(root, 0, &e), s, k;

	(void)state;
	assert_int_equal(folder_connect(root), -ENOENT);
	folder_socket(fd, &a);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(s, (const struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(s, 4), 0);
	k = folder_connect(root);
	assert_true(k >= 0);
	close(k);
	assert_int_equal(folder_lock(root, 60000, &e), -EBUSY);
	close(s);
	assert_int_equal(folder_connect(root), -ECONNREFUSED);
	assert_int_equal(unlinkat(fd, CONTROL_SOCKET, 0), 0);
	folder_unlock(fd);
}

static void long_paths_fit(void **state)
{
	char path[400], name[200];
	struct sockaddr_un a;
	struct err e;
	int fd, s, k;

	(void)state;
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	snprintf(path, sizeof path, "%s/%s", root, name);
	fd = folder_lock(path, 0, &e);
	assert_true(fd >= 0);
	folder_socket(fd, &a);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(s, (const struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(s, 1), 0);
	k = folder_connect(path);
	assert_true(k >= 0);
	close(k);
	close(s);
	assert_int_equal(unlinkat(fd, CONTROL_SOCKET, 0), 0);
	folder_unlock(fd);
	assert_int_equal(rmdir(path), 0);
}

static void what_is_no_folder_is_told(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(folder_lock("/proc/nowhere/x", 0, &e), -ENOENT);
	assert_non_null(strstr(e.text, "/proc/nowhere/x"));
	assert_int_equal(folder_lock("/dev/null", 0, &e), -ENOTDIR);
	assert_int_equal(folder_connect("/proc/nowhere/x"), -ENOENT);
}

static int make_root(void **state)
{
	(void)state;
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	(void)state;
	return rmdir(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_made_private_and_locked_once),
		cmocka_unit_test(waits_for_a_holder_that_ends),
		cmocka_unit_test(a_server_that_answers_is_not_waited_for),
		cmocka_unit_test(long_paths_fit),
		cmocka_unit_test(what_is_no_folder_is_told),
	};
	return cmocka_run_group_tests(tests, make_root, remove_root);
}
