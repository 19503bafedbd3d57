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
} from "./bound.fields.ts";
import type { BoundOrFaults } from "./bound.ts";

const MAX_CHOICES = 128;
const OUTPUT_CAPS = ["max_completion_tokens", "max_tokens", "max_output_tokens"];
const CHOICE_COUNTS = ["n", "best_of"];
const TEXT_PARTS = new Set(["text", "input_text", "output_text", "refusal"]);
const IMAGE_PARTS = new Set(["image_url", "input_image"]);
const CALLER_TOOLS = new Set(["function", "custom"]);
const UNBOUNDED_FIELDS = [
  "web_search_options",
  "search_parameters",
  "plugins",
  "previous_response_id",
  "conversation",
  "prediction",
  "models",
  "extra_body",
  "cached_content",
];

/**
 * Reads a chat body of `bodyBytes` UTF-8 bytes as it arrived. JSON is never shorter than what it says, so the bytes
 * bound the text without walking it: the time depends on the number of messages and parts only.
 */
export function chatBound(body: Body, bodyBytes: number): BoundOrFaults {
  const faults: FieldFault[] = [];
  const caps = countsIn(body, OUTPUT_CAPS, MAX_OUTPUT_TOKENS, faults);
  const choices = countsIn(body, CHOICE_COUNTS, MAX_CHOICES, faults);
  if (faults.length > 0) return { valid: false, faults };
  const unbounded: FieldFault[] = [];
  const found = partsIn(body, unbounded);
  for (const field of UNBOUNDED_FIELDS) {
    if (isGiven(body[field])) noteUnbounded(unbounded, field);
  }
  return boundWith(body, {
    textBytes: bodyBytes - found.imageBytes,
    images: found.images,
    imageBytes: found.imageBytes,
    hears: found.hears,
    hasTools: toolsIn(body, unbounded),
    outputCap: caps.length === 0 ? undefined : Math.max(...caps),
    choices: Math.max(1, ...choices),
    unbounded,
  });
}

type Found = { images: number; imageBytes: number; hears: boolean };

function partsIn(body: Body, unbounded: FieldFault[]): Found {
  const found: Found = { images: 0, imageBytes: 0, hears: false };
  for (const [index, message] of listOf(body.messages).entries()) {
    if (isGiven(fieldOf(message, "audio"))) noteUnbounded(unbounded, `messages[${index}].audio`);
    for (const [at, part] of listOf(fieldOf(message, "content")).entries()) {
      if (!readPart(part, found)) noteUnbounded(unbounded, `messages[${index}].content[${at}]`);
    }
  }
  return found;
}

/** False: nobody knows how much it is. */
function readPart(part: unknown, found: Found): boolean {
  const type = fieldOf(part, "type") as string;
  if (type === "input_audio") found.hears = true;
  if (type === "input_audio" || TEXT_PARTS.has(type)) return true;
  const data = IMAGE_PARTS.has(type) ? inlineData(part) : undefined;
  if (data === undefined || (data !== "" && !INLINE_IMAGE.test(data))) return false;
  found.images += 1;
  found.imageBytes += Buffer.byteLength(data);
  return true;
}

const INLINE_IMAGE = /^data:image\/[\w.+-]{1,40};base64,/i;

/** The data URL inside an image part; empty if the image is only named by an address. */
function inlineData(part: unknown): string {
  const image = fieldOf(part, "image_url");
  const url = typeof image === "string" ? image : fieldOf(image, "url");
  return typeof url === "string" && /^data:/i.test(url) ? url : "";
}

/** Notes the tools that run at the provider. True if there are tools of any kind. */
function toolsIn(body: Body, unbounded: FieldFault[]): boolean {
  const tools = listOf(body.tools);
  for (const [index, tool] of tools.entries()) {
    if (!CALLER_TOOLS.has(fieldOf(tool, "type") as string)) noteUnbounded(unbounded, `tools[${index}]`);
  }
  return tools.length > 0 || listOf(body.functions).length > 0;
}
