import type { FieldFault } from "../lib/errors.ts";
import { type Body, countsIn, fieldOf, isGiven, listOf, MAX_OUTPUT_TOKENS, typeOf } from "./bound.fields.ts";
import {
  addImage,
  boundOf,
  type Found,
  noteUnbounded,
  noteUnboundedFields,
  noteUnboundedTools,
  nothingFound,
} from "./bound.found.ts";
import type { BoundOrFaults } from "./bound.ts";

/** Blocks that cost no more than what the body says of them. */
const BOUNDED_BLOCKS = new Set([
  "text",
  "thinking",
  "redacted_thinking",
  "tool_use",
  "server_tool_use",
  "web_search_tool_result",
  "code_execution_tool_result",
  "tool_search_tool_result",
  "search_result",
]);
/** Tools that the caller runs, though the provider has named them. */
const NAMED_TOOL = /^(bash_\d+|text_editor_\d+|memory_\d+|computer_\d+)$/;
/** What the provider tells the model of a tool that it has named, at most. */
const NAMED_TOOL_TOKENS = 1_000;
const UNBOUNDED_FIELDS = ["fallbacks", "mcp_servers", "container"];
/** Edits of the context that only leave out some of it. Others have the model write a summary, besides the answer. */
const CLEARING = /^clear_/;

/** What the body of Anthropic's messages says about its size, `bodyBytes` UTF-8 bytes as it arrived. */
export function messagesBound(body: Body, bodyBytes: number): BoundOrFaults {
  const faults: FieldFault[] = [];
  const caps = countsIn(body, ["max_tokens"], MAX_OUTPUT_TOKENS, faults);
  if (faults.length > 0) return { valid: false, faults };
  const found = nothingFound();
  readBlocks(body.system, "system", found);
  for (const [index, message] of listOf(body.messages).entries()) {
    readBlocks(fieldOf(message, "content"), `messages[${index}].content`, found);
  }
  const tools = listOf(body.tools);
  noteUnboundedTools(found, tools, (tool) => isOwn(tool) || isNamed(tool));
  noteUnboundedFields(found, body, UNBOUNDED_FIELDS);
  const edits = fieldOf(body.context_management, "edits");
  const onlyClears = Array.isArray(edits) && edits.every((edit) => CLEARING.test(typeOf(edit)));
  if (isGiven(body.context_management) && !onlyClears) noteUnbounded(found, "context_management");
  const bytes = bodyBytes + tools.filter(isNamed).length * NAMED_TOOL_TOKENS;
  return boundOf(body, found, { bytes, hasTools: tools.length > 0, outputCap: caps[0] });
}

function isOwn(tool: unknown): boolean {
  return !isGiven(fieldOf(tool, "type")) || typeOf(tool) === "custom";
}

function isNamed(tool: unknown): boolean {
  return NAMED_TOOL.test(typeOf(tool));
}

function readBlocks(content: unknown, path: string, found: Found): void {
  for (const [index, block] of listOf(content).entries()) {
    const type = typeOf(block);
    const source = fieldOf(block, "source");
    const at = `${path}[${index}]`;
    if (type === "image") {
      const data = fieldOf(source, "data");
      addImage(found, typeof data === "string" ? data : "");
    } else if (type === "web_fetch_tool_result") {
      const fetched = fieldOf(fieldOf(block, "content"), "content");
      if (isGiven(fetched)) readBlocks([fetched], `${at}.content.content`, found);
    } else if (type === "tool_result") {
      readBlocks(fieldOf(block, "content"), `${at}.content`, found);
    } else if (!BOUNDED_BLOCKS.has(type) && !isTextDocument(type, source)) {
      noteUnbounded(found, at);
    }
  }
}

function isTextDocument(type: string, source: unknown): boolean {
  return type === "document" && typeOf(source) === "text";
}
