import { sql } from "kysely";
import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { HoldPlan } from "../limits/plans.ts";
import type { ApiKeysTable } from "../store/tables.identity.ts";
import type { Tx } from "../store/tables.ts";
import { type Cause, type Change, changesBetween } from "../telemetry/change.ts";
import {
  type ApiKey,
  addApiKey,
  findApiKey,
  type IssueDeps,
  type IssuedKey,
  type KeyPolicy,
  listOrNull,
  lockApiKey,
} from "./api-keys.ts";
import { holdOpenProject, holdOwner } from "./hold-owner.ts";
import { setKeyLimits } from "./key-quota.ts";

/** A leaked or mislaid key may go on for a week at most beside its successor. */
export const MAX_GRACE_SECONDS = 604_800;

/**
 * Gives a key a successor with the same policy and the same quota. The old key ends after the grace, or when it would
 * have ended anyway. Throws NOT_FOUND, AUTH_INVALID if who asks was shut out meanwhile, and CONFLICT for a key that is
 * over or has a successor.
 * @param permit sees the key as it stands while nobody else can change it; throws what speaks against it.
 */
export async function rotateApiKey(
  deps: Omit<IssueDeps, "holdPlan">,
  cause: Cause,
  prefix: string,
  { graceSeconds, permit }: { readonly graceSeconds: number; readonly permit?: (key: ApiKey) => void },
): Promise<IssuedKey> {
  return deps.change(cause, async (tx, note) => {
    const { projectId } = await holdPlaceOf(tx, deps.clock, cause, prefix);
    const old = await lockApiKey(tx, deps.clock, prefix);
    permit?.(old);
    if (old.projectId !== projectId) throw conflict("This key was changed meanwhile. Try again.");
    if (old.status !== "active") throw refusal(old);
    const end = new Date(deps.clock.now() + graceSeconds * 1000);
    await tx
      .updateTable("api_keys")
      .set({ expires_at: sql<Date>`least(expires_at, ${end})` })
      .where("id", "=", old.id)
      .execute();
    const issued = await addApiKey(deps, tx, cause, old, old);
    const changes = { successor: [null, issued.apiKey.prefix], grace_seconds: [null, graceSeconds] } as const;
    note({ action: "key.rotate", target: { type: "key", id: prefix }, changes });
    return issued;
  });
}

/** What is deleted or shut out with its keys must find the successor too. Their locks come before the key's. */
async function holdPlaceOf(tx: Tx, clock: Clock, cause: Cause, prefix: string): Promise<ApiKey> {
  const key = await findApiKey({ db: tx, clock }, prefix);
  if (key === undefined) throw new TollgateError("NOT_FOUND");
  await tx.selectFrom("projects").select("id").where("id", "=", key.projectId).forShare().execute();
  await holdOwner({ tx, clock }, cause, key.userId);
  return key;
}

/**
 * Changes what a key allows; its quota and plan are those of its whole chain. Throws NOT_FOUND, VALIDATION_FAILED for
 * an unknown plan, and CONFLICT for a key that is over, or for another end of one that has a successor.
 * @param edit gets the key as it stands while nobody else can change it; throws what speaks against the change.
 */
export async function changeApiKey(
  { change, clock, holdPlan }: { change: Change; clock: Clock; holdPlan: HoldPlan },
  cause: Cause,
  prefix: string,
  edit: (key: ApiKey) => KeyPolicy,
): Promise<ApiKey> {
  return change(cause, async (tx, note) => {
    const before = await lockApiKey(tx, clock, prefix);
    const wanted = edit(before);
    const isLive = before.status === "active" || before.status === "rotating";
    if (!isLive || (before.status === "rotating" && !sameTime(before.expiresAt, wanted.expiresAt))) {
      throw refusal(before);
    }
    if (wanted.plan !== null && wanted.plan !== before.plan) await holdPlan(tx, wanted.plan);
    if (wanted.projectId !== null && wanted.projectId !== before.projectId) {
      await holdOpenProject(tx, wanted.projectId);
    }
    await tx
      .updateTable("api_keys")
      .set({
        name: wanted.name,
        description: wanted.description,
        scopes: [...wanted.scopes],
        project_id: wanted.projectId,
        expires_at: wanted.expiresAt,
        allowed_models: listOrNull(wanted.allowedModels),
        allowed_ips: listOrNull(wanted.allowedIps),
      })
      .where("id", "=", before.id)
      .execute();
    await setKeyLimits(tx, before.quotaGroup, wanted);
    const after = (await findApiKey({ db: tx, clock }, prefix))!;
    const changes = changesBetween(columnsOf(before), columnsOf(after));
    if (changes !== undefined) note({ action: "key.update", target: { type: "key", id: prefix }, changes });
    return after;
  });
}

function refusal({ status }: ApiKey): TollgateError {
  const message =
    status === "rotating"
      ? "This key has been rotated: it ends by itself, and its successor is the one to change."
      : `This key is ${status}. Issue a new one.`;
  return conflict(message);
}

function conflict(message: string): TollgateError {
  return new TollgateError("CONFLICT", undefined, { message });
}

function sameTime(a: Date | null, b: Date | null): boolean {
  return a?.getTime() === b?.getTime();
}

const columnOf = {
  name: "name",
  description: "description",
  scopes: "scopes",
  projectId: "project_id",
  dailyQuota: "daily_quota",
  plan: "plan",
  expiresAt: "expires_at",
  allowedModels: "allowed_models",
  allowedIps: "allowed_ips",
} as const satisfies Record<keyof KeyPolicy, keyof ApiKeysTable>;

/** The policy by the names of its columns. */
function columnsOf(policy: KeyPolicy): Readonly<Record<string, unknown>> {
  const fields = Object.keys(columnOf) as (keyof KeyPolicy)[];
  return Object.fromEntries(fields.map((field) => [columnOf[field], policy[field]]));
}
