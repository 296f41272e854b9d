/* SPDX-License-Identifier: Apache-2.0 */
/*
 * genman.c - print a man page, made from the tables that muster itself uses
 *
 * genman        muster(1): the commands and the exit statuses
 * genman VERB   muster-VERB(1): what the command does and its options
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/verb.h"
#include "config.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/vm.h"

/* What roff would read as its own, or print as another character. */
static const char *escape(char c)
{
	switch (c) {
	case '\\':
		return "\\e";
	case '-':
		return "\\-";
	case '~':
		return "\\(ti";
	case '^':
		return "\\(ha";
	case '`':
		return "\\(ga";
	default:
		return NULL;
	}
}

static void put_roff(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool line_start = i == 0 || text[i - 1] == '\n';
		const char *escaped = escape(text[i]);

		if (line_start && (text[i] == '.' || text[i] == '\''))
			printf("\\&");
		if (escaped)
			printf("%s", escaped);
		else
			putchar(text[i]);
	}
}

static void put_text(const char *text)
{
	put_roff(text, strlen(text));
}

/* A phrase of a table as the beginning of a sentence. */
static void put_sentence(const char *phrase)
{
	putchar(toupper((unsigned char)*phrase));
	put_text(phrase + 1);
}

static void put_title(const char *page)
{
	printf(".\\\" Made from muster's own tables; do not edit.\n.TH ");
	for (const char *p = page; *p; p++)
		putchar(toupper((unsigned char)*p));
	printf(" 1 \"\" \"muster %s\" \"User Commands\"\n", MUSTER_VERSION);
}

static void put_paragraphs(const char *text)
{
	const char *end;

	for (; (end = strstr(text, "\n\n")); text = end + 2) {
		put_roff(text, (size_t)(end - text));
		printf("\n.PP\n");
	}
	put_text(text);
	printf("\n");
}

static void put_field(const struct config_field *f, const char *dashes)
{
	CLEANUP(buf_fini) struct buf synopsis = BUF_INIT;
	CLEANUP(buf_fini) struct buf notes = BUF_INIT;

	config_put_synopsis(f, *dashes ? ' ' : '=', &synopsis);
	config_put_notes(f, &notes);
	printf(".TP\n.B \"");
	if (f->letter)
		printf("\\-%c, ", f->letter);
	put_text(f->operand ? "" : dashes);
	put_roff((char *)synopsis.data, synopsis.len);
	printf("\"\n");
	put_sentence(f->help);
	if (notes.len) {
		printf(" (");
		put_roff((char *)notes.data, notes.len);
		printf(")");
	}
	printf(".\n");
}

static void put_fields(const struct config_object *object)
{
	for (unsigned i = 0; i < object->count; i++) {
		const struct config_field *f = &object->fields[i];

		if (f->hidden)
			continue;
		put_field(f, "--");
		if (!f->item)
			continue;
		printf(".RS\n");
		for (unsigned k = 0; k < f->item->count; k++)
			put_field(&f->item->fields[k], "");
		printf(".RE\n");
	}
}

static void put_options(const struct config_object *object)
{
	printf(".SH OPTIONS\n");
	put_fields(object);
	printf(".TP\n.B \\-\\-help\nPrint a summary of this page.\n");
}

static void put_example_list(const struct verb_example *example)
{
	for (; example->what; example++) {
		put_sentence(example->what);
		printf(":\n.PP\n.RS\n.EX\n");
		put_text(example->command);
		printf("\n.EE\n.RE\n%s", example[1].what ? ".PP\n" : "");
	}
}

static void put_examples(const struct verb_example *example)
{
	printf(".SH EXAMPLES\n");
	put_example_list(example);
}

static void put_statuses(void)
{
	printf(".SH \"EXIT STATUS\"\n");
	for (unsigned i = 0; i < outcome_table_count; i++) {
		const struct outcome_info *o = &outcome_table[i];
		char status[OUTCOME_STATUS_MAX];

		printf(".TP\n.B \"%s (", outcome_status(o->outcome, status));
		put_text(o->name);
		printf(")\"\n");
		put_sentence(o->help);
		printf(".\n");
	}
}

/* The other pages; `self` is NULL for muster(1). */
static void put_see_also(const struct verb *self)
{
	const char *between = "";

	printf(".SH \"SEE ALSO\"\n");
	if (self) {
		printf(".BR muster (1)");
		between = ",\n";
	}
	for (const struct verb *const *v = verbs; *v; v++)
		if (((*v)->options || (*v)->subverbs) && *v != self) {
			printf("%s.BR muster\\-%s (1)", between, (*v)->name);
			between = ",\n";
		}
	printf("\n");
}

static void put_main_page(void)
{
	put_title("muster");
	printf(".SH NAME\nmuster \\- run Linux microVMs under KVM\n"
	       ".SH SYNOPSIS\n.B muster\n.I COMMAND\n[\\fIOPTION\\fR]...\n"
	       ".SH DESCRIPTION\n"
	       "One process runs one VM.\n"
	       ".SH COMMANDS\n");
	for (const struct verb *const *v = verbs; *v; v++) {
		printf(".TP\n.B \"muster %s", (*v)->name);
		put_text((*v)->arguments);
		printf("\"\n");
		put_sentence((*v)->summary);
		printf(".\n");
	}
	put_examples(verb_run.examples);
	put_statuses();
	put_see_also(NULL);
}

static void put_subverb(const struct verb *verb)
{
	printf(".SS \"muster %s %s", verb->parent, verb->name);
	put_text(verb->arguments);
	printf("\"\n");
	put_sentence(verb->summary);
	printf(".\n.PP\n");
	put_paragraphs(verb->description);
	if (verb->options)
		put_fields(verb->options);
	if (verb->examples) {
		printf(".PP\n");
		put_example_list(verb->examples);
	}
}

static void put_verb_page(const struct verb *verb)
{
	char page[64];

	snprintf(page, sizeof(page), "muster\\-%s", verb->name);
	put_title(page);
	printf(".SH NAME\n%s \\- ", page);
	put_text(verb->summary);
	printf("\n.SH SYNOPSIS\n.B muster %s\n", verb->name);
	put_text(verb->arguments + strspn(verb->arguments, " "));
	printf("\n.SH DESCRIPTION\n");
	put_paragraphs(verb->description);
	if (verb->subverbs)
		printf(".SH COMMANDS\n");
	for (const struct verb *const *v = verb->subverbs; v && *v; v++)
		put_subverb(*v);
	if (verb->options)
		put_options(verb->options);
	if (verb->examples)
		put_examples(verb->examples);
	if (verb == &verb_run)
		put_statuses();
	put_see_also(verb);
}

int main(int argc, char *argv[])
{
	const struct verb *verb;

	if (argc < 2) {
		put_main_page();
	} else {
		verb = verb_find(argv[1]);
		if (!verb) {
			fprintf(stderr, "genman: %s\n", err_text());
			return 2;
		}
		put_verb_page(verb);
	}
	return fflush(stdout) ? 1 : 0;
}
