/* template.h - placeholders in texts: {{name}} and {{name|digits}}, blanks inside allowed. Pure. All texts are valid UTF-8. */
#pragma once
#include "base/buf.h"

#define TEMPLATE_NAME_MAX 64 /* code points of a parameter's name */

struct template_param {
	struct str name, value; /* the name without blanks around */
};

/* Appends the text with its placeholders replaced: what stands between {{ and }} (no braces in it) is a name, perhaps | and a filter.
 * digits sets a blank between digits that touch, so that a voice spells them. A name without a parameter becomes empty, a filter that
 * does not exist changes nothing; {{ without }} stays as it is.
 *
 * invalid (may be NULL) gets what was wrong, as the members of a JSON array without its brackets: names that have no parameter (and
 * placeholders with an unknown filter, whole) in order of the text, then parameters that no placeholder names, each once. Returns
 * their number. */
size_t template_render(struct buf *out, struct str text, const struct template_param *params, size_t n, struct buf *invalid);

/* What is wrong with a text that is to be stored as a template: an empty name, one that is too long, an unknown filter. 0, or
 * -EINVAL with words; *placeholders (may be NULL) = how many it has. */
int template_check(struct str text, size_t *placeholders, struct err *e) MUST;
