/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_check.c - `muster fleet check`: can hosts show a template? */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/fleet.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"

#define JSON_VERSION 1    /* of the object that --json prints */
#define MISFITS_MAX  1024 /* more than there are fields that can be wrong */
#define TSC_PPM      250  /* what KVM takes for the same frequency */

struct settings {
	struct config_words files;
	bool json;
};

static const struct config_field fields[] = {
	FLEET_FILES(FLEET_FILES_MAX, "FILE",
		"a template, and behind it the profiles of the hosts "
		"to be checked; without any, this host"),
	FLEET_JSON("print one JSON object"),
};

static const struct config_object object = {
	.name = "fleet check",
	.fields = fields,
	.count = ARRAY_SIZE(fields),
	.size_bytes = sizeof(struct settings),
};

/* ---- one host ---- */

struct verdict {
	const struct fleet_file *host, *wanted;
	bool tsc_fits;
	unsigned count;
	struct fleet_misfit misfits[MISFITS_MAX];
};

/* A guest whose template fixes the frequency sees it where KVM scales or has it. */
static bool tsc_fits(const struct fleet_file *host, uint64_t khz)
{
	const struct profile *p = host->profile;
	uint64_t has = p ? p->tsc_khz : host->template->tsc_khz;
	uint64_t apart = has > khz ? has - khz : khz - has;

	return !khz || (p && p->tsc_scaling) ||
	       apart * 1000000 <= khz * TSC_PPM;
}

static void examine(const struct fleet_file *host,
	const struct fleet_file *wanted, struct verdict *ret)
{
	ret->host = host;
	ret->wanted = wanted;
	ret->tsc_fits = tsc_fits(host, wanted->template->tsc_khz);
	ret->count = fleet_check(fleet_file_cpu(host), &wanted->template->cpu,
		ret->misfits, MISFITS_MAX);
	ret->count = MIN(ret->count, MISFITS_MAX);
}

static bool fits(const struct verdict *v)
{
	return v->tsc_fits && !v->count;
}

/* ---- text ---- */

static void put_misfit(
	const struct verdict *v, const struct fleet_misfit *m, struct buf *out)
{
	const struct cpu_field field = { m->row, m->feature };

	buf_printf(out, "  ");
	cpu_field_put_name(&field, out);
	if (m->feature)
		buf_printf(out, " (%s)", feature_row(m->row)->name);
	buf_printf(out, ": the template has ");
	cpu_field_put_value(&v->wanted->template->cpu, &field, out);
	buf_printf(out, ", the host ");
	cpu_field_put_value(fleet_file_cpu(v->host), &field, out);
	buf_u8(out, '\n');
}

/* Nothing more is worth saying of a host of another vendor. */
static bool put_vendors(const struct verdict *v, struct buf *out)
{
	char wanted[13], has[13];

	cpu_set_vendor(&v->wanted->template->cpu, wanted);
	cpu_set_vendor(fleet_file_cpu(v->host), has);
	if (!strcmp(wanted, has))
		return false;
	buf_printf(out, "  the vendor: the template has %s, the host %s\n",
		text_shown(wanted).s, text_shown(has).s);
	return true;
}

static void put_text(const struct verdict *v, struct buf *out)
{
	if (fits(v)) {
		buf_printf(out, "%s: fits\n", v->host->name);
		return;
	}
	buf_printf(out, "%s: does not fit:\n", v->host->name);
	if (put_vendors(v, out))
		return;
	if (!v->tsc_fits)
		buf_printf(out,
			"  the TSC: the template has %" PRIu64
			" kHz, and the host neither has nor scales to it\n",
			v->wanted->template->tsc_khz);
	for (unsigned i = 0; i < v->count; i++)
		put_misfit(v, &v->misfits[i], out);
}

/* ---- JSON ---- */

static json_t *misfit_json(
	const struct verdict *v, const struct fleet_misfit *m)
{
	const struct cpu_field field = { m->row, m->feature };

	return json_pack("{s:s, s:s?, s:o, s:o}", "register",
		feature_row(m->row)->name, "name",
		m->feature ? m->feature->name : NULL, "wanted",
		fleet_value_json(&v->wanted->template->cpu, &field), "offered",
		fleet_value_json(fleet_file_cpu(v->host), &field));
}

