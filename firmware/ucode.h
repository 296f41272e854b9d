/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ucode.h - microcode images: take them apart, verify them, choose per CPU
 *
 * Images are untrusted bytes: a file of the host, what a guest hands over, a
 * download.  ucode_parse() copies nothing: the updates point into the image, which
 * must stay as it is for as long as the list is used.  Memory that a guest can
 * write is copied first.
 *
 * Microcode is encrypted and signed; what can be verified outside of a processor
 * is its envelope: lengths, checksums, the tables of whom it is for.
 */
#ifndef MUSTER_FIRMWARE_UCODE_H
#define MUSTER_FIRMWARE_UCODE_H

#include "vmm/base/buf.h"

#define UCODE_IMAGE_MAX   (64 * MIB)
#define UCODE_UPDATE_MAX  (4 * MIB) /* published ones stay below 2 MiB */
#define UCODE_UPDATES_MAX 4096      /* in one list */
#define UCODE_SIGS_MAX    64        /* of one update */
#define UCODE_FAULT_MAX   160

enum ucode_vendor { UCODE_INTEL, UCODE_AMD };

/* A kind of processor that an update is for. */
struct ucode_sig {
	uint32_t signature; /* CPUID.1:EAX */
	/* Intel: bit n for platform id n (MSR 17H); 0, and AMD: every platform */
	uint32_t platforms;
};

struct ucode_update {
	enum ucode_vendor vendor;
	uint32_t revision;
	uint32_t min_revision; /* what must run before it; 0: anything */
	uint32_t date;         /* BCD, mmddyyyy */
	unsigned sig_count;
	struct ucode_sig sigs[UCODE_SIGS_MAX]; /* first: the header's own */
	const char *origin;                    /* as given to ucode_parse() */
	uint64_t offset;                       /* in the image */
	const uint8_t *data; /* with its header, as the processor takes it */
	size_t size_bytes;
	char fault[UCODE_FAULT_MAX]; /* a phrase; "": valid */
};

/* Zeroed: empty. */
struct ucode_list {
	unsigned count, room;
	struct ucode_update *updates; /* in the order of the image */
};

void ucode_list_fini(struct ucode_list *list);

/*
 * Append the updates of an image: one or more Intel updates, AMD containers, or
 * a cpio for early load (at the front of an initrd) with either or both.
 * `origin` names the image in sentences and outlives the list.
 *
 * 0 if every update is valid; -EBADMSG with a sentence about the first that is
 * not.  The image is then refused whole, as Linux does: the list has what could be
 * told apart, for people to look at, each update with a fault.  -ENOMEM likewise.
 */
int ucode_parse(const char *origin, const void *image, size_t len,
	struct ucode_list *list);

/* Do the first bytes of a file, as many as are there, look like an image? */
bool ucode_detect(const void *image, size_t len);

/* The fixed part of an update's header, in which its size can be read. */
#define UCODE_HEADER_BYTES 64

/*
 * How many bytes, at most, a processor would take as an update from memory that
 * begins so: what to copy from a guest before it is parsed.  Intel's header says;
 * AMD's does not, a patch is as long as its family's are.  1 to UCODE_UPDATE_MAX,
 * or -EBADMSG with a sentence.
 */
int ucode_bytes_to_load(
	enum ucode_vendor vendor, const uint8_t header[UCODE_HEADER_BYTES]);

/*
 * The one update at the beginning of `data`, as a processor takes it: without a
 * container, and what lies behind it is left alone.  An AMD patch is then for the
 * one signature that its equivalence id usually stands for.  0 and *ret, or
 * -EBADMSG with a sentence.
 */
int ucode_parse_loaded(enum ucode_vendor vendor, const void *data, size_t len,
	struct ucode_update *ret);

/* ---- choosing ---- */

/* One logical CPU, a host's or a guest's. */
struct ucode_cpu {
	enum ucode_vendor vendor;
	uint32_t signature; /* CPUID.1:EAX */
	uint32_t platforms; /* Intel: its one bit; 0: not known */
	uint32_t revision;  /* what runs; 0: none was loaded */
};

enum ucode_verdict {
	UCODE_NEWER,    /* load `update` */
	UCODE_SAME,     /* `update` is what runs */
	UCODE_OLDER,    /* the newest that fits, `update`, is a step back */
	UCODE_TOO_FAR,  /* `update` wants a later revision to run before it */
	UCODE_PLATFORM, /* `update` fits the signature, but not the platform */
	UCODE_NO_MATCH, /* nothing for this signature; `update` is NULL */
};

/*
 * When it is loaded.  Intel's minimum revisions bind late loads only; AMD's bind
 * always.
 */
enum ucode_moment { UCODE_AT_BOOT, UCODE_LATE };

struct ucode_choice {
	enum ucode_verdict verdict;
	const struct ucode_update *update;
	/* Newer still, but it wants a later revision first; or NULL */
	const struct ucode_update *blocked;
};

/* Among the valid updates of a list, what this CPU would take. */
struct ucode_choice ucode_select(const struct ucode_list *list,
	const struct ucode_cpu *cpu, enum ucode_moment moment);

/* Is revision `a` above `b`?  Intel's are signed: below 0 are not for production. */
bool ucode_is_newer(enum ucode_vendor vendor, uint32_t a, uint32_t b);

/* ---- words ---- */

const char *ucode_vendor_name(enum ucode_vendor vendor); /* "Intel", "AMD" */

/* As a word for JSON: "newer", "same", "older", "too-far", … */
const char *ucode_verdict_name(enum ucode_verdict verdict);

/* Append why: "0x2b000661 of 06-8f-08 is newer than 0x2b000603". */
void ucode_put_choice(const struct ucode_choice *choice,
	const struct ucode_cpu *cpu, struct buf *out);

/* Append "2023-03-06". */
void ucode_put_date(uint32_t date, struct buf *out);

#endif
