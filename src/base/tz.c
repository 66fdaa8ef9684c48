/* tz.c - zones by name: what names there may be, where their files are, and the cache that all threads share. A file is looked at
 * again when its last look is half a minute old; when it is another one by then, so is the zone that is given out from then on. Who
 * holds the old one keeps it. */
#include "base/tz.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/map.h"
#include "base/time.h"
#include "base/tz_impl.h"

#define CHECK_EVERY_MS 30000
#define CACHE_MAX 4096 /* more than there are names; beyond it zones are read each time */
#define FILE_BYTES_MAX (1 << 20)
#define OFFSET_HOURS_MAX 18

struct cached {
	struct tz *zone;
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec modified;
	int64_t looked_us;
	bool file;
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct map *cache; /* hash of the name -> struct cached */
static char folder[4096];
static int64_t check_every_us = CHECK_EVERY_MS * 1000;

static struct tz utc = {.refs = 1, .name = "UTC"};

const struct tz *tz_utc(void) { return &utc; }

const char *tz_name(const struct tz *z) { return z->name; }

static void take(struct tz *z)
{
	if (z != &utc)
		atomic_fetch_add(&z->refs, 1);
}

void tz_put(const struct tz *shared)
{
	struct tz *z = (struct tz *)(uintptr_t)shared;

	if (!z || z == &utc || atomic_fetch_sub(&z->refs, 1) != 1)
		return;
	free(z->at);
	free(z->type);
	free(z);
}

/* -- offsets -------------------------------------------------------------------------------------------------------- */

/* +hh:mm, +hhmm, +hh. In a query string an unescaped '+' has become a blank. */
static bool offset_of(struct str s, int32_t *seconds)
{
	int64_t h, m = 0;
	bool colon = s.n == 6 && s.p[3] == ':';

	if (s.n < 3 || (s.p[0] != '+' && s.p[0] != '-' && s.p[0] != ' ') || (s.n != 3 && s.n != 5 && !colon))
		return false;
	if (str_i64((struct str){s.p + 1, 2}, 0, OFFSET_HOURS_MAX, &h) < 0 ||
	    (s.n > 3 && str_i64((struct str){s.p + s.n - 2, 2}, 0, 59, &m) < 0))
		return false;
	*seconds = (int32_t)(h * 60 + m) * 60 * (s.p[0] == '-' ? -1 : 1);
	return h < OFFSET_HOURS_MAX || m == 0;
}

static struct tz *fixed_zone(int32_t seconds)
{
	struct tz *z = xnew(struct tz);

	atomic_init(&z->refs, 1);
	snprintf(z->name, sizeof(z->name), "%c%02d:%02d", seconds < 0 ? '-' : '+', abs(seconds) / 3600,
		 abs(seconds) / 60 % 60);
	z->offset[0] = seconds;
	return z;
}

/* -- names and files ------------------------------------------------------------------------------------------------ */

static bool good_name(struct str s)
{
	bool begins = true; /* a part of the path does here */

	if (!s.n || s.n >= TZ_NAME_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

		if (c == '/' ? begins || i + 1 == s.n : !letter && (begins || !strchr("0123456789_+-", c) || !c))
			return false;
		begins = c == '/';
	}
	/* Copies and settings of the machine, which are no names of zones. */
	return !str_iskip(&(struct str){s.p, s.n}, "right/") &&
	       !str_iskip(&(struct str){s.p, s.n}, "posix") && !str_eq(s, STR("localtime"));
}

static const char *folder_now(void)
{
	const char *set;

	if (!folder[0]) {
		set = getenv("TZDIR"); // NOLINT(concurrency-mt-unsafe): nobody changes the environment
		str_copy(folder, sizeof(folder), str_of(set && set[0] == '/' ? set : "/usr/share/zoneinfo"));
	}
	return folder;
}

static int read_all(int fd, struct buf *b)
{
	char chunk[4096];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		buf_put(b, chunk, (size_t)n);
		if (b->n > FILE_BYTES_MAX)
			return -EFBIG;
	}
	return n < 0 ? -errno : 0;
}

static bool same_file(const struct cached *c, const struct stat *st)
{
	return c->dev == st->st_dev && c->ino == st->st_ino && c->size == st->st_size &&
	       c->modified.tv_sec == st->st_mtim.tv_sec && c->modified.tv_nsec == st->st_mtim.tv_nsec;
}

/* The zone's file, when there is one and it is not what c has; NULL else. c learns which file it is. */
static struct tz *load(const char *name, struct cached *c)
{
	char path[sizeof(folder) + TZ_NAME_MAX + 1];
	struct buf b = BUF_INIT;
	struct tz *z = NULL;
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder_now(), name);
	if (c->zone && stat(path, &st) == 0 && same_file(c, &st))
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && read_all(fd, &b) == 0 &&
	    tz_decode(buf_view(&b), name, &z) == 0) {
		c->dev = st.st_dev;
		c->ino = st.st_ino;
		c->size = st.st_size;
		c->modified = st.st_mtim;
	}
	close(fd);
	buf_done(&b);
	return z;
}

/* -- the cache ------------------------------------------------------------------------------------------------------ */

static void look_again(struct cached *c)
{
	struct tz *z;

	if (!c->file || mono_us() - c->looked_us < check_every_us)
		return;
	c->looked_us = mono_us();
	z = load(c->zone->name, c);
	if (!z)
		return; /* the same, or gone, or damaged: what is known holds */
	log_info("tz_updated", "zone=%s", z->name);
	tz_put(c->zone);
	c->zone = z;
}

static struct tz *make(const char *name, int32_t offset, bool fixed)
{
	struct cached found = {.file = !fixed, .looked_us = mono_us()}, *c;

	found.zone = fixed ? fixed_zone(offset) : load(name, &found);
	if (!found.zone || map_count(cache) >= CACHE_MAX)
		return found.zone;
	c = xnew(struct cached);
	*c = found;
	map_set_ptr(cache, hash_bytes(name, strlen(name)), c);
	take(c->zone);
	return c->zone;
}

const struct tz *tz_get(struct str name)
{
	char text[TZ_NAME_MAX];
	struct cached *c;
	struct tz *z;
	int32_t offset = 0;
	bool fixed = offset_of(name, &offset);

	if (str_ieq(name, STR("UTC")) || str_ieq(name, STR("Z")) || (fixed && !offset))
		return &utc;
	if (!fixed && !good_name(name))
		return NULL;
	str_copy(text, sizeof(text), name);
	if (fixed)
		snprintf(text, sizeof(text), "%d", offset);
	pthread_mutex_lock(&lock);
	if (!cache)
		cache = map_new();
	c = map_ptr(cache, hash_bytes(text, strlen(text)));
	if (c && (fixed ? !c->file && c->zone->offset[0] == offset : c->file && !strcmp(c->zone->name, text))) {
		look_again(c);
		z = c->zone;
		take(z);
	} else {
		z = c ? NULL : make(text, offset, fixed);
	}
	pthread_mutex_unlock(&lock);
	return z;
}

static bool forget(void *ctx, uint64_t key, uint64_t value)
{
	struct cached *c = (struct cached *)(uintptr_t)value;

	(void)ctx;
	(void)key;
	tz_put(c->zone);
	free(c);
	return true;
}

void tz_folder(const char *path, int64_t check_every_ms)
{
	pthread_mutex_lock(&lock);
	if (cache) {
		map_each(cache, forget, NULL);
		map_free(cache);
	}
	cache = NULL;
	str_copy(folder, sizeof(folder), str_of(path));
	check_every_us = check_every_ms * 1000;
	pthread_mutex_unlock(&lock);
}
