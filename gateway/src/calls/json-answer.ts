const FENCED = /^```(?:json)?\s*\n([\s\S]*?)\n```$/;

/** What a model's answer says as JSON, in a fence or without; undefined if it is none. */
export function jsonIn(text: string): unknown {
  const trimmed = text.trim();
  try {
    return JSON.parse(FENCED.exec(trimmed)?.[1] ?? trimmed) as unknown;
  } catch {
    return undefined;
  }
}
