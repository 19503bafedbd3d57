import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { MemberRole } from "../store/tables.access.ts";
import type { Tx } from "../store/tables.ts";
import type { Change, Noted } from "../telemetry/change.ts";
import { type By, holdProject, holdTeam } from "./hold.ts";
import type { Caller, Level } from "./levels.ts";
import { memberRows } from "./member-rows.ts";
import { findMember, type Member, type Place } from "./members.ts";

/** Names a user: by its id, or by its e-mail address as identity normalises it. */
export type UserName = { readonly userId: string } | { readonly emailNorm: string };

export type MemberChangeDeps = { readonly clock: Clock; readonly change: Change };

/**
 * Takes a manager. Throws NOT_FOUND for an unknown user, CONFLICT for one who belongs to the place already, FORBIDDEN
 * for oneself: what one is through a team would outlast it.
 */
export async function addMember(
  { clock, change }: MemberChangeDeps,
  { caller, cause }: By,
  place: Place,
  { name, role }: { readonly name: UserName; readonly role: MemberRole },
): Promise<Member> {
  return change(cause, async (tx, note) => {
    const { ownerId } = await holdPlace(tx, caller, place, "manager");
    const userId = await findUserId(tx, name);
    if (userId === undefined) throw refusal("NOT_FOUND", "There is no such user here.");
    if (userId === caller.userId) throw refusal("FORBIDDEN", "Nobody adds themselves.");
    const isNew =
      userId !== ownerId && (await memberRows(tx, place).add(userId, role, new Date(clock.now())));
    if (!isNew) throw refusal("CONFLICT", "This user belongs here already.");
    note(noted("member.add", place, userId, [null, role]));
    return getMember(tx, place, userId);
  });
}

/** Takes a manager. Nobody changes the owner's role or their own: FORBIDDEN. */
export async function setMemberRole(
  { change }: MemberChangeDeps,
  { caller, cause }: By,
  place: Place,
  { userId, role }: { readonly userId: string; readonly role: MemberRole },
): Promise<Member> {
  return change(cause, async (tx, note) => {
    await holdPlace(tx, caller, place, "manager");
    const member = await getMember(tx, place, userId);
    if (member.role === "owner") throw refusal("FORBIDDEN", "The owner's role does not change.");
    if (userId === caller.userId) throw refusal("FORBIDDEN", "Nobody changes their own role.");
    if (member.role === role) return member;
    await memberRows(tx, place).setRole(userId, role);
    note(noted("member.role_change", place, userId, [member.role, role]));
    return { ...member, role };
  });
}

/** Takes a manager, or the member itself, who leaves. The owner stays: FORBIDDEN. */
export async function removeMember(
  { change }: MemberChangeDeps,
  { caller, cause }: By,
  place: Place,
  userId: string,
): Promise<void> {
  await change(cause, async (tx, note) => {
    await holdPlace(tx, caller, place, userId === caller.userId ? "viewer" : "manager");
    const member = await getMember(tx, place, userId);
    if (member.role === "owner") throw refusal("FORBIDDEN", "The owner cannot leave.");
    await memberRows(tx, place).remove(userId);
    note(noted("member.remove", place, userId, [member.role, null]));
  });
}

function holdPlace(tx: Tx, caller: Caller, { kind, id }: Place, wanted: Level) {
  return kind === "project" ? holdProject(tx, caller, id, wanted) : holdTeam(tx, caller, id, wanted);
}

async function getMember(tx: Tx, place: Place, userId: string): Promise<Member> {
  const member = await findMember(tx, place, userId);
  if (member === undefined) throw refusal("NOT_FOUND", "There is no such member here.");
  return member;
}

async function findUserId(tx: Tx, name: UserName): Promise<string | undefined> {
  const users = tx.selectFrom("users").select("id").where("erased_at", "is", null);
  const found = await ("userId" in name
    ? users.where("id", "=", name.userId)
    : users.where("email_norm", "=", name.emailNorm)
  ).executeTakeFirst();
  return found?.id;
}

type Reason = "NOT_FOUND" | "FORBIDDEN" | "CONFLICT";

function refusal(code: Reason, message: string): TollgateError {
  return new TollgateError(code, undefined, { message });
}

function noted(
  action: Noted["action"],
  { kind, id }: Place,
  userId: string,
  roles: readonly [before: Level | null, after: Level | null],
): Noted {
  return { action, target: { type: kind, id: String(id) }, changes: { [`members.${userId}`]: roles } };
}
