/* log.c - one line an event, written by one write(2), so that lines of threads do not mix. */
#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/time.h"

#define LINE_MAX_BYTES 4096 /* also the size up to which a pipe takes a write whole (POSIX PIPE_BUF) */
#define PAIRS_MAX_BYTES 3072

static atomic_int level_now = LOG_INFO;
static atomic_int format_now = LOG_TEXT;

static pthread_mutex_t capture_lock = PTHREAD_MUTEX_INITIALIZER;
static void (*capture_fn)(void *ctx, const char *line);
static void *capture_ctx;
static atomic_bool captured;

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void log_setup(enum log_level level, enum log_format format)
{
	atomic_store(&level_now, (int)level);
	atomic_store(&format_now, (int)format);
}

bool log_on(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&level_now, memory_order_relaxed);
}

void log_capture(void (*fn)(void *ctx, const char *line), void *ctx)
{
	pthread_mutex_lock(&capture_lock);
	capture_fn = fn;
	capture_ctx = ctx;
	atomic_store(&captured, fn != NULL);
	pthread_mutex_unlock(&capture_lock);
}

/* Bytes that could break the line, the terminal or the JSON around them become '?'. Returns how many bytes to keep. */
static size_t make_safe(char *s, size_t n)
{
	size_t i = 0;

	while (i < n) {
		unsigned char c = (unsigned char)s[i];
		size_t len = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;

		if (c >= 0x20 && c < 0x7F) {
			i++;
		} else if (len > 1 && i + len > n) {
			return i; /* cut inside a character */
		} else if (len > 1 && utf8_valid((struct str){s + i, len}, NULL)) {
			i += len;
		} else {
			s[i++] = '?';
		}
	}
	return n;
}

static void json_unescaped(struct buf *b, struct str s)
{
	char text[PAIRS_MAX_BYTES];
	size_t n = 0;

	/* What log_quote() escaped is escaped again by buf_json(), hence taken back first. */
	for (size_t i = 0; i < s.n && n < sizeof(text); i++) {
		if (s.p[i] == '\\' && i + 1 < s.n && (s.p[i + 1] == '"' || s.p[i + 1] == '\\'))
			i++;
		text[n++] = s.p[i];
	}
	buf_json(b, (struct str){text, n});
}

/* Whole numbers that fit a double and would be printed the same. */
static bool is_number(struct str v)
{
	int64_t n;
	size_t sign = v.n && v.p[0] == '-';

	if (v.n > sign + 1 && v.p[sign] == '0')
		return false;
	return str_i64(v, -999999999999999, 999999999999999, &n) == 0 && !(sign && n == 0);
}

/* Nothing, or a blank and the next key=. */
static bool pair_ends(struct str s, size_t i)
{
	if (i == s.n)
		return true;
	if (s.p[i] != ' ')
		return false;
	for (i++; i < s.n && s.p[i] != ' ' && s.p[i] != '"'; i++)
		if (s.p[i] == '=')
			return true;
	return false;
}

/* The end of a quoted value that starts at i. Values may hold quotes unescaped, so not every quote is it. */
static size_t quoted_end(struct str s, size_t i)
{
	for (size_t k = i + 1; k < s.n; k++) {
		if (s.p[k] == '\\' && k + 1 < s.n && s.p[k + 1] != ' ')
			k++;
		else if (s.p[k] == '"' && pair_ends(s, k + 1))
			return k;
	}
	return s.n;
}

/* key=value key="value" into JSON members; a word without '=' becomes part of "text". */
static void pairs_json(struct buf *b, struct str s)
{
	size_t i = 0;

	while (i < s.n) {
		size_t from = i, equals;

		if (s.p[i] == ' ') {
			i++;
			continue;
		}
		while (i < s.n && s.p[i] != '=' && s.p[i] != ' ')
			i++;
		if (i == s.n || s.p[i] == ' ') {
			buf_puts(b, ",\"text\":");
			buf_json(b, (struct str){s.p + from, s.n - from});
			return;
		}
		equals = i++;
		buf_putc(b, ',');
		buf_json(b, (struct str){s.p + from, equals - from});
		buf_putc(b, ':');
		if (i < s.n && s.p[i] == '"') {
			size_t end = quoted_end(s, i);

			json_unescaped(b, (struct str){s.p + i + 1, end - i - 1});
			i = MIN(end + 1, s.n);
		} else {
			struct str value = {s.p + i, 0};

			while (i + value.n < s.n && s.p[i + value.n] != ' ')
				value.n++;
			i += value.n;
			if (is_number(value))
				buf_str(b, value);
			else
				buf_json(b, value);
		}
	}
}

