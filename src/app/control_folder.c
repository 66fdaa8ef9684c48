/* control_folder.c - see control_folder.h. The lock is flock() on the folder itself: nothing is left behind, and it ends with the
 * process. */
#include "app/control_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/time.h"

#define LOCK_POLL_US 20000

/* Who holds it answers commands: a server that stays. Without this one would wait for one that starts or ends. */
static bool server_runs(const char *path)
{
	int fd = folder_connect(path);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int folder_lock(const char *path, int64_t wait_ms, struct err *e)
{
	int64_t until = mono_us() + wait_ms * 1000;
	int fd;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set(e, -errno, "data: cannot make %s: %s", path, strerrordesc_np(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, -errno, "data: %s: %s", path, strerrordesc_np(errno));
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int r = errno == EWOULDBLOCK ? -EBUSY : -errno;

		if (r == -EBUSY && mono_us() < until && !server_runs(path)) {
			usleep(LOCK_POLL_US);
			continue;
		}

		close(fd);
		return err_set(e, r, "data: %s: %s", path,
			       r == -EBUSY ? "another pombo is working on it" : strerrordesc_np(-r));
	}
	return fd;
}

void folder_unlock(int fd)
{
	if (fd >= 0)
		close(fd);
}

void folder_socket(int fd, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(ret->sun_path, sizeof ret->sun_path, "/proc/self/fd/%d/%s", fd, CONTROL_SOCKET);
}

int folder_connect(const char *path)
{
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), s, r = 0;
	struct sockaddr_un a;

	if (folder < 0)
		return -errno;
	folder_socket(folder, &a);
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s < 0 || connect(s, (const struct sockaddr *)&a, sizeof a) < 0)
		r = -errno;
	close(folder);
	if (r < 0 && s >= 0)
		close(s);
	return r < 0 ? r : s;
}
