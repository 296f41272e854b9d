/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_html.h - what a fleet loses to which host, as one self-contained page */
#ifndef MUSTER_CLI_FLEET_HTML_H
#define MUSTER_CLI_FLEET_HTML_H

#include "cli/fleet_explain.h"

/*
 * Append the page: a matrix of hosts and lost features, and what the fleet would
 * have without each host.  No script, nothing fetched; names are escaped.
 */
void fleet_html(const struct fleet_explanation *e, struct buf *out);

#endif
