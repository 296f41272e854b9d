/* SPDX-License-Identifier: Apache-2.0 */
/* irq.c - GSI routes, irqfds, levels and ioeventfds (KVM API 4.52, 4.75, 4.25, 4.59) */
#include "vmm/core/irq.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/eventfd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/core/kvm.h"
#include "vmm/core/machine.h"

#define PIC_INPUTS     16
#define PIC_INPUTS_ONE 8
#define ROUTES         (PIC_INPUTS + MACHINE_IOAPIC_PINS)

static struct kvm_irq_routing_entry route(
	uint32_t gsi, uint32_t chip, uint32_t pin)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

/* GSIs below 16 reach both controllers: the guest masks the one it leaves unused. */
int irq_set_default_routes(int vm_fd)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry[ROUTES];
	} table = { .head.nr = ROUTES };
	struct kvm_irq_routing_entry *next = table.entry;
	int rc;

	for (uint32_t gsi = 0; gsi < PIC_INPUTS; gsi++)
		*next++ = route(gsi,
			gsi < PIC_INPUTS_ONE ? KVM_IRQCHIP_PIC_MASTER
					     : KVM_IRQCHIP_PIC_SLAVE,
			gsi % PIC_INPUTS_ONE);
	for (uint32_t gsi = 0; gsi < MACHINE_IOAPIC_PINS; gsi++)
		*next++ = route(gsi, KVM_IRQCHIP_IOAPIC, gsi);
	rc = kvm_ioctl(vm_fd, KVM_SET_GSI_ROUTING, &table);
	if (rc < 0)
		return err_set(rc, "KVM_SET_GSI_ROUTING: %s", strerror(-rc));
	return 0;
}

int irq_line_init(struct irq_line *line, int vm_fd, uint32_t gsi)
{
	CLEANUP_CLOSE int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct kvm_irqfd irqfd = { .gsi = gsi };
	int rc;

	line->fd = -1;
	if (fd < 0)
		return err_set(-errno, "eventfd: %s", strerror(errno));
	irqfd.fd = (uint32_t)fd;
	rc = kvm_ioctl(vm_fd, KVM_IRQFD, &irqfd);
	if (rc < 0)
		return err_set(rc, "KVM_IRQFD for GSI %" PRIu32 ": %s", gsi,
			strerror(-rc));
	line->fd = steal_fd(&fd);
	return 0;
}

/* Closing the eventfd ends KVM's side as well (KVM API 4.75). */
void irq_line_fini(struct irq_line *line)
{
	close_fd(line->fd);
	line->fd = -1;
}

void irq_line_raise(const struct irq_line *line)
{
	/* Fails only when 2^64 - 2 edges wait unseen: one more says nothing new. */
	(void)!eventfd_write(line->fd, 1);
}

static int set_level(int vm_fd, uint32_t gsi, uint32_t level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	return kvm_ioctl(vm_fd, KVM_IRQ_LINE, &line);
}

int irq_pulse(int vm_fd, uint32_t gsi)
{
	int rc = set_level(vm_fd, gsi, 1);

	if (!rc)
		rc = set_level(vm_fd, gsi, 0);
	if (rc < 0)
		return err_set(rc, "KVM_IRQ_LINE for GSI %" PRIu32 ": %s", gsi,
			strerror(-rc));
	return 0;
}

int irq_doorbell(int vm_fd, int event_fd, gpa_t gpa)
{
	/* Length 0 matches any access, and spares VMX the decoding of it. */
	bool any_length = kvm_check(vm_fd, KVM_CAP_IOEVENTFD_ANY_LENGTH);
	struct kvm_ioeventfd doorbell = {
		.addr = gpa.v,
		.len = any_length ? 0 : sizeof(uint32_t),
		.fd = event_fd,
	};
	int rc = kvm_ioctl(vm_fd, KVM_IOEVENTFD, &doorbell);

	if (rc < 0)
		return err_set(rc, "KVM_IOEVENTFD at %#" PRIx64 ": %s", gpa.v,
			strerror(-rc));
	return 0;
}
