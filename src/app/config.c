/* config.c - the file, its document, and its faults. What a faulty file leaves in the settings is thrown away whole. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/config_reader.h"

struct config_path config_path(const char *fmt, ...)
{
	struct config_path p;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p.s, sizeof(p.s), fmt, ap);
	va_end(ap);
	return p;
}

/* -- faults --------------------------------------------------------------------------------------------------------- */
void config_fault(struct config_reader *r, int line, const char *path, const char *fmt, ...)
{
	struct config_faults *f = r->faults;
	struct buf text = BUF_INIT;
	char words[1024];
	va_list ap;

	if (config_full(r))
		return;
	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	for (size_t n = strlen(words), cut = 0; cut < 4 && !utf8_valid((struct str){words, n}, NULL); cut++)
		words[--n] = '\0'; /* a long one was cut inside a character */
	buf_puts(&text, r->file);
	if (line > 0)
		buf_fmt(&text, ":%d", line);
	buf_puts(&text, ": ");
	if (path[0])
		buf_fmt(&text, "%s: ", path);
	buf_puts(&text, words);
	f->list = xrealloc(f->list, f->count + 1, sizeof(*f->list));
	f->list[f->count++] = (struct config_fault){line, xstrdup(path), xstrdup(buf_cstr(&text))};
	buf_done(&text);
}

bool config_full(const struct config_reader *r) { return r->faults->count >= CONFIG_FAULTS_MAX; }

void config_faults_done(struct config_faults *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free(f->list[i].key);
		free(f->list[i].text);
	}
	free(f->list);
	*f = (struct config_faults){0};
}

void config_faults_print(const struct config_faults *f, struct buf *out)
{
	for (size_t i = 0; i < f->count; i++)
		buf_fmt(out, "%s\n", f->list[i].text);
	if (f->count >= CONFIG_FAULTS_MAX)
		buf_puts(out, "(there may be more)\n");
}

static int by_line(const void *a, const void *b)
{
	const struct config_fault *x = a, *y = b;

	return (x->line > y->line) - (x->line < y->line);
}

int config_line(const struct config_reader *r, const char *path)
{
	size_t best = 0;
	int line = 0;

	for (size_t i = 0; i < r->place_count; i++) {
		size_t n = strlen(r->places[i].path);

		if (n >= best && strncmp(path, r->places[i].path, n) == 0 &&
		    (!path[n] || path[n] == '.' || path[n] == '[')) {
			best = n;
			line = r->places[i].line;
		}
	}
	return line;
}

bool config_given(const struct config_reader *r, const char *path)
{
	for (size_t i = 0; i < r->place_count; i++)
		if (strcmp(r->places[i].path, path) == 0)
			return true;
	return false;
}

void config_remember(struct config_reader *r, const char *path, int line)
{
	if (!(r->place_count & (r->place_count - 1)))
		r->places = xrealloc(r->places, r->place_count ? r->place_count * 2 : 1, sizeof(*r->places));
	r->places[r->place_count++] = (struct config_place){xstrdup(path), line};
}

/* -- the file ------------------------------------------------------------------------------------------------------- */
static int newlines(struct str text, size_t before)
{
	int n = 0;

	for (size_t i = 0; i < MIN(before, text.n); i++)
		n += text.p[i] == '\n';
	return n;
}

static void yaml_fault(struct config_reader *r, const yaml_parser_t *p, struct str text)
{
	int line = p->error == YAML_READER_ERROR ? newlines(text, p->problem_offset) + 1
						 : (int)p->problem_mark.line + 1;

	config_fault(r, line, "", "not YAML: %s%s%s", p->context ? p->context : "", p->context ? ", " : "",
		     p->problem ? p->problem : "unknown error");
}

/* Loads the one document of the text. */
static bool load(struct config_reader *r, yaml_parser_t *p, yaml_document_t *d, struct str text)
{
	yaml_document_t more;
	bool another;

	yaml_parser_set_encoding(p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(p, (const unsigned char *)text.p, text.n);
	if (!yaml_parser_load(p, d)) {
		yaml_fault(r, p, text);
		return false;
	}
	if (!yaml_parser_load(p, &more)) {
		yaml_fault(r, p, text);
		yaml_document_delete(d);
		return false;
	}
	another = yaml_document_get_root_node(&more) != NULL;
	if (another)
		config_fault(r, (int)more.start_mark.line + 1, "", "holds more than one document");
	yaml_document_delete(&more);
	return true;
}

static void read_document(struct config_reader *r, yaml_document_t *d)
{
	yaml_node_t *root = yaml_document_get_root_node(d);

	r->document = d;
	if (!root) {
		config_fault(r, 0, "", "is empty; at least data is required");
		return;
	}
	if (config_walk(r))
		config_cross(r);
}

int config_parse(const char *file, struct str text, struct settings **ret, struct config_faults *faults)
{
	struct config_reader r = {.file = file, .faults = faults, .s = xnew(struct settings)};
	yaml_document_t d;
	yaml_parser_t p;

	ASSERT(yaml_parser_initialize(&p));
	r.s->file = xstrdup(file);
	if (text.n > CONFIG_FILE_MAX) {
		config_fault(&r, 0, "", "is larger than 1 MiB");
	} else if (load(&r, &p, &d, text)) {
		read_document(&r, &d);
		yaml_document_delete(&d);
	}
	yaml_parser_delete(&p);
	for (size_t i = 0; i < r.place_count; i++)
		free(r.places[i].path);
	free(r.places);
	if (faults->count) {
		qsort(faults->list, faults->count, sizeof(*faults->list), by_line);
		settings_free(r.s);
		return -EINVAL;
	}
	*ret = r.s;
	return 0;
}

/* -errno; more than CONFIG_FILE_MAX is cut one octet beyond it. */
static int read_file(const char *file, struct buf *out)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	while (out->n <= CONFIG_FILE_MAX) {
		size_t want = MIN((size_t)65536, CONFIG_FILE_MAX + 1 - out->n);
		ssize_t n;

		if (!want)
			break;
		n = read(fd, buf_space(out, want), want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			r = -errno;
		if (n <= 0)
			break;
		out->n += (size_t)n;
	}
	close(fd);
	return r;
}

int config_read(const char *file, struct settings **ret, struct config_faults *faults)
{
	struct config_reader only_faults = {.file = file, .faults = faults};
	struct buf text = BUF_INIT;
	int r = read_file(file, &text);

	if (r < 0)
		config_fault(&only_faults, 0, "", "cannot be read: %s", strerrordesc_np(-r));
	else
		r = config_parse(file, buf_view(&text), ret, faults);
	buf_done(&text);
	return r;
}
