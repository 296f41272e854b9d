/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_html.c - what a fleet loses to which host, as one self-contained page
 *
 * A row is a lost feature, a column a host; a cell is filled where the host lacks
 * the feature and says why when pointed at.  Columns are narrow and their names
 * upright, so that 200 hosts fit a wide screen.
 */
#include "cli/fleet_html.h"

#include <string.h>

#include "vmm/base/cleanup.h"

static const char head[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<title>Fleet report</title>\n"
	"<style>\n"
	"body{font:14px/1.4 system-ui,sans-serif;margin:1.5em;color:#222}\n"
	"table{border-collapse:collapse}\n"
	"th{font-weight:normal;text-align:left;background:#fff}\n"
	"thead th{position:sticky;top:0;vertical-align:bottom}\n"
	"thead th.host{writing-mode:vertical-rl;transform:rotate(180deg);"
	"font-size:12px;padding:4px 0;max-height:14em;overflow:hidden}\n"
	"tbody "
	"th{position:sticky;left:0;white-space:nowrap;padding-right:1em}\n"
	"td{width:14px;min-width:14px;height:16px;border:1px solid #eee}\n"
	"td.x{background:#c33}\n"
	"td.n{border:0;white-space:nowrap;padding-right:1em;color:#666}\n"
	"tr:hover th,tr:hover td.n{background:#eef}\n"
	"dt{margin-top:.6em;font-weight:bold}\n"
	"</style></head><body>\n";

/* Names come from files. */
static void put_escaped(struct buf *out, const char *text)
{
	static const char special[] = "<>&\"'";

	for (; *text; text++) {
		if (strchr(special, *text))
			buf_printf(out, "&#%d;", *text);
		else
			buf_append(out, text, 1);
	}
}

/* ---- the matrix ---- */

static void put_cells(const struct fleet_explanation *e,
	const struct fleet_loss *loss, struct buf *out)
{
	unsigned next = 0;

	/* `lacking` ascends. */
	for (unsigned host = 0; host < e->count; host++) {
		if (next == loss->lacking_count ||
			loss->lacking[next] != host) {
			buf_printf(out, "<td></td>");
			continue;
		}
		buf_printf(out, "<td class=\"x\" title=\"");
		put_escaped(out, e->members[host].name);
		buf_printf(out, ": ");
		put_escaped(out, loss->layers[next++]);
		buf_printf(out, "\"></td>");
	}
}

static void put_loss(const struct fleet_explanation *e,
	const struct fleet_loss *loss, struct buf *out)
{
	buf_printf(out,
		"<tr><th>%s</th><td class=\"n\">%s</td><td class=\"n\">",
		loss->feature->name, feature_row(loss->row)->name);
	if (loss->because)
		buf_printf(out, "needs %s", loss->because->name);
	else
		put_escaped(out, loss->layer);
	buf_printf(out, "</td>");
	put_cells(e, loss, out);
	buf_printf(out, "</tr>\n");
}

static void put_host_names(const struct fleet_explanation *e, struct buf *out)
{
	buf_printf(
		out, "<thead><tr><th>lost</th><th>register</th><th>why</th>");
	for (unsigned i = 0; i < e->count; i++) {
		buf_printf(out, "<th class=\"host\">");
		put_escaped(out, e->members[i].name);
		buf_printf(out, "</th>");
	}
	buf_printf(out, "</tr></thead>\n");
}

static void put_matrix(const struct fleet_explanation *e, enum fleet_kind kind,
	struct buf *out)
{
	buf_printf(out, "<table>\n");
	put_host_names(e, out);
	buf_printf(out, "<tbody>\n");
	for (unsigned i = 0; i < e->losses.count; i++)
		if (fleet_kind(e->losses.loss[i].feature) == kind)
			put_loss(e, &e->losses.loss[i], out);
	buf_printf(out, "</tbody></table>\n");
}

/* ---- what would be gained ---- */

static void put_gain(
	const struct fleet_explanation *e, unsigned member, struct buf *out)
{
	const struct fleet_gain *gain = &e->gains[member];

	unsigned put = 0;

	for (unsigned i = 0; i < gain->count; i++) {
		if (fleet_kind(gain->field[i].feature) != FLEET_FEATURE)
			continue;
		if (!put)
			buf_printf(out, "<dt>");
		if (!put)
			put_escaped(out, e->members[member].name);
		buf_printf(out, "%s%s", put++ ? ", " : "</dt><dd>",
			gain->field[i].feature->name);
	}
	if (put)
		buf_printf(out, "</dd>\n");
}

static void put_gains(const struct fleet_explanation *e, struct buf *out)
{
	buf_printf(out,
		"<h2>What the fleet would have without a host</h2>\n<dl>\n");
	for (unsigned i = 0; i < e->count; i++)
		put_gain(e, i, out);
	buf_printf(out, "</dl>\n");
}

/* The caches alone would be some thirty rows. */
static void put_identity(const struct fleet_explanation *e, struct buf *out)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;

	fleet_explanation_identity(e, &text);
	buf_u8(&text, '\0');
	buf_printf(out, "<pre>\n");
	if (text.failed)
		out->failed = true;
	else
		put_escaped(out, (const char *)text.data);
	buf_printf(out, "</pre>\n");
}

void fleet_html(const struct fleet_explanation *e, struct buf *out)
{
	buf_append(out, head, sizeof(head) - 1);
	buf_printf(out,
		"<h1>A fleet of %u hosts</h1>\n"
		"<p>A filled cell: this host is why guests of the fleet lack "
		"what the row names, or see it changed. Point at it for the "
		"reason.</p>\n<h2>Features</h2>\n",
		e->count);
	put_matrix(e, FLEET_FEATURE, out);
	put_gains(e, out);
	buf_printf(out, "<details><summary>Limits, sizes and identity"
			"</summary>\n");
	put_matrix(e, FLEET_NUMBER, out);
	put_identity(e, out);
	buf_printf(out, "</details>\n</body></html>\n");
}
