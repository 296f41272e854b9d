# SPDX-License-Identifier: Apache-2.0
"""bodies.py - bodies from a schema: such that are fine, and all that are not

A Maker draws values that a schema allows.  spoilt() takes one that is fine and
spoils each member in each way that the schema knows, the members of members too.
"""

import json
import string

LETTERS = string.ascii_letters + string.digits + "_"
WRONG_TYPES = [1, 1.5, True, [], {}, [[]]]
WRONG_NUMBERS = [-1, 1 << 31, 1 << 32, (1 << 63) - 1, -(1 << 63)]
FORMS = {"size": "4K", "duration": "5s", "rate": "1000"}


def words(schema):
    """The few values that there are, or nothing."""
    return schema.get("enum") or schema.get("examples") or []


class Maker:
    """`known` has values by name of member, of which one is drawn; any path is one
    below `folder`."""

    def __init__(self, rng, folder, known):
        self.rng, self.folder, self.known = rng, folder, known

    def text(self, schema, length):
        if schema.get("format") in FORMS:
            return FORMS[schema["format"]]
        if schema.get("format") != "path":
            return "".join(self.rng.choices(LETTERS, k=length))
        fixed = f"{self.folder}/"
        # As many slashes as it takes: the file is the same.
        return "/" if length <= len(fixed) else \
            fixed + "/" * (length - len(fixed) - 1) + "x"

    def lengths(self, schema):
        return schema.get("minLength", 0), schema.get("maxLength", 1000)

    def string(self, schema):
        low, high = self.lengths(schema)
        length = self.rng.choice([low, high, self.rng.randint(low, min(high, 40))])
        return self.text(schema, length)

    def integer(self, schema):
        low, high = schema.get("minimum", 0), schema.get("maximum", (1 << 31) - 1)
        step = schema.get("multipleOf", 1)
        drawn = self.rng.choice([low, high, self.rng.randint(low, high)])
        return max(drawn // step * step, -(-low // step) * step)

    def one(self, name, schema):
        kinds = schema.get("type", "object")
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if "null" in kinds and (len(kinds) == 1 or self.rng.random() < 0.1):
            return None
        if name in self.known:
            return self.rng.choice(self.known[name])
        if words(schema):
            return self.rng.choice(words(schema))
        draw = {"string": self.string, "integer": self.integer,
                "boolean": lambda _: self.rng.random() < 0.5,
                "array": self.array, "object": self.object}
        return draw[kinds[0]](schema)

    def plain(self, name, schema):
        """What nothing should be wrong with."""
        if name in self.known:
            return self.known[name][0]
        if words(schema):
            return words(schema)[0]
        kinds = schema.get("type", "object")
        kind = kinds if isinstance(kinds, str) else kinds[0]
        return {"string": self.text(schema, max(schema.get("minLength", 0), 1)),
                "integer": schema.get("minimum", 0), "boolean": False,
                "array": []}.get(kind) if kind != "object" else self.least(schema)

    def least(self, schema):
        """Only what is required."""
        return {name: self.plain(name, schema["properties"][name])
                for name in schema.get("required", [])}

    def array(self, schema):
        return [self.one("", schema["items"])
                for _ in range(self.rng.randint(0, min(schema.get("maxItems", 3), 3)))]

    def object(self, schema, always=()):
        """All that is required or in `always`, and some of the rest."""
        members = schema.get("properties", {})
        needed = set(schema.get("required", [])) | set(always)
        given = [name for name in members
                 if name in needed or self.rng.random() < 0.5]
        if not given and schema.get("minProperties"):
            given = [next(iter(members))]
        return {name: self.one(name, members[name]) for name in given}


def wrong_values(schema, maker):
    """What might be wrong for this schema; some may be right."""
    yield from WRONG_TYPES + WRONG_NUMBERS + [None]
    if "string" not in schema.get("type", ()):
        yield "x"
    for bound, step in ("minimum", -1), ("maximum", 1):
        if bound in schema:
            yield schema[bound] + step
    if "multipleOf" in schema:
        yield schema["minimum"] + 1
    if "string" in schema.get("type", ()):
        low, high = maker.lengths(schema)
        where = f"{maker.folder}/" if schema.get("format") == "path" else ""
        yield from (where + odd for odd in ("\x01", "é", "a b"))
        yield from ("", maker.text(schema, high + 1))
        if low:
            yield maker.text(schema, low)[:low - 1]
    for word in words(schema):
        if word:
            yield from (word + "x", word.swapcase(), word[:-1])
    if "array" in schema.get("type", ()):
        yield [maker.one("", schema["items"])] * (schema.get("maxItems", 0) + 1)
        yield [None]


def allowed_values(schema, maker):
    """The bounds of what is right."""
    yield from (schema[bound] for bound in ("minimum", "maximum") if bound in schema)
    yield from words(schema)
    if "string" in schema.get("type", ()) and not words(schema):
        yield from (maker.text(schema, length) for length in maker.lengths(schema))
    if "boolean" in schema.get("type", ()):
        yield from (True, False)


def places(schema, path=()):
    """(path, schema) of each member, of those of members too; 0 is a list's item."""
    for name, inner in schema.get("properties", {}).items():
        yield path + (name,), inner
        yield from places(inner, path + (name,))
        yield from places(inner.get("items", {}), path + (name, 0))


def room_for(path, schema, maker):
    """A body with as little as there can be beside the member, and its holder."""
    body = holder = maker.least(schema)
    for name in path[:-1]:
        schema = schema["items"] if name == 0 else schema["properties"][name]
        inner = [] if "items" in schema else maker.least(schema)
        if name == 0:
            holder.append(inner)
        else:
            holder[name] = inner
        holder = inner
    return body, holder


def changed(path, schema, maker, value):
    body, holder = room_for(path, schema, maker)
    holder[path[-1]] = value
    return body


def spoilt(schema, maker):
    """(what is wrong, the member that it is about, the body); some may be fine."""
    for path, inner in places(schema):
        name = path[-1]
        for value in wrong_values(inner, maker):
            yield (f"{path} = {value!r:.60}", name,
                   changed(path, schema, maker, value))
        body, holder = room_for(path, schema, maker)
        if holder.pop(name, None) is not None:
            yield f"{path} is missing", name, body
        yield (f"oops beside {path}", "oops",
               changed(path[:-1] + ("oops",), schema, maker, 1))


def fine(schema, maker):
    """(what is at a bound, the body)."""
    for path, inner in places(schema):
        for value in allowed_values(inner, maker):
            yield f"{path} = {value!r:.60}", changed(path, schema, maker, value)


def twice(body):
    """(name, text) with each member of `body` given twice."""
    text = json.dumps(body)
    for name, value in body.items():
        yield name, f"{text[:-1]}, {json.dumps(name)}: {json.dumps(value)}}}"
