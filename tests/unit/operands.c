/* SPDX-License-Identifier: Apache-2.0 */
/* operands.c - arguments that are no option, short options, repeated words */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#include "vmm/base/err.h"
#include "vmm/config_field.h"

struct settings {
	struct config_words files;
	struct config_words names;
	char *output;
	bool json;
};

static const struct config_field fields[] = {
	{
		.name = "file",
		.type = CONFIG_WORDS,
		.operand = true,
		.required = true,
		.offset = CONFIG_AT(
			struct settings, files, struct config_words),
		.max = 20,
		.metavar = "FILE",
		.help = "a file",
	},
	{
		.name = "without",
		.type = CONFIG_WORDS,
		.offset = CONFIG_AT(
			struct settings, names, struct config_words),
		.max = 2,
		.metavar = "NAME",
		.help = "a name",
	},
	{
		.name = "output",
		.letter = 'o',
		.type = CONFIG_PATH,
		.offset = CONFIG_AT(struct settings, output, char *),
		.min = 1,
		.max = 10,
		.metavar = "FILE",
		.help = "a file",
	},
	{
		.name = "json",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct settings, json, bool),
		.help = "JSON",
	},
};

static const struct config_object object = {
	.name = "x",
	.fields = fields,
	.count = ARRAY_SIZE(fields),
	.size_bytes = sizeof(struct settings),
};

static int parse(const char *text, struct settings *ret)
{
	char copy[256];
	char *argv[64];
	int argc = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *p = strtok(copy, " "); p; p = strtok(NULL, " "))
		argv[argc++] = p;
	return config_parse_args(&object, argc, argv, ret);
}

static void operands_stand_anywhere_and_keep_their_order(void **state)
{
	struct settings s = { 0 };

	(void)state;
	assert_int_equal(parse("a --json b -o out - --without n c", &s), 0);
	assert_int_equal(s.files.count, 4);
	assert_string_equal(s.files.word[0], "a");
	assert_string_equal(s.files.word[2], "-");
	assert_string_equal(s.files.word[3], "c");
	assert_string_equal(s.output, "out");
	assert_true(s.json);
	config_fini(&object, &s);
}

static void words_may_be_given_again(void **state)
{
	struct settings s = { 0 };

	(void)state;
	assert_int_equal(
		parse("1 2 3 4 5 6 7 8 9 --without=a --without b", &s), 0);
	assert_int_equal(s.files.count, 9);
	assert_string_equal(s.files.word[8], "9");
	assert_int_equal(s.names.count, 2);
	assert_string_equal(s.names.word[1], "b");
	config_fini(&object, &s);
}

static void they_print_as_arguments_that_give_them_again(void **state)
{
	static const char want[] = "a\0-\0--without=n\0--output=o\0--json=off";
	struct buf args = BUF_INIT;
	struct settings s = { 0 };

	(void)state;
	assert_int_equal(parse("a - -o o --without n", &s), 0);
	config_print_args(&object, &s, &args);
	assert_int_equal(args.len, sizeof(want));
	assert_memory_equal(args.data, want, sizeof(want));
	buf_fini(&args);
	config_fini(&object, &s);
}

static void refusals_name_the_word(void **state)
{
	static const struct {
		const char *args, *sentence;
	} t[] = {
		{ "", "FILE: missing; give a file" },
		{ "a -o", "--output: has no value; write --output FILE" },
		{ "a -x",
			"-x: not an option; options begin with --, and `muster "
			"help x` lists them" },
		{ "a --file=b",
			"--file: unknown option; `muster help x` lists the "
			"options" },
		{ "a -o x -o y",
			"--output y: given twice; give --output once" },
		{ "a --without 1 --without 2 --without 3",
			"--without 3: one too many; give NAME, up to 2 "
			"times" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct settings s = { 0 };

		assert_true(parse(t[i].args, &s) < 0);
		assert_string_equal(err_text(), t[i].sentence);
		config_fini(&object, &s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operands_stand_anywhere_and_keep_their_order),
		cmocka_unit_test(words_may_be_given_again),
		cmocka_unit_test(they_print_as_arguments_that_give_them_again),
		cmocka_unit_test(refusals_name_the_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
