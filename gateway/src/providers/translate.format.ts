import { type Fields, fieldsOf } from "./json.ts";
import { drop, type Losses, refuse } from "./translate.losses.ts";

/** The shape of the answer that a chat body asks for, as `output_config.format`; undefined if it is free. */
export function formatForMessages(responseFormat: unknown, losses: Losses): Fields | undefined {
  const { type, json_schema: named } = fieldsOf(responseFormat);
  if (responseFormat == null || type === "text") return undefined;
  if (type === "json_object") {
    drop(losses, "response_format");
    return undefined;
  }
  const { schema } = fieldsOf(named);
  if (type !== "json_schema" || schema == null) {
    refuse(losses, "response_format", "must be text, json_object, or json_schema with a schema");
    return undefined;
  }
  return { type: "json_schema", schema };
}

/** `output_config.format` of messages as `response_format`; undefined if the answer is free. */
export function formatForChat(format: unknown, losses: Losses): Fields | undefined {
  if (format == null) return undefined;
  const { type, schema } = fieldsOf(format);
  if (type !== "json_schema" || schema == null) {
    refuse(losses, "output_config.format", "must be json_schema with a schema");
    return undefined;
  }
  return { type: "json_schema", json_schema: { name: "answer", schema, strict: isStrict(schema) } };
}

/** OpenAI follows a schema to the letter only if it closes every object and requires all of its properties. */
function isStrict(schema: unknown): boolean {
  if (typeof schema !== "object" || schema === null) return true;
  return isClosed(schema as Fields) && Object.values(schema).every(isStrict);
}

function isClosed({ type, properties, required, additionalProperties }: Fields): boolean {
  if (type !== "object") return true;
  const names = Object.keys(fieldsOf(properties));
  return (
    additionalProperties === false &&
    Array.isArray(required) &&
    names.every((name) => required.includes(name))
  );
}
