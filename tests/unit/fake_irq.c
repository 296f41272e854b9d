/* SPDX-License-Identifier: Apache-2.0 */
/* fake_irq.c - every function of irq.h: edges are counted, doorbells forgotten */
#include "tests/unit/fake_irq.h"

#include <errno.h>
#include <stdatomic.h>

#include "vmm/base/err.h"

static atomic_uint edges[FAKE_GSIS];
static unsigned fail_at;

unsigned fake_irq_edges(uint32_t gsi)
{
	return atomic_exchange(&edges[gsi], 0);
}

void fake_irq_fail_at(unsigned nth)
{
	fail_at = nth;
}

static int maybe_fail(void)
{
	if (fail_at && !--fail_at)
		return err_set(-EIO, "a failure made by the test");
	return 0;
}

int irq_set_default_routes(int vm_fd)
{
	(void)vm_fd;
	return 0;
}

int irq_line_init(struct irq_line *line, int vm_fd, uint32_t gsi)
{
	int rc = maybe_fail();

	(void)vm_fd;
	line->fd = rc ? -1 : (int)gsi;
	return rc;
}

void irq_line_fini(struct irq_line *line)
{
	line->fd = -1;
}

void irq_line_raise(const struct irq_line *line)
{
	atomic_fetch_add(&edges[line->fd], 1);
}

int irq_pulse(int vm_fd, uint32_t gsi)
{
	int rc = maybe_fail();

	(void)vm_fd;
	if (!rc)
		atomic_fetch_add(&edges[gsi], 1);
	return rc;
}

int irq_doorbell(int vm_fd, int event_fd, gpa_t gpa)
{
	(void)vm_fd;
	(void)event_fd;
	(void)gpa;
	return maybe_fail();
}
