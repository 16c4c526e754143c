# SPDX-License-Identifier: MIT
"""The part of JSON Schema (2020-12) that assets/openapi.yaml uses. A keyword that is not known here is an error, so that
no rule of the page is passed over in silence."""
import re

ANNOTATIONS = {"description", "default", "xml"}


def is_type(value, name):
    return {
        "object": lambda: isinstance(value, dict),
        "array": lambda: isinstance(value, list),
        "string": lambda: isinstance(value, str),
        "boolean": lambda: isinstance(value, bool),
        "integer": lambda: isinstance(value, int) and not isinstance(value, bool),
        "number": lambda: isinstance(value, (int, float)) and not isinstance(value, bool),
        "null": lambda: value is None,
    }[name]()


class Schemas:
    """Schemas of one document. strict: a member that no schema describes is a fault too."""

    def __init__(self, document, strict=True):
        self.document, self.strict = document, strict

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            target = self.document
            for word in node["$ref"].removeprefix("#/").split("/"):
                target = target[word]
            node = target
        return node

    def faults(self, value, schema, path="", strict=None):
        """Sentences that say what in value is not as the schema has it; none when all is well."""
        strict = self.strict if strict is None else strict
        schema = self.resolve(schema)
        found = []
        for keyword, rule in schema.items():
            if keyword in ANNOTATIONS:
                continue
            check = getattr(self, "rule_" + keyword, None)
            if not check:
                raise ValueError(f"json_schema.py does not know the keyword {keyword!r}")
            found += check(value, rule, schema, path or "the answer", strict)
        known = self.members(schema)
        if strict and isinstance(value, dict) and known is not None and "additionalProperties" not in schema:
            found += [f"{path}.{name} is not described" for name in value if name not in known]
        return found

    def members(self, schema):
        """Names that a schema describes, those of allOf among them; None when it describes none."""
        schema = self.resolve(schema)
        lists = [set(schema["properties"])] if "properties" in schema else []
        lists += [found for part in schema.get("allOf", []) if (found := self.members(part)) is not None]
        return set().union(*lists) if lists else None

    def rule_type(self, value, rule, schema, path, strict):
        names = rule if isinstance(rule, list) else [rule]
        return [] if any(is_type(value, name) for name in names) else [f"{path} is {value!r}, not {rule}"]

    def rule_enum(self, value, rule, schema, path, strict):
        return [] if value in rule else [f"{path} is {value!r}, none of {rule}"]

    def rule_const(self, value, rule, schema, path, strict):
        return [] if value == rule and type(value) is type(rule) else [f"{path} is {value!r}, not {rule!r}"]

    def rule_pattern(self, value, rule, schema, path, strict):
        return [f"{path} {value!r} is not like {rule}"] if isinstance(value, str) and not re.search(rule, value) else []

    def rule_minLength(self, value, rule, schema, path, strict):
        return [f"{path} {value!r} is shorter than {rule}"] if isinstance(value, str) and len(value) < rule else []

    def rule_maxLength(self, value, rule, schema, path, strict):
        return [f"{path} {value!r} is longer than {rule}"] if isinstance(value, str) and len(value) > rule else []

    def rule_minimum(self, value, rule, schema, path, strict):
        return [f"{path} {value} is below {rule}"] if is_type(value, "number") and value < rule else []

    def rule_maximum(self, value, rule, schema, path, strict):
        return [f"{path} {value} is above {rule}"] if is_type(value, "number") and value > rule else []

    def rule_minItems(self, value, rule, schema, path, strict):
        return [f"{path} has fewer than {rule} items"] if isinstance(value, list) and len(value) < rule else []

    def rule_maxItems(self, value, rule, schema, path, strict):
        return [f"{path} has more than {rule} items"] if isinstance(value, list) and len(value) > rule else []

    def rule_items(self, value, rule, schema, path, strict):
        if not isinstance(value, list):
            return []
        return [fault for i, item in enumerate(value) for fault in self.faults(item, rule, f"{path}[{i}]", strict)]

    def rule_required(self, value, rule, schema, path, strict):
        return [f"{path}.{name} is missing" for name in rule if isinstance(value, dict) and name not in value]

    def rule_properties(self, value, rule, schema, path, strict):
        if not isinstance(value, dict):
            return []
        return [fault for name, inner in rule.items() if name in value
                for fault in self.faults(value[name], inner, f"{path}.{name}", strict)]

    def rule_additionalProperties(self, value, rule, schema, path, strict):
        more = [name for name in value if name not in schema.get("properties", {})] if isinstance(value, dict) else []
        if rule is False:
            return [f"{path}.{name} may not be there" for name in more]
        return [fault for name in more for fault in self.faults(value[name], rule, f"{path}.{name}", strict)]

    def rule_oneOf(self, value, rule, schema, path, strict):
        each = [self.faults(value, option, path, strict) for option in rule]
        fits = sum(1 for found in each if not found)
        return [] if fits == 1 else [f"{path} fits {fits} of {len(rule)} forms: {each}"]

    def rule_anyOf(self, value, rule, schema, path, strict):
        each = [self.faults(value, option, path, strict) for option in rule]
        return [] if any(not found for found in each) else [f"{path} fits none of its forms: {each}"]

    def rule_allOf(self, value, rule, schema, path, strict):
        found = [fault for option in rule for fault in self.faults(value, option, path, strict=False)]
        return found
