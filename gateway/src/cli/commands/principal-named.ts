import type { Principal } from "../../identity/principal.ts";
import { standInFor } from "../../identity/stand-in.ts";
import { type CommandDeps, UsageError } from "../command.ts";
import { keyNamed } from "./keys.named.ts";
import { userNamed } from "./user-named.ts";

/** As whom something is done: a user, or a key and its owner. */
export type Named = { readonly user?: string | undefined; readonly key?: string | undefined };

/** Who that is in a call of theirs now. Throws UsageError for whom no call would be let in. */
export async function principalNamed(deps: CommandDeps, { user, key }: Named): Promise<Principal> {
  const byKey = key === undefined ? undefined : await keyNamed(deps, key);
  if (byKey?.status === "revoked" || byKey?.status === "expired") {
    throw new UsageError(`the key ${byKey.prefix} is ${byKey.status}`);
  }
  const { id: userId, active } = await userNamed(deps, byKey?.user_id ?? user);
  if (!active) throw new UsageError(`${userId} is shut out`);
  return standInFor(deps, { userId, keyId: byKey?.id });
}
