import assert from "node:assert/strict";
import { scopes } from "../../access/permissions.ts";
import type { TestApp } from "../../app.testing.ts";
import type { NewApiKey } from "../../identity/api-keys.ts";
import type { Role } from "../../identity/principal.ts";
import { userNamed } from "../../identity/testing.ts";

export type Json = Record<string, unknown>;

/** What came back: the status, the JSON (an error's own object), and the text without its correlation id. */
export type Answered = { readonly status: number; readonly json: Json; readonly text: string };

export type Caller = (method: string, path: string, json?: unknown) => Promise<Answered>;

/** Somebody with a key of their own that has every scope. Imported by tests only. */
export async function newCaller(app: TestApp, userId: string, role: Role = "developer"): Promise<Caller> {
  await userNamed(app.store.db, userId, role);
  return callerBy(app, { userId });
}

/** Somebody who is there already, by another key. */
export async function callerBy(app: TestApp, fields: Partial<NewApiKey>): Promise<Caller> {
  const key = await app.key({ scopes: [...scopes], ...fields });
  return async (method, path, json) => {
    const response = await app.fetch(path, { method, key, ...(json === undefined ? {} : { json }) });
    const text = await response.text();
    const parsed = text === "" ? {} : (JSON.parse(text) as Json);
    return {
      status: response.status,
      json: (parsed.error as Json | undefined) ?? parsed,
      text: text.replace(response.headers.get("x-correlation-id")!, "…"),
    };
  };
}

/** Makes what is made at this path, with a name if none is given, and answers its id. */
export async function made(by: Caller, path: string, fields: Json = {}): Promise<number> {
  const { status, json, text } = await by("POST", path, { name: "Test", ...fields });
  assert.equal(status, 201, text);
  return json.id as number;
}

/** Of the items of a list. */
export function idsIn({ json }: Pick<Answered, "json">): readonly unknown[] {
  return (json.items as Json[]).map(({ id }) => id);
}

/** What the audit log says, newest last: action, target and changes. */
export async function auditOf(app: TestApp): Promise<readonly Json[]> {
  const rows = await app.store.db.selectFrom("audit_entries").select("entry").orderBy("seq").execute();
  return rows.map(({ entry }) => {
    const { action, actor, target, changes, reason } = JSON.parse(entry) as Json;
    const { type, id } = target as Json;
    return { action, by: (actor as Json).id, target: `${type} ${id}`, changes, reason };
  });
}
