import { type Fields, fieldsOf, parsedObject } from "./json.ts";
import { drop, dropOthers, type Losses, refuse } from "./translate.losses.ts";

const FUNCTION_FIELDS: ReadonlySet<string> = new Set(["name", "description", "parameters", "strict"]);
const TOOL_FIELDS: ReadonlySet<string> = new Set(["type", "name", "description", "input_schema", "strict"]);

/** Tools of a chat body for messages. */
export function toolsForMessages(tools: unknown, losses: Losses): readonly Fields[] {
  return listOf(tools, "tools", losses).map((tool, index) => {
    const definition = fieldsOf(tool.function);
    const { name, description, parameters, strict } = definition;
    if (tool.type !== "function" || typeof name !== "string") {
      refuse(losses, `tools[${index}]`, "must be a function with a name: this model takes no other tools");
    }
    dropOthers(losses, definition, FUNCTION_FIELDS, "tools.function.");
    return {
      name,
      ...(description == null ? {} : { description }),
      input_schema: { type: "object", ...fieldsOf(parameters) },
      ...(strict === true ? { strict } : {}),
      ...(tool.cache_control == null ? {} : { cache_control: tool.cache_control }),
    };
  });
}

/** Tools of a messages body for chat. */
export function toolsForChat(tools: unknown, losses: Losses): readonly Fields[] {
  return listOf(tools, "tools", losses).map((tool, index) => {
    const { type = "custom", name, description, input_schema: parameters, strict } = tool;
    if ((type !== "custom" && type !== null) || typeof name !== "string") {
      const path = `tools[${index}]`;
      refuse(losses, path, "must have a name and a schema: this model does not know Anthropic's own tools");
    }
    for (const field of Object.keys(tool)) {
      if (tool[field] != null && !TOOL_FIELDS.has(field)) {
        drop(losses, field === "cache_control" ? field : `tools.${field}`);
      }
    }
    const definition = { name, ...(description == null ? {} : { description }), parameters };
    return {
      type: "function",
      function: typeof strict === "boolean" ? { ...definition, strict } : definition,
    };
  });
}

/** `tool_choice` of messages for that of chat; undefined if nothing is to be said. */
export function choiceForMessages(body: Fields, losses: Losses): Fields | undefined {
  const choice = namedChoice(body.tool_choice ?? "auto");
  if (choice === undefined) {
    refuse(
      losses,
      "tool_choice",
      'must be "auto", "none", "required" or a function: this model takes no other',
    );
    return undefined;
  }
  if (body.parallel_tool_calls === false && choice.type !== "none") {
    return { ...choice, disable_parallel_tool_use: true };
  }
  return body.tool_choice == null ? undefined : choice;
}

function namedChoice(choice: unknown): Fields | undefined {
  if (choice === "auto" || choice === "none") return { type: choice };
  if (choice === "required") return { type: "any" };
  const { type, function: named } = fieldsOf(choice);
  const { name } = fieldsOf(named);
  return type === "function" && typeof name === "string" ? { type: "tool", name } : undefined;
}

/** `tool_choice` and `parallel_tool_calls` of chat for the choice of messages. */
export function choiceForChat(choice: unknown, losses: Losses): Fields {
  if (choice == null) return {};
  const { type, name, disable_parallel_tool_use: single } = fieldsOf(choice);
  const parallel = single === true && type !== "none" ? { parallel_tool_calls: false } : {};
  if (type === "auto" || type === "none") return { tool_choice: type, ...parallel };
  if (type === "any") return { tool_choice: "required", ...parallel };
  if (type === "tool" && typeof name === "string") {
    return { tool_choice: { type: "function", function: { name } }, ...parallel };
  }
  refuse(losses, "tool_choice.type", "must be auto, any, tool with a name, or none");
  return {};
}

/** The input of a tool call for the text of its arguments. Text that is no JSON object is kept under a name. */
export function toolInput(text: unknown): Fields {
  if (typeof text !== "string" || text.trim() === "") return {};
  return parsedObject(text) ?? { arguments: text };
}

/** Messages take letters, digits, `_` and `-` in the id of a tool call; everything else is written in hexadecimal. */
export function toolId(id: string): string {
  return id.replaceAll(/[^A-Za-z0-9_-]/gu, (sign) => `_${sign.codePointAt(0)!.toString(16)}`);
}

/** The objects of a list that may be left out. */
export function listOf(value: unknown, path: string, losses: Losses): readonly Fields[] {
  if (value == null) return [];
  if (Array.isArray(value)) return value.map(fieldsOf);
  refuse(losses, path, "must be a list");
  return [];
}
