import { type Fields, fieldsOf } from "./json.ts";

const MEDIA_TYPES: ReadonlySet<string> = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]);
const DATA = "data:";
const BASE64 = ";base64";

/** The source of a messages image for the URL of a chat image; undefined if there is none. */
export function imageSource(url: unknown): Fields | undefined {
  if (typeof url !== "string") return undefined;
  if (/^https?:\/\//i.test(url)) return { type: "url", url };
  const comma = url.indexOf(",");
  if (!url.startsWith(DATA) || comma < 0) return undefined;
  const head = url.slice(DATA.length, comma).toLowerCase();
  const mediaType = head.split(";")[0]!;
  if (!head.endsWith(BASE64) || !MEDIA_TYPES.has(mediaType)) return undefined;
  return { type: "base64", media_type: mediaType, data: url.slice(comma + 1) };
}

/** The chat part for the source of a messages image; undefined for a file of Anthropic's. */
export function imagePart(source: unknown): Fields | undefined {
  const url = imageUrl(fieldsOf(source));
  return url === undefined ? undefined : { type: "image_url", image_url: { url } };
}

function imageUrl({ type, url, media_type: mediaType, data }: Fields): string | undefined {
  if (type === "url") return typeof url === "string" ? url : undefined;
  if (type !== "base64" || typeof data !== "string" || typeof mediaType !== "string") return undefined;
  return `${DATA}${mediaType}${BASE64},${data}`;
}
