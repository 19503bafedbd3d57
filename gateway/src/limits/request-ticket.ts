import type { Ticket } from "./ticket.ts";

/** The ticket of a request that may make several calls: it is closed when all of them are over, with their sum. */
export type RequestTicket = Ticket & {
  /** For the next of its calls. */
  part(): Ticket;
};

export function requestTicket(ticket: Ticket): RequestTicket {
  let open = 0;
  let isUsed = false;
  let isOver = false;
  /** Undefined: of one of the calls nobody knows. */
  let tokens: number | undefined = 0;

  async function closeIfOver(): Promise<void> {
    if (isOver && open === 0) await ticket.settle(tokens);
  }

  return {
    part() {
      let isOpen = true;
      open += 1;
      const end = async (use: () => void): Promise<boolean> => {
        if (!isOpen) return false;
        isOpen = false;
        open -= 1;
        use();
        await closeIfOver();
        return true;
      };
      return {
        async settle(came) {
          await end(() => {
            isUsed = true;
            tokens = tokens === undefined || came === undefined ? undefined : tokens + came;
          });
        },
        giveBack: () => end(() => {}),
      };
    },
    async settle() {
      isOver = true;
      await closeIfOver();
    },
    async giveBack() {
      isOver = true;
      if (!isUsed && open === 0) return ticket.giveBack();
      await closeIfOver();
      return false;
    },
  };
}
