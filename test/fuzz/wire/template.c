/* template.c - a text, then names and values of its parameters, all separated by 0x1E. Nothing unresolved may be left, what is stored
 * after its check renders without a fault but missing names, and the matcher of words survives the result. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/words.h"
#include "wire/json.h"
#include "wire/template.h"

#define PARAMS 8

static void check(bool ok)
{
	if (!ok)
		abort();
}

static struct str field(const char **p, const char *end)
{
	const char *stop = *p < end ? memchr(*p, 0x1e, (size_t)(end - *p)) : NULL;
	struct str s = {*p, (size_t)((stop ? stop : end) - *p)};

	*p = stop ? stop + 1 : end;
	return s;
}

static void words(struct str text, struct str entry)
{
	struct words *w = words_new(&entry, 1);
	struct buf once = BUF_INIT, twice = BUF_INIT;

	words_normal(&once, text);
	check(utf8_valid(buf_view(&once), NULL));
	words_normal(&twice, buf_view(&once));
	check(str_eq(buf_view(&once), buf_view(&twice)));
	check(words_find(w, text) >= -1);
	if (words_whole(w, text) == 0)
		check(words_begin(w, text) == 0);
	if (words_begin(w, text) == 0)
		check(words_find(w, text) == 0);
	buf_done(&once);
	buf_done(&twice);
	words_free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size;
	struct template_param params[PARAMS];
	struct buf out = BUF_INIT, invalid = BUF_INIT, list = BUF_INIT, again = BUF_INIT;
	struct json_doc *doc;
	struct err e;
	struct str text;
	size_t n = 0, told, placeholders = 0;

	if (size == 0 || !utf8_valid((struct str){p, size}, NULL))
		return 0;
	text = field(&p, end);
	while (p < end && n < PARAMS) {
		params[n].name = field(&p, end);
		params[n++].value = field(&p, end);
	}
	told = template_render(&out, text, params, n, &invalid);
	check(utf8_valid(buf_view(&out), NULL));
	buf_fmt(&list, "[%s]", buf_cstr(&invalid));
	doc = json_read(list.p, list.n, &e);
	check(doc && json_count(json_root(doc)) == told);
	json_free(doc);
	if (template_check(text, &placeholders, &e) == 0 && !placeholders)
		check(str_eq(buf_view(&out), text));
	/* Without values there is nothing that braces could come from but the text itself. */
	template_render(&again, text, NULL, 0, NULL);
	check(again.n <= text.n);
	words(buf_view(&out), n ? params[0].value : text);
	buf_done(&out);
	buf_done(&invalid);
	buf_done(&list);
	buf_done(&again);
	return 0;
}
