/* protect.h - which numbers an account and its sub-account may reach: lists of countries and of prefixes, against toll fraud. Pure. */
#pragma once
#include "model/account.h"
#include "model/input.h"

/* True when the lists are empty or one of them names the number: its country (ISO 3166 alpha-2, "" unknown) or its beginning. */
bool protect_covers(const struct allow_list *l, const char *country, struct str digits);
/* Drafts that may not go where they are addressed to end at once (203, reason not_allowed). NULL lists: everything is allowed. */
void protect_drafts(struct draft *d, size_t n, const struct account *account, const struct sub_account *sub);
