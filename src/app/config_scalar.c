/* config_scalar.c - single values: variables of the environment, then text into what the key's type says. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/config_reader.h"
#include "base/time.h"

#define VALUE_MAX ((size_t)64 << 10)
#define SECRET_READ 4096

/* -- text ----------------------------------------------------------------------------------------------------------- */
static bool name_char(char c, bool first)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || (!first && c >= '0' && c <= '9');
}

/* s begins behind "${". Appends the variable and returns how much of s it took, 0 after a fault. */
static size_t variable(struct config_reader *r, struct str s, struct buf *out, const char *path, int line)
{
	char name[128];
	const char *value;
	size_t n = 0;

	while (n < s.n && name_char(s.p[n], n == 0))
		n++;
	if (!n || n == s.n || s.p[n] != '}' || n >= sizeof(name)) {
		config_fault(r, line, path, "${ must be followed by a variable's name and }; $${ stands for ${ itself");
		return 0;
	}
	str_copy(name, sizeof(name), (struct str){s.p, n});
	value = secure_getenv(name);
	if (!value) {
		config_fault(r, line, path, "the environment variable %s is not set", name);
		return 0;
	}
	buf_puts(out, value);
	return n + 1;
}

static bool clean(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

bool config_expand(struct config_reader *r, struct str raw, struct buf *out, bool *expanded, const char *path, int line)
{
	size_t i = 0;

	buf_clear(out);
	out->max = VALUE_MAX;
	while (i < raw.n) {
		struct str rest = {raw.p + i, raw.n - i};

		if (rest.n > 2 && memcmp(rest.p, "$${", 3) == 0) {
			buf_puts(out, "${");
			i += 3;
		} else if (rest.n > 1 && memcmp(rest.p, "${", 2) == 0) {
			size_t took = variable(r, (struct str){rest.p + 2, rest.n - 2}, out, path, line);

			if (!took)
				return false;
			*expanded = true;
			i += 2 + took;
		} else {
			buf_putc(out, raw.p[i++]);
		}
	}
	if (out->failed || !utf8_valid(buf_view(out), NULL) || !clean(buf_view(out))) {
		config_fault(r, line, path, out->failed ? "is too long" : "holds control characters or is not UTF-8");
		return false;
	}
	return true;
}

bool config_check_text(struct config_reader *r, const struct config_key *k, struct str text, const char *path, int line)
{
	const char *wrong;

	if ((int64_t)text.n < k->low)
		config_fault(r, line, path, "must not be empty");
	else if ((int64_t)text.n > k->high)
		config_fault(r, line, path, "must not be longer than %lld octets", (long long)k->high);
	else if (k->check && (wrong = k->check(text)))
		config_fault(r, line, path, "%s", wrong);
	else
		return true;
	return false;
}

static void put_text(struct config_reader *r, const struct config_key *k, void *base, const char *text,
		     const char *path, int line)
{
	char **field = (char **)(void *)((char *)base + k->at);

	if (*field) {
		config_fault(r, line, path, "password and password_file exclude each other");
		return;
	}
	*field = xstrdup(text);
}

/* -- files ---------------------------------------------------------------------------------------------------------- */
static void resolve(const struct config_reader *r, struct str name, struct buf *out)
{
	const char *slash = strrchr(r->file, '/');

	if (slash && name.n && name.p[0] != '/')
		buf_put(out, r->file, (size_t)(slash - r->file) + 1);
	if (slash && name.n > 2 && memcmp(name.p, "./", 2) == 0)
		name = (struct str){name.p + 2, name.n - 2};
	buf_str(out, name);
}

/* Opens what must be an ordinary file; -errno, -EINVAL for one that is not. */
static int open_plain(const char *name)
{
	struct stat st;
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -EINVAL;
}

/* The first line of an open file, into secret. False after a fault. */
static bool read_secret(struct config_reader *r, int fd, const char *name, struct buf *secret, int64_t max,
			const char *path, int line)
{
	ssize_t n = read(fd, buf_space(secret, SECRET_READ), SECRET_READ);

	if (n < 0) {
		config_fault(r, line, path, "%s cannot be read: %s", name, strerrordesc_np(errno));
		return false;
	}
	secret->n = (size_t)n;
	secret->n = strcspn(buf_cstr(secret), "\r\n");
	if (secret->n && (int64_t)secret->n <= max && clean(buf_view(secret)) && utf8_valid(buf_view(secret), NULL))
		return true;
	config_fault(r, line, path, "%s must hold 1 to %lld characters in its first line", name, (long long)max);
	return false;
}

static void set_file(struct config_reader *r, const struct config_key *k, void *base, struct str text,
		     const char *path, int line)
{
	struct buf name = BUF_INIT, secret = BUF_INIT;
	int fd;

	resolve(r, text, &name);
	if (k->type == C_PATH) {
		put_text(r, k, base, buf_cstr(&name), path, line);
		goto out;
	}
	fd = open_plain(buf_cstr(&name));
	if (fd < 0) {
		config_fault(r, line, path, "%s cannot be read: %s", buf_cstr(&name),
			     fd == -EINVAL ? "it is not an ordinary file" : strerrordesc_np(-fd));
		goto out;
	}
	if (k->type == C_FILE)
		put_text(r, k, base, buf_cstr(&name), path, line);
	else if (read_secret(r, fd, buf_cstr(&name), &secret, k->high, path, line))
		put_text(r, k, base, buf_cstr(&secret), path, line);
	close(fd);
out:
	if (secret.p)
		explicit_bzero(secret.p, secret.cap);
	buf_done(&secret);
	buf_done(&name);
}

/* -- numbers and words ---------------------------------------------------------------------------------------------- */
void config_put_int(const struct config_key *k, void *base, int64_t v)
{
	char *at = (char *)base + k->at;

	if (k->width == sizeof(int64_t))
		memcpy(at, &v, sizeof(v));
	else if (k->width == sizeof(int32_t))
		memcpy(at, &(int32_t){(int32_t)v}, sizeof(int32_t));
	else
		memcpy(at, &(int8_t){(int8_t)v}, sizeof(int8_t));
}

static const struct config_word *find_word(const struct config_key *k, struct str text)
{
	for (const struct config_word *w = k->words; w && w->name; w++)
		if (str_eqz(text, w->name))
			return w;
	return NULL;
}

static void choices(struct config_reader *r, const struct config_key *k, const char *path, int line)
{
	struct buf b = BUF_INIT;

	for (const struct config_word *w = k->words; w->name; w++)
		buf_fmt(&b, "%s%s", w == k->words ? "" : w[1].name ? ", " : " or ", w->name);
	config_fault(r, line, path, "must be %s", buf_cstr(&b));
	buf_done(&b);
}

void config_add_word(struct config_reader *r, const struct config_key *k, void *base, struct str text,
		     const char *path, int line)
{
	const struct config_word *w = find_word(k, text);
	unsigned *mask = (unsigned *)(void *)((char *)base + k->at);

	if (!w)
		choices(r, k, path, line);
	else
		*mask |= (unsigned)w->value;
}

static int parse_size(struct str s, int64_t low, int64_t high, int64_t *ret)
{
	static const struct {
		const char *unit;
		int shift;
	} units[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
	int shift = 0;
	int64_t v;

	for (size_t i = 0; i < COUNT_OF(units); i++)
		if (s.n > 3 && memcmp(s.p + s.n - 3, units[i].unit, 3) == 0) {
			shift = units[i].shift;
			s.n -= 3;
			break;
		}
	while (s.n && s.p[s.n - 1] == ' ')
		s.n--;
	if (str_i64(s, 0, INT64_MAX, &v) == -EINVAL)
		return -EINVAL;
	if (str_i64(s, 0, INT64_MAX >> shift, &v) < 0 || v << shift < low || v << shift > high)
		return -ERANGE;
	*ret = v << shift;
	return 0;
}

static int parse_code(struct str s, int64_t low, int64_t high, int64_t *ret)
{
	int64_t v = 0;

	if (s.n < 3 || s.p[0] != '0' || (s.p[1] | 0x20) != 'x')
		return str_i64(s, low, high, ret);
	for (size_t i = 2; i < s.n; i++) {
		int digit = hex_digit(s.p[i]);

		if (digit < 0)
			return -EINVAL;
		v = v * 16 + digit;
		if (v > high)
			return -ERANGE;
	}
	if (v < low)
		return -ERANGE;
	*ret = v;
	return 0;
}

/* Reports what a number's parser found. */
static void number_fault(struct config_reader *r, const struct config_key *k, int error, const char *wanted,
			 const char *path, int line)
{
	struct buf b = BUF_INIT;

	if (error == -EINVAL) {
		config_fault(r, line, path, "must be %s%s%s", wanted, k->words ? " or " : "",
			     k->words ? k->words->name : "");
		return;
	}
	config_print_value(k, k->low, &b);
	buf_puts(&b, " to ");
	config_print_value(k, k->high, &b);
	config_fault(r, line, path, "must be from %s", buf_cstr(&b));
	buf_done(&b);
}

static void set_number(struct config_reader *r, const struct config_key *k, void *base, struct str text,
		       bool plain, const char *path, int line)
{
	const struct config_word *w = find_word(k, text);
	const char *wanted = "a whole number";
	int64_t v = 0;
	int e;

	if (w) {
		config_put_int(k, base, w->value);
		return;
	}
	if (k->type == C_DURATION) {
		/* Without a unit nobody knows what was meant; nothing is nothing in any. */
		e = str_eqz(text, "0") ? 0 : duration_parse(text, 0, &v);
		wanted = "a duration with its unit (500ms, 10s, 5m, 48h, 3d)";
		if (e == 0 && (v < k->low || v > k->high))
			e = -ERANGE;
	} else if (k->type == C_SIZE) {
		e = parse_size(text, k->low, k->high, &v);
		wanted = "a size (32MiB, 64KiB, or octets)";
	} else if (!plain) {
		config_fault(r, line, path, "is text, because it is quoted; a number is wanted");
		return;
	} else if (k->type == C_CODE) {
		e = parse_code(text, k->low, k->high, &v);
	} else {
		e = str_i64(text, k->low, k->high, &v);
	}
	if (e < 0)
		number_fault(r, k, e, wanted, path, line);
	else
		config_put_int(k, base, v);
}

static void set_yes_no(struct config_reader *r, const struct config_key *k, void *base, struct str text,
		       bool plain, const char *path, int line)
{
	if (plain && (str_eqz(text, "true") || str_eqz(text, "false")))
		config_put_int(k, base, str_eqz(text, "true"));
	else
		config_fault(r, line, path, "must be true or false, not quoted");
}

void config_set(struct config_reader *r, const struct config_key *k, void *base, struct str text, bool plain,
		const char *path, int line)
{
	const struct config_word *w;

	switch ((enum config_type)k->type) {
	case C_TEXT:
	case C_SECRET:
		if (config_check_text(r, k, text, path, line)) {
			char *z = xstrndup(text.p ? text.p : "", text.n);

			put_text(r, k, base, z, path, line);
			free(z);
		}
		break;
	case C_PATH:
	case C_FILE:
	case C_SECRET_FILE:
		if (text.n && text.n <= 4000)
			set_file(r, k, base, text, path, line);
		else
			config_fault(r, line, path, "must be the name of a file");
		break;
	case C_NUMBER:
	case C_CODE:
	case C_DURATION:
	case C_SIZE: set_number(r, k, base, text, plain, path, line); break;
	case C_YESNO: set_yes_no(r, k, base, text, plain, path, line); break;
	case C_WORD:
	case C_CHOICE:
		w = find_word(k, text);
		if (!w)
			choices(r, k, path, line);
		else if (k->type == C_WORD)
			config_put_int(k, base, w->value);
		else
			put_text(r, k, base, w->name, path, line);
		break;
	case C_WORDS:
	case C_TEXTS:
	case C_SECTION:
	case C_LIST:
	case C_LATER: ASSERT(!"a value that is not single");
	}
}
