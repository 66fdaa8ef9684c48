/* snapshot_texts.h - the part of a snapshot that is about texts: copies, with their indexes. Internal to snapshot.c; what others may
 * ask stands in snapshot.h. */
#pragma once
#include "base/words.h"
#include "model/texts.h"

struct snapshot;
struct snapshot_texts;
struct snapshot_texts *snapshot_texts_new(const struct texts *from); /* copies everything; NULL = there is nothing */
void snapshot_texts_free(struct snapshot_texts *t);                  /* NULL ok */
const struct snapshot_texts *snapshot_texts_of(const struct snapshot *s);
