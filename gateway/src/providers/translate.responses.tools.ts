import { type Fields, fieldsOf, objectsOf, parsedObject, textOf } from "./json.ts";
import { dropOthers, type Losses, refuse } from "./translate.losses.ts";
import { listOf } from "./translate.tools.ts";

const TOOL_FIELDS: ReadonlySet<string> = new Set([
  "type",
  "name",
  "description",
  "parameters",
  "strict",
  "format",
]);

/** A custom tool takes any text: a function that has it as its only field says the same. */
const FREE_TEXT = {
  type: "object",
  properties: { input: { type: "string" } },
  required: ["input"],
  additionalProperties: false,
};

/** `tools`, `tool_choice` and `parallel_tool_calls` of responses for a chat; nothing if there are no tools. */
export function functionsOf(body: Fields, losses: Losses): Fields {
  const all = listOf(body.tools, "tools", losses).map((tool, index) =>
    functionOf(tool, `tools[${index}]`, losses),
  );
  const { allowed, choice } = choiceOf(body.tool_choice, losses);
  const tools = allowed === undefined ? all : all.filter((tool) => allowed.has(fieldsOf(tool.function).name));
  if (tools.length === 0) return {};
  return {
    tools,
    ...(choice === undefined ? {} : { tool_choice: choice }),
    ...(body.parallel_tool_calls === false ? { parallel_tool_calls: false } : {}),
  };
}

function functionOf(tool: Fields, path: string, losses: Losses): Fields {
  const { type, name, description, parameters, strict } = tool;
  const isCustom = type === "custom";
  if ((type !== "function" && !isCustom) || typeof name !== "string") {
    refuse(
      losses,
      path,
      "must be a function or a custom tool with a name: this model has no tools of OpenAI's",
    );
  }
  dropOthers(losses, tool, TOOL_FIELDS, "tools.");
  const said = isCustom ? customDescription(tool) : textOf(description);
  return {
    type: "function",
    function: {
      name,
      ...(said === undefined ? {} : { description: said }),
      ...(isCustom ? { parameters: FREE_TEXT } : parameters == null ? {} : { parameters }),
      ...(strict === true && !isCustom ? { strict } : {}),
    },
  };
}

function customDescription({ description, format }: Fields): string | undefined {
  const { syntax, definition } = fieldsOf(format);
  const rules = textOf(definition);
  const grammar = `The input must follow this ${textOf(syntax) ?? "formal"} grammar:\n${rules}`;
  return (
    [textOf(description), rules && grammar].filter((text) => text !== undefined).join("\n\n") || undefined
  );
}

type Choice = { readonly choice?: unknown; readonly allowed?: ReadonlySet<unknown> };

function choiceOf(asked: unknown, losses: Losses): Choice {
  if (asked == null) return {};
  if (asked === "auto" || asked === "none" || asked === "required") return { choice: asked };
  const { type, name, mode, tools } = fieldsOf(asked);
  if ((type === "function" || type === "custom") && typeof name === "string") {
    return { choice: { type: "function", function: { name } } };
  }
  if (type === "allowed_tools") {
    return { choice: mode ?? "auto", allowed: new Set(objectsOf(tools).map((tool) => tool.name)) };
  }
  refuse(
    losses,
    "tool_choice",
    'must be "auto", "none", "required", a function, a custom tool or allowed tools',
  );
  return {};
}

/** The names of the tools that take a text, and are called with one. */
export function customTools({ tools }: Fields): ReadonlySet<unknown> {
  const custom = objectsOf(tools).filter(({ type }) => type === "custom");
  return new Set(custom.map(({ name }) => name));
}

export function customArguments(input: string): string {
  return JSON.stringify({ input });
}

/** The text that a custom tool is called with, for the arguments of the function that stands for it. */
export function customInput(json: string): string {
  const { input } = parsedObject(json) ?? {};
  return typeof input === "string" ? input : json;
}
