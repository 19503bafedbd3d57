import type { Operations } from "./schema.ts";

/** Method and path: `GET /auth/api-keys`. */
export type Operation = keyof Operations;

export type Path<O extends Operation> = Operations[O]["path"];
export type Query<O extends Operation> = Operations[O]["query"];
export type Body<O extends Operation> = Operations[O]["body"];
export type Answer<O extends Operation> = Operations[O]["answer"];

/** What a list is a list of. */
export type Item<O extends Operation> =
  Answer<O> extends { readonly items: readonly (infer I)[] } ? I : never;

/** Everything that a request says. */
export type Input<O extends Operation> = {
  readonly query?: Query<O> | undefined;
} & (keyof Path<O> extends never ? { readonly path?: Path<O> } : { readonly path: Path<O> }) &
  (Body<O> extends undefined ? { readonly body?: undefined } : { readonly body: Body<O> });

/** Of a list. */
export type Listing = { readonly limit?: number | undefined; readonly cursor?: string | undefined };

type Plain = {
  readonly path?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, unknown>>;
};

/** The method, and the path with its query: what is undefined is left out. */
export function addressOf(
  operation: Operation,
  input: object,
): { readonly method: string; readonly path: string } {
  const { path = {}, query = {} } = input as Plain;
  const [method, pattern] = operation.split(" ") as [string, string];
  const filled = pattern.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name]!));
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) asked.set(name, String(value));
  return { method, path: asked.size === 0 ? filled : `${filled}?${asked}` };
}

/** All others answer JSON, or nothing. */
export function answersText(operation: Operation, input: object): boolean {
  const { query } = input as Plain;
  return query?.format === "csv" || texts.has(operation);
}

const texts: ReadonlySet<Operation> = new Set<Operation>(["GET /metrics", "GET /v1/thoughts/export"]);
