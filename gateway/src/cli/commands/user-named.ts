import { type Account, findAccount, findAccountByEmail } from "../../identity/accounts.ts";
import { type CommandDeps, UsageError } from "../command.ts";

/** A user by id or by e-mail address; the default user if nobody is named. Throws UsageError. */
export async function userNamed(
  { db, defaultUser }: Pick<CommandDeps, "db" | "defaultUser">,
  user = defaultUser,
): Promise<Account> {
  const account = user.includes("@") ? await findAccountByEmail(db, user) : await findAccount(db, user);
  if (account === undefined) throw new UsageError(`there is no user ${user}`);
  return account;
}