static json_t *verdict_json(const struct verdict *v)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < v->count; i++)
		json_array_append_new(list, misfit_json(v, &v->misfits[i]));
	return json_pack("{s:s, s:b, s:b, s:o}", "host", v->host->name, "fits",
		fits(v), "tsc_fits", v->tsc_fits, "misfits", list);
}

/* ---- the command ---- */

struct check {
	const struct settings *settings;
	struct fleet_file wanted;
	struct buf out;
	json_t *hosts;
	bool all_fit;
	int status; /* of an error: bad usage, until this host is examined */
};

static int check_host(struct check *c, const struct fleet_file *host)
{
	CLEANUP_FREE struct verdict *v = calloc(1, sizeof(*v));

	if (!v)
		return err_set(-ENOMEM, "no memory for %s", host->name);
	examine(host, &c->wanted, v);
	c->all_fit = c->all_fit && fits(v);
	if (c->settings->json)
		json_array_append_new(c->hosts, verdict_json(v));
	else
		put_text(v, &c->out);
	return 0;
}

static int check_file(struct check *c, const char *path)
{
	CLEANUP(fleet_file_fini) struct fleet_file host = { 0 };
	int rc = fleet_file_read(path, &host);

	return rc ? rc : check_host(c, &host);
}

static int check_here(struct check *c)
{
	CLEANUP(fleet_file_fini) struct fleet_file host = { 0 };
	int rc;

	c->status = STATUS_FAILED;
	rc = fleet_file_here(&host);
	return rc ? rc : check_host(c, &host);
}

static int check_all(struct check *c)
{
	const struct config_words *files = &c->settings->files;
	int rc = fleet_file_read(files->word[0], &c->wanted);

	if (!rc && !c->wanted.template)
		return err_set(-EINVAL,
			"%s: a profile; the first file is the template that "
			"hosts are checked against",
			text_shown(files->word[0]).s);
	if (!rc && files->count == 1)
		rc = check_here(c);
	for (unsigned i = 1; i < files->count && !rc; i++)
		rc = check_file(c, files->word[i]);
	return rc;
}

static void cleanup_settings(struct settings *s)
{
	config_fini(&object, s);
}

static void cleanup_check(struct check *c)
{
	fleet_file_fini(&c->wanted);
	buf_fini(&c->out);
	json_decref(c->hosts);
}

static int run(int argc, char *const argv[])
{
	CLEANUP(cleanup_settings) struct settings s = { 0 };
	CLEANUP(cleanup_check)
	struct check c = {
		.settings = &s,
		.hosts = json_array(),
		.all_fit = true,
		.status = STATUS_USAGE,
	};
	int rc = config_parse_args(&object, argc, argv, &s);

	if (!rc)
		rc = check_all(&c);
	if (rc)
		return output_error(c.status, rc);
	if (s.json)
		output_put_json(json_pack("{s:i, s:s, s:b, s:O}", "version",
					JSON_VERSION, "template", c.wanted.name,
					"fits", c.all_fit, "hosts", c.hosts),
			&c.out);
	rc = output(&c.out);
	if (rc)
		return rc;
	return c.all_fit ? STATUS_OK : FLEET_DIFFERS;
}

static const struct verb_example examples[] = {
	{ "this host", "muster fleet check fleet.json" },
	{ "a host that may join, by its profile",
		"muster fleet check fleet.json host-d.json" },
	{ NULL, NULL },
};

const struct verb fleet_check_verb = {
	.name = "check",
	.parent = "fleet",
	.arguments = " [--json] TEMPLATE [PROFILE]...",
	.summary = "say whether hosts can show a template",
	.description =
		"Without a profile, this host is examined. Every field in "
		"which a host falls short is named with what the template "
		"wants and what the host offers. The exit status is 0 when all "
		"hosts fit, else 1."
		"\n\n"
		"The JSON object has the members version (1), template, fits "
		"and hosts, a list of objects with the members host, fits, "
		"tsc_fits and misfits, a list of objects with the members "
		"register, name (null: bits without a name), wanted and "
		"offered.",
	.options = &object,
	.examples = examples,
	.run = run,
};
