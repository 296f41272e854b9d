/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aml.h - append ACPI machine language to a buffer (ACPI 6.4, chapter 20)
 *
 * Objects nest as in ASL: aml_device() and its like open a package and return a
 * mark, aml_close() with that mark ends it and puts its length in front.  What
 * lies between belongs to it.  Errors show in buf.failed.
 *
 * A name is one segment of up to four characters, or "\\" and one segment.
 */
#ifndef MUSTER_FIRMWARE_AML_H
#define MUSTER_FIRMWARE_AML_H

#include "vmm/base/buf.h"

/* Scope (name) {, Device (name) {, Package () { and so on; aml_close() each. */
size_t aml_scope(struct buf *b, const char *name);
size_t aml_device(struct buf *b, const char *name);
size_t aml_package(struct buf *b, uint8_t elements);
/* Method (name, args, NotSerialized) {. */
size_t aml_method(struct buf *b, const char *name, uint8_t args);
void aml_close(struct buf *b, size_t mark);

/* Name (name, …): the value is what is appended next. */
void aml_name(struct buf *b, const char *name);

/* In a method: Notify (object, value). */
void aml_notify(struct buf *b, const char *object, uint64_t value);

/* Values. */
void aml_integer(struct buf *b, uint64_t value);
void aml_string(struct buf *b, const char *text);
/* "PNP0501" as the integer that EisaId ("PNP0501") makes. */
void aml_eisa_id(struct buf *b, const char *id);

/* ResourceTemplate () { … }; close it with aml_template_close(). */
size_t aml_template(struct buf *b);
void aml_template_close(struct buf *b, size_t mark);

/* Resources. */
void aml_memory32_fixed(struct buf *b, uint32_t base, uint32_t size_bytes);
void aml_io(struct buf *b, uint16_t port, uint8_t ports);
/* Edge-triggered, active high, exclusive. */
void aml_interrupt(struct buf *b, uint32_t gsi);

#endif
