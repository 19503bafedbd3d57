import { type Fields, fieldsOf } from "./json.ts";

/** Deeper than any schema that a caller means. */
const MAX_DEPTH = 16;

/**
 * JSON for a schema of structured output, always the same and no larger than the schema asks: texts say `text`, a list
 * of objects or of at least one item has one, other lists are empty, and where null will do it is null.
 */
export function filled(schema: Fields, text: string, depth = 0): unknown {
  if (depth > MAX_DEPTH) return null;
  const { const: constant, enum: allowed, anyOf, oneOf, type } = schema;
  if (constant !== undefined) return constant;
  if (Array.isArray(allowed)) return allowed[0];
  const choices = anyOf ?? oneOf;
  if (Array.isArray(choices)) {
    const isNullable = choices.some((choice) => fieldsOf(choice).type === "null");
    return isNullable ? null : filled(fieldsOf(choices[0]), text, depth + 1);
  }
  if (Array.isArray(type))
    return type.includes("null") ? null : filled({ ...schema, type: type[0] }, text, depth);
  switch (type) {
    case "object": {
      const fields = Object.entries(fieldsOf(schema.properties));
      return Object.fromEntries(
        fields.map(([name, field]) => [name, filled(fieldsOf(field), text, depth + 1)]),
      );
    }
    case "array": {
      const item = fieldsOf(schema.items);
      const isWanted = item.type === "object" || (typeof schema.minItems === "number" && schema.minItems > 0);
      return isWanted ? [filled(item, text, depth + 1)] : [];
    }
    case "string":
      return typeof schema.maxLength === "number" ? text.slice(0, schema.maxLength) : text;
    case "integer":
    case "number":
      return typeof schema.minimum === "number" ? Math.max(0, schema.minimum) : 0;
    case "boolean":
      return false;
    default:
      return null;
  }
}
