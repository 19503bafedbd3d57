/** A text with places for a payload's fields: `{{name}}`, and `{{name?}}` for one that may be left out. */
export type Template = { readonly text: string; readonly fields: readonly TemplateField[] };

export type TemplateField = { readonly name: string; readonly isOptional: boolean };

const PLACE = /\{\{\s*([a-zA-Z_][a-zA-Z0-9_]{0,63})(\?)?\s*\}\}/g;

export function template(text: string): Template {
  const fields = [...text.matchAll(PLACE)].map(([, name, mark]) => ({
    name: name!,
    isOptional: mark === "?",
  }));
  return { text, fields };
}

/** Fills it in once: what a value says is never read as a template. Lists are comma-separated, objects JSON. */
export function filled({ text }: Template, values: Readonly<Record<string, unknown>>): string {
  return text.replace(PLACE, (_, name: string) =>
    textOf(Object.hasOwn(values, name) ? values[name] : undefined),
  );
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value.join(", ");
  return JSON.stringify(value);
}
