/** What ends the calls under way when the process must end before they have. */
export type CallStops = {
  /** The returned function forgets it. */
  add(stop: () => void): () => void;
  /** Ends all that are not forgotten. */
  all(): void;
};

/**
 * A set whose entries come and go with every call. Its old tables keep what they held until a major collection, so it
 * holds small cells that are emptied, and never a call.
 */
export function callStops(): CallStops {
  const cells = new Set<{ stop: (() => void) | undefined }>();
  return {
    add(stop) {
      const cell: { stop: (() => void) | undefined } = { stop };
      cells.add(cell);
      return () => {
        cell.stop = undefined;
        cells.delete(cell);
      };
    },
    all() {
      for (const { stop } of cells) stop?.();
    },
  };
}
