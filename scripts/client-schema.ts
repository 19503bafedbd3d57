import type { Json, JsonObject, OpenApi } from "./openapi.ts";

/** The types of `tollgate-client`: one for each named schema, and one table of all operations. */
export function clientSchema({ paths, components }: OpenApi): string {
  const named = Object.entries(components.schemas).map(
    ([name, schema]) => `export type ${name} = ${typeOf(schema, name.endsWith("Input"))};\n`,
  );
  const operations = Object.entries(paths)
    .filter(([path]) => !path.endsWith("/") || paths[path.slice(0, -1)] === undefined)
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => operationType(method, path, operation)),
    );
  const head = "// Generated from openapi.json: npm run docs\n";
  const table = `/** Every operation: what stands in its path and query, what it takes and what it answers. */
export type Operations = {\n${operations.join("")}};\n`;
  return [head, ...named, table].join("\n");
}

function operationType(method: string, path: string, operation: JsonObject): string {
  const parameters = (operation.parameters ?? []) as readonly JsonObject[];
  const fields = [
    `path: ${parametersType(parameters, "path")}`,
    `query: ${parametersType(parameters, "query")}`,
    `body: ${contentType(operation.requestBody as JsonObject | undefined, true) ?? "undefined"}`,
    `answer: ${answerType(operation.responses as JsonObject)}`,
  ];
  const lines = fields.map((field) => `    readonly ${field};\n`).join("");
  return `  /** ${operation.summary} */\n  "${method.toUpperCase()} ${path}": {\n${lines}  };\n`;
}

/** In a path a number does as well as its text. */
function parametersType(parameters: readonly JsonObject[], place: string): string {
  const fields = parameters
    .filter((parameter) => parameter.in === place)
    .map(({ name, required, schema }) => {
      const type = place === "path" ? "string | number" : typeOf(schema!, true);
      return fieldType(String(name), type, required === true, true);
    });
  return objectType(fields);
}

function answerType(responses: JsonObject): string {
  const [status, response] = Object.entries(responses)[0]!;
  if (status === "204") return "undefined";
  return contentType(response as JsonObject, false) ?? "unknown";
}

function contentType(holder: JsonObject | undefined, isInput: boolean): string | undefined {
  const content = holder?.content as JsonObject | undefined;
  const json = content?.["application/json"] as JsonObject | undefined;
  return json?.schema === undefined ? undefined : typeOf(json.schema, isInput);
}

/** @param isInput Fields that may be left out may be undefined as well. */
export function typeOf(schema: Json, isInput: boolean): string {
  if (schema === true) return "unknown";
  const { $ref, const: only, enum: some, anyOf, oneOf, allOf, type } = schema as JsonObject;
  if (typeof $ref === "string") return $ref.slice($ref.lastIndexOf("/") + 1);
  if (only !== undefined) return JSON.stringify(only);
  if (some !== undefined) return union((some as readonly Json[]).map((value) => JSON.stringify(value)));
  const either = (anyOf ?? oneOf) as readonly Json[] | undefined;
  if (either !== undefined) return union(either.map((one) => typeOf(one, isInput)));
  if (allOf !== undefined) return (allOf as readonly Json[]).map((one) => typeOf(one, isInput)).join(" & ");
  const types = (Array.isArray(type) ? type : [type]) as readonly (string | undefined)[];
  return union(types.map((one) => plainType(one, schema as JsonObject, isInput)));
}

function plainType(type: string | undefined, schema: JsonObject, isInput: boolean): string {
  switch (type) {
    case "string":
    case "boolean":
    case "null":
      return type;
    case "integer":
    case "number":
      return "number";
    case "array":
      return `readonly (${typeOf(schema.items ?? {}, isInput)})[]`;
    case "object":
      return propertiesType(schema, isInput);
    default:
      return "unknown";
  }
}

function propertiesType(schema: JsonObject, isInput: boolean): string {
  const { properties = {}, required = [], additionalProperties = false, propertyNames } = schema;
  const fields = Object.entries(properties as JsonObject).map(([name, property]) =>
    fieldType(name, typeOf(property, isInput), (required as readonly Json[]).includes(name), isInput),
  );
  if (additionalProperties === false) return objectType(fields);
  const value = typeOf(additionalProperties, isInput);
  const names = (propertyNames as JsonObject | undefined)?.enum as readonly Json[] | undefined;
  if (names !== undefined) return `{ readonly [name in ${typeOf({ enum: names }, isInput)}]?: ${value} }`;
  return objectType([...fields, `readonly [name: string]: ${value};`]);
}

function fieldType(name: string, type: string, isRequired: boolean, isInput: boolean): string {
  const key = /^\w+$/.test(name) ? name : JSON.stringify(name);
  if (isRequired) return `readonly ${key}: ${type};`;
  return `readonly ${key}?: ${type}${isInput ? " | undefined" : ""};`;
}

function objectType(fields: readonly string[]): string {
  return fields.length === 0 ? "{}" : `{ ${fields.join(" ")} }`;
}

function union(types: readonly string[]): string {
  return [...new Set(types)].join(" | ");
}
