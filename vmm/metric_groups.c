/* SPDX-License-Identifier: Apache-2.0 */
/* metric_groups.c - the list of them */
#include "vmm/metric_groups.h"

#include "vmm/base/log.h"
#include "vmm/devices.h"
#include "vmm/guest_ucode.h"
#include "vmm/pause.h"
#include "vmm/vcpu.h"

const struct metric_group *const metric_groups[] = {
	&guest_ucode_metrics,
	&log_metrics,
	&loop_metrics,
	&pause_metrics,
	&tty_metrics,
	&vcpu_metrics,
	&virtio_blk_metrics,
	&virtio_rng_metrics,
};

const unsigned metric_groups_count = ARRAY_SIZE(metric_groups);
