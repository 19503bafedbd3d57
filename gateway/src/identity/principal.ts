/** What a user may do at most; see `access/permissions.ts`. */
export type Role = "admin" | "manager" | "developer" | "viewer";

/** How a caller proved who it is. */
export type Credential =
  | { readonly kind: "static" }
  | {
      readonly kind: "key";
      readonly keyId: number;
      readonly prefix: string;
      /** As granted; what counts is their intersection with the owner's role. */
      readonly scopes: readonly string[];
      /** The key's calls are paid by this project. */
      readonly projectId: number | null;
      readonly dailyQuota: number | null;
    };

/** Who is calling. Immutable; a change to the user or the key makes a new one at the next look-up. */
export type Principal = {
  readonly userId: string;
  readonly role: Role;
  readonly credential: Credential;
  /** The auth epoch this was read at. A limit decision that knows a newer one refuses it as stale. */
  readonly epoch: number;
};
