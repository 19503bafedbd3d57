import type { Fields } from "./json.ts";
import { drop, type Losses, refuse } from "./translate.losses.ts";
import { listOf } from "./translate.tools.ts";

/** Where in the client's body something is said. */
export type Place = { readonly path: string; readonly losses: Losses };

const TEXTS: ReadonlySet<unknown> = new Set(["input_text", "output_text", "text"]);

/** A content of responses as texts and images of a chat, one part for each. */
export function contentParts(content: unknown, at: Place): readonly Fields[] {
  return placed(content, at).flatMap(([part, path]) => {
    if (part.type !== "input_image") return textPart(part, { ...at, path });
    const { image_url: url, detail } = part;
    if (typeof url !== "string") {
      refuse(at.losses, `${path}.image_url`, "must be a URL: this model cannot open files of OpenAI's");
    }
    return [
      { type: "image_url", image_url: { url, ...(detail == null ? {} : { detail }) }, ...cacheMark(part) },
    ];
  });
}

/** The same where only texts can be. */
export function textParts(content: unknown, at: Place): readonly Fields[] {
  return placed(content, at).flatMap(([part, path]) => textPart(part, { ...at, path }));
}

function textPart(part: Fields, { path, losses }: Place): readonly Fields[] {
  const text = TEXTS.has(part.type) ? part.text : part.type === "refusal" ? part.refusal : undefined;
  if (typeof text === "string") return [{ type: "text", text, ...cacheMark(part) }];
  refuse(
    losses,
    path,
    "cannot be said to this model, which takes texts, and images of the user and of tools",
  );
  return [];
}

function cacheMark({ prompt_cache_breakpoint: mark }: Fields): Fields {
  return mark == null ? {} : { prompt_cache_breakpoint: mark };
}

function placed(
  content: unknown,
  { path, losses }: Place,
): readonly (readonly [part: Fields, path: string])[] {
  if (typeof content === "string") return [[{ type: "text", text: content }, path]];
  return listOf(content, path, losses).map((part, index) => [part, `${path}[${index}]`]);
}

/**
 * Messages of a chat as every server takes them: one text where there is nothing else, no images in the results of
 * tools (they follow as the user's), no thoughts.
 */
export function plainMessages(messages: readonly Fields[], losses: Losses): readonly Fields[] {
  const plain: Fields[] = [];
  let images: Fields[] = [];
  function showImages(): void {
    if (images.length > 0) plain.push({ role: "user", content: images });
    images = [];
  }
  for (const { reasoning_details: thoughts, ...message } of messages) {
    if (thoughts !== undefined) drop(losses, "input.reasoning");
    const parts =
      message.content === null ? null : (message.content as readonly Fields[]).map(unmarked(losses));
    if (message.role !== "tool") showImages();
    if (message.role === "tool") {
      images.push(...parts!.filter((part) => !isText(part)));
      const told = parts!.map((part) => (isText(part) ? part : IMAGE_BELOW));
      plain.push({ ...message, content: joined(told) });
    } else {
      const role = message.role === "developer" ? "system" : message.role;
      plain.push({ ...message, role, content: parts?.every(isText) ? joined(parts) : parts });
    }
  }
  showImages();
  return plain;
}

const IMAGE_BELOW = { type: "text", text: "The image is in the next message." };

function unmarked(losses: Losses): (part: Fields) => Fields {
  return ({ prompt_cache_breakpoint: mark, ...part }) => {
    if (mark !== undefined) drop(losses, "prompt_cache_breakpoint");
    return part;
  };
}

function isText({ type }: Fields): boolean {
  return type === "text";
}

function joined(parts: readonly Fields[]): string {
  return parts.map(({ text }) => String(text)).join("\n\n");
}
