/* SPDX-License-Identifier: Apache-2.0 */
/* help.c - the overview and the help of a verb, 80 columns wide */
#include <string.h>

#include "cli/verb.h"
#include "vmm/base/cleanup.h"
#include "vmm/vm.h"

#define COLUMNS     80
#define TEXT_COLUMN 26 /* where the explanation of an option begins */
#define KEY_INDENT  6  /* keys stand below the option that takes them */

/* Words of `text` from column `at` on; further lines begin at `indent`. */
static void put_wrapped(
	const char *text, size_t at, size_t indent, struct buf *out)
{
	while (*text) {
		size_t len = strcspn(text, " ");

		if (at > indent && at + 1 + len > COLUMNS) {
			buf_printf(out, "\n");
			buf_fill(out, ' ', indent);
			at = indent;
		} else if (at > indent) {
			buf_printf(out, " ");
			at++;
		}
		buf_append(out, text, len);
		at += len;
		text += len;
		text += strspn(text, " ");
	}
	buf_printf(out, "\n");
}

/* A label at `indent`, its text in the text column or, past it, below. */
static void put_entry(
	const char *label, size_t indent, const char *text, struct buf *out)
{
	buf_fill(out, ' ', indent);
	buf_printf(out, "%s", label);
	if (indent + strlen(label) + 2 > TEXT_COLUMN)
		buf_printf(out, "\n%*s", TEXT_COLUMN, "");
	else
		buf_fill(out, ' ', TEXT_COLUMN - indent - strlen(label));
	put_wrapped(text, TEXT_COLUMN, TEXT_COLUMN, out);
}

static void put_field(const struct config_field *f, const char *dashes,
	size_t indent, struct buf *out)
{
	CLEANUP(buf_fini) struct buf label = BUF_INIT;
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	CLEANUP(buf_fini) struct buf notes = BUF_INIT;

	if (f->letter)
		buf_printf(&label, "-%c, ", f->letter);
	buf_printf(&label, "%s", f->operand ? "" : dashes);
	config_put_synopsis(f, *dashes ? ' ' : '=', &label);
	buf_u8(&label, '\0');
	config_put_notes(f, &notes);
	buf_printf(&text, "%s", f->help);
	if (notes.len)
		buf_printf(
			&text, " (%.*s)", (int)notes.len, (char *)notes.data);
	buf_u8(&text, '\0');
	if (label.failed || text.failed || notes.failed) {
		out->failed = true;
		return;
	}
	put_entry((char *)label.data, indent, (char *)text.data, out);
}

static void put_options(const struct config_object *object, struct buf *out)
{
	buf_printf(out, "\nOptions:\n");
	for (unsigned i = 0; i < object->count; i++) {
		const struct config_field *f = &object->fields[i];

		if (f->hidden)
			continue;
		put_field(f, "--", 2, out);
		for (unsigned k = 0; f->item && k < f->item->count; k++)
			put_field(&f->item->fields[k], "", KEY_INDENT, out);
	}
	put_entry("--help", 2, "print this text", out);
}

static void put_subverbs(const struct verb *verb, struct buf *out)
{
	buf_printf(out, "\nCommands:\n");
	for (const struct verb *const *v = verb->subverbs; *v; v++)
		buf_printf(out, "  %-11s %s\n", (*v)->name, (*v)->summary);
}

static void put_examples(const struct verb_example *example, struct buf *out)
{
	buf_printf(out, "\nExamples:\n");
	for (; example->what; example++)
		buf_printf(
			out, "  # %s\n  %s\n", example->what, example->command);
}

static void put_statuses(struct buf *out)
{
	buf_printf(out, "\nExit status:\n");
	for (unsigned i = 0; i < outcome_table_count; i++) {
		const struct outcome_info *o = &outcome_table[i];
		char status[OUTCOME_STATUS_MAX];

		buf_printf(out, "  %-4s", outcome_status(o->outcome, status));
		put_wrapped(o->help, 6, 6, out);
	}
}

static void put_paragraphs(const char *text, struct buf *out)
{
	while (*text) {
		const char *end = strstr(text, "\n\n");
		size_t len = end ? (size_t)(end - text) : strlen(text);
		char line[1024];

		len = MIN(len, sizeof(line) - 1);
		memcpy(line, text, len);
		line[len] = '\0';
		buf_printf(out, "\n");
		put_wrapped(line, 0, 0, out);
		text += len;
		text += strspn(text, "\n");
	}
}

void help_put_verb(const struct verb *verb, struct buf *out)
{
	const char *of = verb->parent ? verb->parent : "";
	const char *blank = verb->parent ? " " : "";

	buf_printf(out, "usage: muster %s%s%s%s\n\nmuster %s%s%s: %s\n", of,
		blank, verb->name, verb->arguments, of, blank, verb->name,
		verb->summary);
	put_paragraphs(verb->description, out);
	if (verb->subverbs)
		put_subverbs(verb, out);
	if (verb->options)
		put_options(verb->options, out);
	if (verb->examples)
		put_examples(verb->examples, out);
	if (verb == &verb_run)
		put_statuses(out);
}

void help_put_overview(struct buf *out)
{
	buf_printf(out,
		"usage: muster COMMAND [OPTION]...\n"
		"A small virtual machine monitor: one process runs one Linux "
		"VM under KVM.\n"
		"\n"
		"Commands:\n");
	for (const struct verb *const *v = verbs; *v; v++)
		buf_printf(out, "  %-11s %s\n", (*v)->name, (*v)->summary);
	buf_printf(out, "\nExamples:\n");
	for (const struct verb_example *e = verb_run.examples; e->what; e++)
		buf_printf(out, "  %s\n", e->command);
	buf_printf(out,
		"\n`muster help run` lists the options and exit statuses.\n");
}
