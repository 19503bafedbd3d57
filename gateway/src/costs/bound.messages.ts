import type { FieldFault } from "../lib/errors.ts";
import {
  type Body,
  boundWith,
  countsIn,
  fieldOf,
  isGiven,
  listOf,
  MAX_OUTPUT_TOKENS,
  noteUnbounded,
  typeOf,
} from "./bound.fields.ts";
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
const CALLER_TOOLS = /^(bash_\d+|text_editor_\d+|memory_\d+|computer_\d+)$/;
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
  const found: Found = { images: 0, imageBytes: 0, unbounded: [] };
  readBlocks(body.system, "system", found);
  for (const [index, message] of listOf(body.messages).entries()) {
    readBlocks(fieldOf(message, "content"), `messages[${index}].content`, found);
  }
  const tools = listOf(body.tools);
  let named = 0;
  for (const [index, tool] of tools.entries()) {
    if (!isGiven(fieldOf(tool, "type")) || typeOf(tool) === "custom") continue;
    if (CALLER_TOOLS.test(typeOf(tool))) named += 1;
    else noteUnbounded(found.unbounded, `tools[${index}]`);
  }
  for (const field of UNBOUNDED_FIELDS) {
    if (isGiven(body[field])) noteUnbounded(found.unbounded, field);
  }
  const edits = fieldOf(body.context_management, "edits");
  const onlyClears = Array.isArray(edits) && edits.every((edit) => CLEARING.test(typeOf(edit)));
  if (isGiven(body.context_management) && !onlyClears) noteUnbounded(found.unbounded, "context_management");
  return boundWith(body, {
    textBytes: bodyBytes - found.imageBytes + named * NAMED_TOOL_TOKENS,
    images: found.images,
    imageBytes: found.imageBytes,
    hears: false,
    hasTools: tools.length > 0,
    outputCap: caps[0],
    choices: 1,
    unbounded: found.unbounded,
  });
}

type Found = { images: number; imageBytes: number; readonly unbounded: FieldFault[] };

function readBlocks(content: unknown, path: string, found: Found): void {
  for (const [index, block] of listOf(content).entries()) {
    const type = typeOf(block);
    const source = fieldOf(block, "source");
    const at = `${path}[${index}]`;
    if (type === "image") {
      found.images += 1;
      const data = fieldOf(source, "data");
      if (typeof data === "string") found.imageBytes += Buffer.byteLength(data);
    } else if (type === "web_fetch_tool_result") {
      const fetched = fieldOf(fieldOf(block, "content"), "content");
      if (isGiven(fetched)) readBlocks([fetched], `${at}.content.content`, found);
    } else if (type === "tool_result") {
      readBlocks(fieldOf(block, "content"), `${at}.content`, found);
    } else if (!BOUNDED_BLOCKS.has(type) && !isTextDocument(type, source)) {
      noteUnbounded(found.unbounded, at);
    }
  }
}

function isTextDocument(type: string, source: unknown): boolean {
  return type === "document" && typeOf(source) === "text";
}