static void emit(struct buf *line)
{
	size_t done = 0;

	if (atomic_load(&captured)) {
		pthread_mutex_lock(&capture_lock);
		if (capture_fn) {
			capture_fn(capture_ctx, buf_cstr(line));
			pthread_mutex_unlock(&capture_lock);
			return;
		}
		pthread_mutex_unlock(&capture_lock);
	}
	buf_putc(line, '\n');
	while (done < line->n) {
		ssize_t n = write(STDERR_FILENO, line->p + done, line->n - done);

		if (n <= 0)
			return; /* nobody to tell */
		done += (size_t)n;
	}
}

void log_line(enum log_level level, const char *event, const char *fmt, ...)
{
	char pairs[PAIRS_MAX_BYTES], when[ISO_MAX];
	struct buf line = {.max = LINE_MAX_BYTES * 4};
	va_list ap;
	int n;

	if (!log_on(level))
		return;
	va_start(ap, fmt);
	n = vsnprintf(pairs, sizeof(pairs), fmt, ap);
	va_end(ap);
	n = n < 0 ? 0 : MIN(n, (int)sizeof(pairs) - 1);
	n = (int)make_safe(pairs, (size_t)n);
	iso_utc(when, wall_ms(), true);
	if (atomic_load_explicit(&format_now, memory_order_relaxed) == LOG_JSON) {
		buf_fmt(&line, "{\"level\":\"%s\",\"time\":\"%s\",\"event\":", level_names[level], when);
		buf_json(&line, str_of(event));
		pairs_json(&line, (struct str){pairs, (size_t)n});
		buf_putc(&line, '}');
	} else {
		buf_fmt(&line, "%-5s %s %s", level_names[level], when, event);
		if (n)
			buf_putc(&line, ' ');
		buf_put(&line, pairs, (size_t)n);
	}
	emit(&line);
	buf_done(&line);
}

struct log_text log_quote(struct str s)
{
	static const char hex[] = "0123456789abcdef", cut[] = "\xE2\x80\xA6";
	struct log_text r;
	size_t n = 0, i = 0;

	r.s[n++] = '"';
	while (i < s.n) {
		unsigned char c = (unsigned char)s.p[i];
		size_t len = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
		char piece[8];
		size_t size;

		if (c == '"' || c == '\\') {
			piece[0] = '\\';
			piece[1] = (char)c;
			size = 2;
		} else if (c >= 0x20 && c < 0x7F) {
			piece[0] = (char)c;
			size = 1;
		} else if (len > 1 && i + len <= s.n && utf8_valid((struct str){s.p + i, len}, NULL)) {
			memcpy(piece, s.p + i, len);
			size = len;
		} else {
			len = 1;
			memcpy(piece, (char[6]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
			size = 6;
		}
		if (n + size + sizeof(cut) + 1 > sizeof(r.s)) {
			memcpy(r.s + n, cut, sizeof(cut) - 1);
			n += sizeof(cut) - 1;
			break;
		}
		memcpy(r.s + n, piece, size);
		n += size;
		i += len;
	}
	r.s[n++] = '"';
	r.s[n] = '\0';
	return r;
}

struct log_text log_number(struct str s)
{
	struct log_text r;
	size_t n = MIN(s.n, (size_t)32);
	/* Short codes name a service, not a person. */
	size_t head = n >= 10 ? 5 : 2, tail = n >= 10 ? 4 : 2;
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool show = n <= 6 || i < head || i >= n - tail;

		if (show)
			r.s[at++] = (char)(c > 0x20 && c < 0x7F && c != '"' && c != '\\' && c != '=' ? c : '?');
		else if (i == head)
			at += (size_t)utf8_put(r.s + at, 0x2026);
	}
	r.s[at] = '\0';
	return r;
}
