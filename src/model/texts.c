/* Freeing what an account keeps about its texts. */
#include "model/texts.h"

#include <stdlib.h>

void texts_done(struct texts *t)
{
	for (size_t i = 0; i < t->template_count; i++)
		free(t->templates[i].text);
	for (size_t i = 0; i < t->flow_count; i++)
		free(t->flows[i].text);
	for (size_t i = 0; i < t->campaign_count; i++)
		free(t->campaigns[i].alias);
	for (size_t i = 0; i < t->word_count; i++)
		free(t->words[i].word);
	for (size_t i = 0; i < t->rule_count; i++) {
		free(t->rules[i].header);
		free(t->rules[i].footer);
	}
	free(t->templates);
	free(t->flows);
	free(t->campaigns);
	free(t->words);
	free(t->rules);
	*t = (struct texts){0};
}
