/* SPDX-License-Identifier: Apache-2.0 */
/* metric_groups.h - the metrics of a VM and its process */
#ifndef MUSTER_VMM_METRIC_GROUPS_H
#define MUSTER_VMM_METRIC_GROUPS_H

#include "vmm/base/metrics.h"

extern const struct metric_group *const metric_groups[];
extern const unsigned metric_groups_count;

#endif
