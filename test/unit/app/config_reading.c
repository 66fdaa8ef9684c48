/* config_reading.c - texts read as configurations (config_reading.h). */
#include "config_reading.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The faults of a text, one a line, without the file's name. */
char *faults_of(const char *text, size_t n)
{
	struct config_faults f = {0};
	struct settings *s = NULL;
	struct buf all = BUF_INIT;
	int r = config_parse("f", (struct str){text, n}, &s, &f);
	char *words;

	assert_int_equal(r, f.count ? -EINVAL : 0);
	assert_int_equal(s == NULL, f.count > 0);
	for (size_t i = 0; i < f.count; i++) {
		assert_memory_equal(f.list[i].text, "f:", 2);
		buf_fmt(&all, "%s%s", i ? "\n" : "", f.list[i].text + 2);
	}
	words = xstrdup(buf_cstr(&all));
	buf_done(&all);
	config_faults_done(&f);
	settings_free(s);
	return words;
}

void expect(const char *text, const char *want)
{
	char *got = faults_of(text, strlen(text));

	if (strcmp(got, want) != 0)
		fail_msg("for:\n%s\ngot:\n%s\nwant:\n%s", text, got, want);
	free(got);
}

struct settings *good(const char *text)
{
	struct config_faults f = {0};
	struct settings *s = NULL;

	if (config_parse("f", str_of(text), &s, &f) < 0)
		fail_msg("%s", f.list[0].text);
	assert_int_equal(f.count, 0);
	return s;
}
