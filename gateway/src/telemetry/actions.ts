type ActionRow = {
  readonly about: string;
  /** Cached identities must notice it: the auth epoch is raised in the same transaction. */
  readonly changesIdentities?: true;
};

/** Everything that leaves an audit entry (X1). */
export const actions = {
  "user.create": { about: "A person registered, or was made by an administrator." },
  "user.role_change": { about: "A user's role was changed.", changesIdentities: true },
  "user.activate": { about: "A user was let in again.", changesIdentities: true },
  "user.deactivate": { about: "A user was shut out.", changesIdentities: true },
  "user.password_change": {
    about: "A password was changed; its other sessions ended.",
    changesIdentities: true,
  },
  "user.link_account": {
    about: "An account of another issuer now signs a user in.",
    changesIdentities: true,
  },
  "user.erase": { about: "A user's personal data was erased.", changesIdentities: true },
  "session.login": { about: "Somebody signed in." },
  "session.login_failed": { about: "A sign-in was refused; at most one entry per subject and minute." },
  "session.revoke": { about: "Sessions were ended.", changesIdentities: true },
  "session.reuse_detected": {
    about: "A used refresh token came back; its session was ended.",
    changesIdentities: true,
  },
  "key.issue": { about: "An API key was made." },
  "key.update": { about: "An API key's policy was changed.", changesIdentities: true },
  "key.rotate": { about: "An API key was given a successor.", changesIdentities: true },
  "key.revoke": { about: "An API key was revoked.", changesIdentities: true },
  "key.leak_report": { about: "A key that was found in public was revoked.", changesIdentities: true },
  "key.introspect": { about: "The state of an API key was read with the internal token." },
  "team.create": { about: "A team was made." },
  "team.update": { about: "A team was changed." },
  "team.delete": { about: "A team was deleted." },
  "project.create": { about: "A project was made." },
  "project.update": { about: "A project was changed, archived or restored." },
  "project.delete": { about: "A project was deleted; its keys were revoked.", changesIdentities: true },
  "member.add": { about: "A user became a member of a team or project." },
  "member.role_change": { about: "A member's role was changed." },
  "member.remove": { about: "A member left a team or project." },
  "budget.change": { about: "A budget was set, changed or removed." },
  "price.change": { about: "A model was given a new price, or the catalogue's was adopted." },
  "policy.change": { about: "A plan was set, changed or deleted.", changesIdentities: true },
  "limit.change": {
    about: "A user's plan or one of a user's limits was changed.",
    changesIdentities: true,
  },
  "limit.reset": { about: "A user's limits begin anew." },
  "cooldown.start": { about: "Repeated refusals started a cooldown." },
  "cooldown.clear": { about: "An administrator ended a cooldown." },
  "breaker.reset": { about: "An administrator closed a provider's circuit breaker." },
  "provider.set": { about: "A provider was set, or given another address or credential." },
  "provider.remove": { about: "A provider was removed, and its credential with it." },
  "provider.rewrap": { about: "A provider's credential was sealed by the current SECRET_KEY." },
  "webhook.create": { about: "A webhook was made." },
  "webhook.delete": { about: "A webhook was deleted." },
  "ledger.close": {
    about: "A day's ledger rows were deleted; what they had spent is carried, and roll-ups stay.",
  },
  "ledger.reprice": { about: "Past calls were priced again, and the differences posted." },
  "job.cancel": { about: "A job was cancelled, or asked to stop." },
  "job.retry": { about: "A dead letter was begun anew." },
  "job.discard": { about: "A dead letter was deleted." },
  "books.repair": { about: "Counters that differed from the ledger were set right." },
  "audit.export": { about: "The audit log was exported." },
  "cache.drop": { about: "A newer KEY_CACHE_EPOCH dropped every cached identity.", changesIdentities: true },
} as const satisfies Record<string, ActionRow>;

export type Action = keyof typeof actions;

export function changesIdentities(action: Action): boolean {
  return "changesIdentities" in actions[action];
}
