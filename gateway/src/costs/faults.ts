/**
 * Runs `work` on all items at once. If the data of some item is at fault, the items are halved until each culprit
 * stands alone and is handed to `setAside`; the others are done. Other errors (no connection, a timeout, a deadlock)
 * say nothing about the items and are thrown.
 */
export async function withoutCulprits<Item>(
  items: readonly Item[],
  work: (items: readonly Item[]) => Promise<void>,
  setAside: (item: Item, error: unknown) => void,
): Promise<void> {
  try {
    await work(items);
  } catch (error) {
    if (!isDataFault(error)) throw error;
    const [only] = items;
    if (items.length === 1) return setAside(only!, error);
    const middle = items.length >> 1;
    await withoutCulprits(items.slice(0, middle), work, setAside);
    await withoutCulprits(items.slice(middle), work, setAside);
  }
}

/** SQLSTATE classes 22 data exception, 23 constraint violation, 54 limit of the program: again would fail again. */
export function isDataFault(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^(22|23|54)...$/.test(code);
}
