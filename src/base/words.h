/* words.h - finds words in a text whatever their letter case and accents. A word is a run of letters and digits; what stands between
 * words does not matter, so "Cartao de credito" is in "CARTÃO-DE-CRÉDITO!" but not in "cartao de creditos". Texts are valid UTF-8. */
#pragma once
#include "base/buf.h"

/* Appends the text's words without accents, in small letters, one blank between: what is compared. Nothing when it has none. */
void words_normal(struct buf *out, struct str text);

/* A set of words and phrases, never changed once made: any number of threads may search it. */
struct words;
struct words *words_new(const struct str *entries, size_t n); /* entries without any word are in no text */
void words_free(struct words *w);                             /* NULL ok */
size_t words_count(const struct words *w);                    /* NULL: 0 */

/* All give the index of an entry as it was handed to words_new(), -1 when there is none; w may be NULL. Of several that fit at one
 * place the longest wins. */
ssize_t words_find(const struct words *w, struct str text);  /* the first in the text */
ssize_t words_begin(const struct words *w, struct str text); /* the text begins with it */
ssize_t words_whole(const struct words *w, struct str text); /* the text is it and nothing else */
