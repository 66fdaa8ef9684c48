/* fixture_users.c - the accounts, users and texts that the tests of the API know (fixture.h). */
#include "fixture.h"

#include "wire/signature.h"

static void hash(const char *token, unsigned char out[TOKEN_HASH])
{
	struct token_hash h;

	token_hash(str_of(token), &h);
	memcpy(out, h.h, TOKEN_HASH);
}

static struct user user(uint32_t id, const char *name, const char *token, uint32_t account, uint32_t sub, enum role role)
{
	struct user u = {.id = id, .account = account, .sub_account = sub, .role = role, .answer_object = -1};

	str_copy(u.name, sizeof(u.name), str_of(name));
	snprintf(u.email, sizeof(u.email), "%.20s@example.com", name);
	hash(token, u.token);
	return u;
}

static char zero[] = "Oi {{param1}} e {{ param2 }}", bye[] = "Tchau", sale[] = "So hoje",
	    code[] = "Codigo {{n}}", other[] = "Outro", promo[] = "Promo", casino[] = "cassino",
	    bet[] = "Aposta certa", shop_head[] = "LOJA:", shop_foot[] = "SAIR p/ sair";
static const struct texts *texts_of_accounts(void)
{
	static struct text_template templates[] = {
		{.account = 1, .id = 0, .name = "zero", .lane = TEXT_OF_SUB_ACCOUNT, .text = zero},
		{.account = 1, .id = 7, .name = "bye", .lane = TEXT_OF_SUB_ACCOUNT, .text = bye},
		{.account = 1, .id = 9, .name = "sale", .lane = TEXT_MARKETING, .text = sale},
		{.account = 1, .id = 10, .name = "code", .lane = TEXT_TRANSACTIONAL, .text = code},
		{.account = 1, .sub_account = 11, .id = 8, .name = "Bye", .lane = TEXT_OF_SUB_ACCOUNT, .text = other},
		{.account = 2, .id = 7, .name = "theirs", .lane = TEXT_OF_SUB_ACCOUNT, .text = other},
	};
	static struct flow flows[] = {
		{.account = 1, .id = "14f8142d-e731-4971-8220-5a76a12c413f", .text = zero},
		{.account = 1, .sub_account = 11, .id = "24f8142d-e731-4971-8220-5a76a12c413f", .text = other},
	};
	static struct campaign campaigns[] = {{64, 1, promo, 1}, {65, 2, promo, 1}};
	static struct forbidden_word words[] = {{1, 0, casino}, {1, 11, bet}};
	static struct text_rule rules[] = {
		{.account = 1, .sub_account = 10, .header = shop_head},
		{.account = 1, .sub_account = 12, .max_length = 60, .header = shop_head, .footer = shop_foot},
		{.account = 2, .closed_campaigns = true},
	};
	static const struct texts all = {templates, COUNT_OF(templates), flows, COUNT_OF(flows),
					 campaigns, COUNT_OF(campaigns), words, COUNT_OF(words),
					 rules,     COUNT_OF(rules)};

	return &all;
}

static struct texts *with_campaigns(size_t n)
{
	static struct texts all;
	static struct campaign campaigns[CAMPAIGNS_MAX];
	static char aliases[CAMPAIGNS_MAX][8];

	all = *texts_of_accounts();
	for (size_t i = 0; i < n; i++) {
		snprintf(aliases[i], sizeof(aliases[i]), "c%zu", i);
		campaigns[i] = (struct campaign){100 + (uint32_t)i, 1, aliases[i], 1};
	}
	if (n) {
		all.campaigns = campaigns;
		all.campaign_count = n;
	}
	return &all;
}

static void publish(const char *disabled, const struct texts *texts)
{
	const struct account accounts[] = {{.id = 1, .name = "default"},
					   {.id = 2, .name = "other"},
					   {.id = 3, .name = "shut", .disabled = true}};
	const struct sub_account subs[] = {
		{.id = 10, .account = 1, .reference = "default"},
		{.id = 11, .account = 1, .reference = "marketing", .marketing = true},
		{.id = 12, .account = 1, .reference = "shop", .marketing = true},
		{.id = 20, .account = 2, .reference = "default"},
		{.id = 21, .account = 2, .reference = "theirs"},
		{.id = 30, .account = 3, .reference = "default"},
	};
	struct user users[] = {
		user(1, "ana", "t-ana", 1, 10, ROLE_REGULAR),
		user(2, "rui", "t-rui", 1, 11, ROLE_REGULAR),
		user(3, "Maria da Silva", "t-maria", 1, 10, ROLE_REGULAR),
		user(4, "root", "t-root", 1, 0, ROLE_ADMINISTRATOR),
		user(5, "plat", "t-plat", 1, 0, ROLE_PLATFORM),
		user(6, "gone", "t-gone", 1, 10, ROLE_REGULAR),
		user(7, "eva", "t-eva", 2, 20, ROLE_REGULAR),
		user(8, "old", "t-old", 1, 10, ROLE_REGULAR),
		user(9, "older", "t-older", 1, 10, ROLE_REGULAR),
		user(10, "shut", "t-shut", 3, 30, ROLE_REGULAR),
		user(11, "pia", "t-pia", 1, 12, ROLE_REGULAR),
	};

	users[2].answer_object = 1;
	users[5].disabled = true;
	hash("old-old", users[7].old_token);
	users[7].old_until = wall_ms() + 3600000;
	hash("older", users[8].old_token);
	users[8].old_until = wall_ms() - 1;
	for (size_t i = 0; i < COUNT_OF(users); i++)
		if (!strcmp(users[i].name, disabled))
			users[i].disabled = true;
	snapshot_publish(snapshot_new(&(struct snapshot_source){.accounts = accounts,
								.account_count = COUNT_OF(accounts),
								.sub_accounts = subs,
								.sub_account_count = COUNT_OF(subs),
								.users = users,
								.user_count = COUNT_OF(users),
								.texts = texts}));
}

void publish_users_without(const char *disabled) { publish(disabled, texts_of_accounts()); }

void publish_campaigns(size_t n) { publish("", with_campaigns(n)); }

void publish_users(void) { publish_users_without(""); }
