/* control_folder.h - the data folder belongs to one process at a time: the server, or a command that works without one. */
#pragma once
#include "base/util.h"

#define CONTROL_SOCKET "control.sock"
/* Makes the folder when it is missing (mode 0700) and takes its lock, waiting up to wait_ms for another process to let go, unless that
 * is a server that answers commands. Returns a descriptor; -EBUSY: somebody holds it; -errno with words. */
int folder_lock(const char *path, int64_t wait_ms, struct err *e) MUST;
void folder_unlock(int fd); /* -1 ok */
struct sockaddr_un;
/* The address of the control socket by way of a descriptor of the folder, so that a long path fits. */
void folder_socket(int fd, struct sockaddr_un *ret);
/* Connects to the server of that folder. A descriptor; -ENOENT or -ECONNREFUSED: none runs. */
int folder_connect(const char *path) MUST;
