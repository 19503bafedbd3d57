import { TollgateError } from "../lib/errors.ts";

/**
 * The refusal of a path that nobody serves: where the interface is described, or the path that was meant, if there is
 * one with or without `/v1`.
 * @param known all paths that are served.
 */
export function nothingAt(url: string, known: { has(path: string): boolean }): TollgateError {
  const path = url.split("?", 1)[0]!;
  if (path === "/") return notFound("There is nothing at /. The interface is described at /openapi.json.");
  const others = [`/v1${path}`, ...(path.startsWith("/v1/") ? [path.slice("/v1".length)] : [])];
  const meant = others.find((other) => known.has(other));
  return meant === undefined
    ? new TollgateError("NOT_FOUND")
    : notFound(`There is nothing at ${path}. Did you mean ${meant}?`);
}

function notFound(message: string): TollgateError {
  return new TollgateError("NOT_FOUND", undefined, { message });
}
