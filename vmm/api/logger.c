/* SPDX-License-Identifier: Apache-2.0 */
/* logger.c - PUT /logger: where the log goes, what is in it, how its lines look */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/api/resources.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/outfile.h"

/* The first is the default. */
const struct config_choice logger_levels[] = {
	{ "Info", NULL },
	{ "Off", NULL },
	{ "Trace", NULL },
	{ "Debug", NULL },
	{ "Warn", NULL },
	{ "Warning", NULL },
	{ "Error", NULL },
	{ NULL, NULL },
};

static const enum log_level level_of[] = { LOG_INFO, LOG_OFF, LOG_DEBUG,
	LOG_DEBUG, LOG_WARN, LOG_WARN, LOG_ERROR };

static const struct config_field logger_fields[] = {
	{
		.name = "log_path",
		.type = CONFIG_PATH,
		.offset = CONFIG_AT(struct logger_body, log_path, char *),
		.min = 1,
		.max = PATH_MAX - 1,
		.help = "the file or FIFO to append lines to, instead of "
			"standard error",
	},
	{
		.name = "level",
		.type = CONFIG_CHOICE,
		.any_case = true,
		.offset = CONFIG_AT(struct logger_body, level, unsigned),
		.fallback = "Info",
		.choices = logger_levels,
		.help = "lines that matter less are left out",
	},
	{
		.name = "show_level",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct logger_body, show_level, bool),
		.fallback = "off",
		.help = "say the level in each line",
	},
	{
		.name = "show_log_origin",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct logger_body, show_log_origin, bool),
		.fallback = "off",
		.help = "say the source's file and line in each line",
	},
	{
		.name = "module",
		.type = CONFIG_STRING,
		.offset = CONFIG_AT(struct logger_body, module, char *),
		.max = LOG_MODULE_MAX,
		.help = "only lines of sources whose path begins so: vmm/api",
	},
};

const struct config_object logger_body_object = {
	.name = "logger",
	.fields = logger_fields,
	.count = ARRAY_SIZE(logger_fields),
	.size_bytes = sizeof(struct logger_body),
};

static int open_log(const char *label, const char *path, int *ret_fd)
{
	int rc = outfile_open(label, path, ret_fd);

	/* Others may append to it too, or cut it short. */
	if (!rc)
		fcntl(*ret_fd, F_SETFL, O_NONBLOCK | O_APPEND);
	return rc;
}

int logger_set(struct api *api, struct logger_body *body, const char *label)
{
	struct log_sink sink = {
		.fd = -1,
		.level = body->show_level,
		.origin = body->show_log_origin,
		.id = api->id,
		.module = body->module,
	};
	int rc = body->log_path ? open_log(label, body->log_path, &sink.fd) : 0;

	if (rc)
		return rc;
	log_set_sink(&sink);
	log_set_level(level_of[body->level]);
	config_fini(&logger_body_object, &api->observe.logger);
	api->observe.logger = *body;
	api->observe.logs = true;
	*body = (struct logger_body){ 0 };
	return 0;
}

static int copy(const struct logger_body *from, struct logger_body *to)
{
	*to = *from;
	to->log_path = from->log_path ? strdup(from->log_path) : NULL;
	to->module = from->module ? strdup(from->module) : NULL;
	return (from->log_path && !to->log_path) ||
			       (from->module && !to->module)
		       ? -ENOMEM
		       : 0;
}

/* What it leaves out stays as it is, as clients expect: to change the level, say. */
int put_logger(struct api *api, struct call *call, struct reply *reply)
{
	struct logger_body body;
	int rc = copy(&api->observe.logger, &body);

	(void)reply;
	if (!rc)
		rc = config_update_json(&logger_body_object,
			call->request->body, call->request->body_bytes, &body);
	if (!rc)
		rc = logger_set(api, &body, "log_path ");
	config_fini(&logger_body_object, &body);
	return rc;
}
